/*eslint-disable block-scoped-var, id-length, no-control-regex, no-magic-numbers, no-mixed-operators, no-prototype-builtins, no-redeclare, no-shadow, no-var, sort-vars, default-case, jsdoc/require-param*/
'use strict';

var $protobuf = require('protobufjs/minimal');

var $Reader = $protobuf.Reader,
  $Writer = $protobuf.Writer,
  $util = $protobuf.util;
var $Object = $util.global.Object,
  $undefined = $util.global.undefined,
  $Error = $util.global.Error,
  $RangeError = $util.global.RangeError;

var $root = $protobuf.roots['tidegate-iot'] || ($protobuf.roots['tidegate-iot'] = {});

$root.tidegate = (function () {
  var tidegate = {};

  tidegate.iot = (function () {
    var iot = {};

    iot.v1 = (function () {
      var v1 = {};

      v1.TimeQuality = (function () {
        var valuesById = $Object.create(null),
          values = $Object.create(valuesById);
        values[(valuesById[0] = 'TIME_QUALITY_UNSPECIFIED')] = 0;
        values[(valuesById[1] = 'TIME_QUALITY_SYNCED')] = 1;
        values[(valuesById[2] = 'TIME_QUALITY_HOLDOVER')] = 2;
        values[(valuesById[3] = 'TIME_QUALITY_UPTIME_ONLY')] = 3;
        return values;
      })();

      v1.Hello = (function () {
        var Hello = function (properties) {
          if (properties)
            for (var keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
              if (properties[keys[i]] != null && keys[i] !== '__proto__') this[keys[i]] = properties[keys[i]];
        };

        Hello.prototype.tenant = '';
        Hello.prototype.deviceId = '';
        Hello.prototype.bootId = 0;
        Hello.prototype.token = $util.newBuffer([]);
        Hello.prototype.keepaliveS = 0;
        Hello.prototype.schemaId = '';
        Hello.prototype.traceCtx = $util.newBuffer([]);
        Hello.prototype.caps = 0;
        Hello.prototype.deviceTimeMs = 0;
        Hello.prototype.uptimeMs = 0;

        Hello.encode = function (message, writer, _depth) {
          if (!writer) writer = $Writer.create();
          if (_depth === $undefined) _depth = 0;
          if (_depth > $util.recursionLimit) throw $Error('max depth exceeded');
          if (message.tenant != null && $Object.hasOwnProperty.call(message, 'tenant') && message.tenant !== '')
            writer.uint32(10).string(message.tenant);
          if (message.deviceId != null && $Object.hasOwnProperty.call(message, 'deviceId') && message.deviceId !== '')
            writer.uint32(18).string(message.deviceId);
          if (message.bootId != null && $Object.hasOwnProperty.call(message, 'bootId') && message.bootId !== 0)
            writer.uint32(24).uint32(message.bootId);
          if (message.token != null && $Object.hasOwnProperty.call(message, 'token') && message.token.length)
            writer.uint32(34).bytes(message.token);
          if (
            message.keepaliveS != null &&
            $Object.hasOwnProperty.call(message, 'keepaliveS') &&
            message.keepaliveS !== 0
          )
            writer.uint32(40).uint32(message.keepaliveS);
          if (message.schemaId != null && $Object.hasOwnProperty.call(message, 'schemaId') && message.schemaId !== '')
            writer.uint32(58).string(message.schemaId);
          if (message.traceCtx != null && $Object.hasOwnProperty.call(message, 'traceCtx') && message.traceCtx.length)
            writer.uint32(66).bytes(message.traceCtx);
          if (message.caps != null && $Object.hasOwnProperty.call(message, 'caps') && message.caps !== 0)
            writer.uint32(72).uint32(message.caps);
          if (
            message.deviceTimeMs != null &&
            $Object.hasOwnProperty.call(message, 'deviceTimeMs') &&
            (typeof message.deviceTimeMs === 'object'
              ? message.deviceTimeMs.low || message.deviceTimeMs.high
              : message.deviceTimeMs !== 0)
          )
            writer.uint32(80).uint64(message.deviceTimeMs);
          if (message.uptimeMs != null && $Object.hasOwnProperty.call(message, 'uptimeMs') && message.uptimeMs !== 0)
            writer.uint32(88).uint32(message.uptimeMs);
          if (message.$unknowns != null && $Object.hasOwnProperty.call(message, '$unknowns'))
            for (var i = 0; i < message.$unknowns.length; ++i) writer.raw(message.$unknowns[i]);
          return writer;
        };

        Hello.decode = function (reader, length, _end, _depth, _target) {
          if (!(reader instanceof $Reader)) reader = $Reader.create(reader);
          if (_depth === $undefined) _depth = 0;
          if (_depth > $Reader.recursionLimit) throw $Error('max depth exceeded');
          var end, message, value;
          if (length === $undefined) end = reader.len;
          else {
            end = reader.pos + length;
            if (end > reader.len) throw $RangeError('index out of range');
            length = reader.len;
            reader.len = end;
          }
          message = _target || new $root.tidegate.iot.v1.Hello();
          while (reader.pos < end) {
            var start = reader.pos;
            var tag = reader.tag();
            if (tag === _end) {
              _end = $undefined;
              break;
            }
            var wireType = tag & 7;
            switch ((tag >>>= 3)) {
              case 1: {
                if (wireType !== 2) break;
                if ((value = reader.stringVerify()).length) message.tenant = value;
                else delete message.tenant;
                continue;
              }
              case 2: {
                if (wireType !== 2) break;
                if ((value = reader.stringVerify()).length) message.deviceId = value;
                else delete message.deviceId;
                continue;
              }
              case 3: {
                if (wireType !== 0) break;
                if ((value = reader.uint32())) message.bootId = value;
                else delete message.bootId;
                continue;
              }
              case 4: {
                if (wireType !== 2) break;
                if ((value = reader.bytes()).length) message.token = value;
                else delete message.token;
                continue;
              }
              case 5: {
                if (wireType !== 0) break;
                if ((value = reader.uint32())) message.keepaliveS = value;
                else delete message.keepaliveS;
                continue;
              }
              case 7: {
                if (wireType !== 2) break;
                if ((value = reader.stringVerify()).length) message.schemaId = value;
                else delete message.schemaId;
                continue;
              }
              case 8: {
                if (wireType !== 2) break;
                if ((value = reader.bytes()).length) message.traceCtx = value;
                else delete message.traceCtx;
                continue;
              }
              case 9: {
                if (wireType !== 0) break;
                if ((value = reader.uint32())) message.caps = value;
                else delete message.caps;
                continue;
              }
              case 10: {
                if (wireType !== 0) break;
                if (typeof (value = reader.uint64()) === 'object' ? value.low || value.high : value !== 0)
                  message.deviceTimeMs = value;
                else delete message.deviceTimeMs;
                continue;
              }
              case 11: {
                if (wireType !== 0) break;
                if ((value = reader.uint32())) message.uptimeMs = value;
                else delete message.uptimeMs;
                continue;
              }
            }
            reader.skipType(wireType, _depth, tag);
            if (!reader.discardUnknown) {
              $util.makeProp(message, '$unknowns', false);
              (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
            }
          }
          if (length !== $undefined) {
            if (reader.pos !== end) throw $RangeError('index out of range');
            reader.len = length;
          }
          if (_end !== $undefined) throw $Error('missing end group');
          return message;
        };

        return Hello;
      })();

      v1.Series = (function () {
        var Series = function (properties) {
          this.v = [];
          this.f = [];
          if (properties)
            for (var keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
              if (properties[keys[i]] != null && keys[i] !== '__proto__') this[keys[i]] = properties[keys[i]];
        };

        Series.prototype.ch = 0;
        Series.prototype.exp10 = 0;
        Series.prototype.v = $util.emptyArray;
        Series.prototype.f = $util.emptyArray;

        Series.encode = function (message, writer, _depth) {
          if (!writer) writer = $Writer.create();
          if (_depth === $undefined) _depth = 0;
          if (_depth > $util.recursionLimit) throw $Error('max depth exceeded');
          if (message.ch != null && $Object.hasOwnProperty.call(message, 'ch') && message.ch !== 0)
            writer.uint32(8).uint32(message.ch);
          if (message.exp10 != null && $Object.hasOwnProperty.call(message, 'exp10') && message.exp10 !== 0)
            writer.uint32(16).sint32(message.exp10);
          if (message.v != null && message.v.length) writer.uint32(26).sint64s(message.v);
          if (message.f != null && message.f.length) writer.uint32(34).floats(message.f);
          if (message.$unknowns != null && $Object.hasOwnProperty.call(message, '$unknowns'))
            for (var i = 0; i < message.$unknowns.length; ++i) writer.raw(message.$unknowns[i]);
          return writer;
        };

        Series.decode = function (reader, length, _end, _depth, _target) {
          if (!(reader instanceof $Reader)) reader = $Reader.create(reader);
          if (_depth === $undefined) _depth = 0;
          if (_depth > $Reader.recursionLimit) throw $Error('max depth exceeded');
          var end, message, value;
          if (length === $undefined) end = reader.len;
          else {
            end = reader.pos + length;
            if (end > reader.len) throw $RangeError('index out of range');
            length = reader.len;
            reader.len = end;
          }
          message = _target || new $root.tidegate.iot.v1.Series();
          while (reader.pos < end) {
            var start = reader.pos;
            var tag = reader.tag();
            if (tag === _end) {
              _end = $undefined;
              break;
            }
            var wireType = tag & 7;
            switch ((tag >>>= 3)) {
              case 1: {
                if (wireType !== 0) break;
                if ((value = reader.uint32())) message.ch = value;
                else delete message.ch;
                continue;
              }
              case 2: {
                if (wireType !== 0) break;
                if ((value = reader.sint32())) message.exp10 = value;
                else delete message.exp10;
                continue;
              }
              case 3: {
                if (wireType === 2) {
                  if (!(message.v && message.v.length)) message.v = [];
                  reader.sint64s(message.v);
                  continue;
                }
                if (wireType !== 0) break;
                if (!(message.v && message.v.length)) message.v = [];
                message.v.push(reader.sint64());
                continue;
              }
              case 4: {
                if (wireType === 2) {
                  if (!(message.f && message.f.length)) message.f = [];
                  reader.floats(message.f);
                  continue;
                }
                if (wireType !== 5) break;
                if (!(message.f && message.f.length)) message.f = [];
                message.f.push(reader.float());
                continue;
              }
            }
            reader.skipType(wireType, _depth, tag);
            if (!reader.discardUnknown) {
              $util.makeProp(message, '$unknowns', false);
              (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
            }
          }
          if (length !== $undefined) {
            if (reader.pos !== end) throw $RangeError('index out of range');
            reader.len = length;
          }
          if (_end !== $undefined) throw $Error('missing end group');
          return message;
        };

        return Series;
      })();

      v1.Telemetry = (function () {
        var Telemetry = function (properties) {
          this.dtMs = [];
          this.series = [];
          if (properties)
            for (var keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
              if (properties[keys[i]] != null && keys[i] !== '__proto__') this[keys[i]] = properties[keys[i]];
        };

        Telemetry.prototype.seq = 0;
        Telemetry.prototype.baseTimeMs = 0;
        Telemetry.prototype.uptimeMs = 0;
        Telemetry.prototype.tq = 0;
        Telemetry.prototype.dtMs = $util.emptyArray;
        Telemetry.prototype.series = $util.emptyArray;
        Telemetry.prototype.lane = 0;

        Telemetry.encode = function (message, writer, _depth) {
          if (!writer) writer = $Writer.create();
          if (_depth === $undefined) _depth = 0;
          if (_depth > $util.recursionLimit) throw $Error('max depth exceeded');
          if (message.seq != null && $Object.hasOwnProperty.call(message, 'seq') && message.seq !== 0)
            writer.uint32(8).uint32(message.seq);
          if (
            message.baseTimeMs != null &&
            $Object.hasOwnProperty.call(message, 'baseTimeMs') &&
            (typeof message.baseTimeMs === 'object'
              ? message.baseTimeMs.low || message.baseTimeMs.high
              : message.baseTimeMs !== 0)
          )
            writer.uint32(16).uint64(message.baseTimeMs);
          if (message.uptimeMs != null && $Object.hasOwnProperty.call(message, 'uptimeMs') && message.uptimeMs !== 0)
            writer.uint32(24).uint32(message.uptimeMs);
          if (message.tq != null && $Object.hasOwnProperty.call(message, 'tq') && message.tq !== 0)
            writer.uint32(32).int32(message.tq);
          if (message.dtMs != null && message.dtMs.length) writer.uint32(42).uint32s(message.dtMs);
          if (message.series != null && message.series.length)
            for (var i = 0; i < message.series.length; ++i)
              $root.tidegate.iot.v1.Series.encode(message.series[i], writer.uint32(50).fork(), _depth + 1).ldelim();
          if (message.lane != null && $Object.hasOwnProperty.call(message, 'lane') && message.lane !== 0)
            writer.uint32(56).uint32(message.lane);
          if (message.$unknowns != null && $Object.hasOwnProperty.call(message, '$unknowns'))
            for (var i = 0; i < message.$unknowns.length; ++i) writer.raw(message.$unknowns[i]);
          return writer;
        };

        Telemetry.decode = function (reader, length, _end, _depth, _target) {
          if (!(reader instanceof $Reader)) reader = $Reader.create(reader);
          if (_depth === $undefined) _depth = 0;
          if (_depth > $Reader.recursionLimit) throw $Error('max depth exceeded');
          var end, message, value;
          if (length === $undefined) end = reader.len;
          else {
            end = reader.pos + length;
            if (end > reader.len) throw $RangeError('index out of range');
            length = reader.len;
            reader.len = end;
          }
          message = _target || new $root.tidegate.iot.v1.Telemetry();
          while (reader.pos < end) {
            var start = reader.pos;
            var tag = reader.tag();
            if (tag === _end) {
              _end = $undefined;
              break;
            }
            var wireType = tag & 7;
            switch ((tag >>>= 3)) {
              case 1: {
                if (wireType !== 0) break;
                if ((value = reader.uint32())) message.seq = value;
                else delete message.seq;
                continue;
              }
              case 2: {
                if (wireType !== 0) break;
                if (typeof (value = reader.uint64()) === 'object' ? value.low || value.high : value !== 0)
                  message.baseTimeMs = value;
                else delete message.baseTimeMs;
                continue;
              }
              case 3: {
                if (wireType !== 0) break;
                if ((value = reader.uint32())) message.uptimeMs = value;
                else delete message.uptimeMs;
                continue;
              }
              case 4: {
                if (wireType !== 0) break;
                if ((value = reader.int32())) message.tq = value;
                else delete message.tq;
                continue;
              }
              case 5: {
                if (wireType === 2) {
                  if (!(message.dtMs && message.dtMs.length)) message.dtMs = [];
                  reader.uint32s(message.dtMs);
                  continue;
                }
                if (wireType !== 0) break;
                if (!(message.dtMs && message.dtMs.length)) message.dtMs = [];
                message.dtMs.push(reader.uint32());
                continue;
              }
              case 6: {
                if (wireType !== 2) break;
                if (!(message.series && message.series.length)) message.series = [];
                message.series.push($root.tidegate.iot.v1.Series.decode(reader, reader.size(), $undefined, _depth + 1));
                continue;
              }
              case 7: {
                if (wireType !== 0) break;
                if ((value = reader.uint32())) message.lane = value;
                else delete message.lane;
                continue;
              }
            }
            reader.skipType(wireType, _depth, tag);
            if (!reader.discardUnknown) {
              $util.makeProp(message, '$unknowns', false);
              (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
            }
          }
          if (length !== $undefined) {
            if (reader.pos !== end) throw $RangeError('index out of range');
            reader.len = length;
          }
          if (_end !== $undefined) throw $Error('missing end group');
          return message;
        };

        return Telemetry;
      })();

      v1.CommandResult = (function () {
        var CommandResult = function (properties) {
          if (properties)
            for (var keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
              if (properties[keys[i]] != null && keys[i] !== '__proto__') this[keys[i]] = properties[keys[i]];
        };

        CommandResult.prototype.commandId = $util.newBuffer([]);
        CommandResult.prototype.status = 0;
        CommandResult.prototype.payload = $util.newBuffer([]);

        CommandResult.encode = function (message, writer, _depth) {
          if (!writer) writer = $Writer.create();
          if (_depth === $undefined) _depth = 0;
          if (_depth > $util.recursionLimit) throw $Error('max depth exceeded');
          if (
            message.commandId != null &&
            $Object.hasOwnProperty.call(message, 'commandId') &&
            message.commandId.length
          )
            writer.uint32(10).bytes(message.commandId);
          if (message.status != null && $Object.hasOwnProperty.call(message, 'status') && message.status !== 0)
            writer.uint32(16).uint32(message.status);
          if (message.payload != null && $Object.hasOwnProperty.call(message, 'payload') && message.payload.length)
            writer.uint32(26).bytes(message.payload);
          if (message.$unknowns != null && $Object.hasOwnProperty.call(message, '$unknowns'))
            for (var i = 0; i < message.$unknowns.length; ++i) writer.raw(message.$unknowns[i]);
          return writer;
        };

        CommandResult.decode = function (reader, length, _end, _depth, _target) {
          if (!(reader instanceof $Reader)) reader = $Reader.create(reader);
          if (_depth === $undefined) _depth = 0;
          if (_depth > $Reader.recursionLimit) throw $Error('max depth exceeded');
          var end, message, value;
          if (length === $undefined) end = reader.len;
          else {
            end = reader.pos + length;
            if (end > reader.len) throw $RangeError('index out of range');
            length = reader.len;
            reader.len = end;
          }
          message = _target || new $root.tidegate.iot.v1.CommandResult();
          while (reader.pos < end) {
            var start = reader.pos;
            var tag = reader.tag();
            if (tag === _end) {
              _end = $undefined;
              break;
            }
            var wireType = tag & 7;
            switch ((tag >>>= 3)) {
              case 1: {
                if (wireType !== 2) break;
                if ((value = reader.bytes()).length) message.commandId = value;
                else delete message.commandId;
                continue;
              }
              case 2: {
                if (wireType !== 0) break;
                if ((value = reader.uint32())) message.status = value;
                else delete message.status;
                continue;
              }
              case 3: {
                if (wireType !== 2) break;
                if ((value = reader.bytes()).length) message.payload = value;
                else delete message.payload;
                continue;
              }
            }
            reader.skipType(wireType, _depth, tag);
            if (!reader.discardUnknown) {
              $util.makeProp(message, '$unknowns', false);
              (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
            }
          }
          if (length !== $undefined) {
            if (reader.pos !== end) throw $RangeError('index out of range');
            reader.len = length;
          }
          if (_end !== $undefined) throw $Error('missing end group');
          return message;
        };

        return CommandResult;
      })();

      v1.Ping = (function () {
        var Ping = function (properties) {
          if (properties)
            for (var keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
              if (properties[keys[i]] != null && keys[i] !== '__proto__') this[keys[i]] = properties[keys[i]];
        };

        Ping.prototype.nonce = 0;
        Ping.prototype.deviceTimeMs = 0;

        Ping.encode = function (message, writer, _depth) {
          if (!writer) writer = $Writer.create();
          if (_depth === $undefined) _depth = 0;
          if (_depth > $util.recursionLimit) throw $Error('max depth exceeded');
          if (message.nonce != null && $Object.hasOwnProperty.call(message, 'nonce') && message.nonce !== 0)
            writer.uint32(8).uint32(message.nonce);
          if (
            message.deviceTimeMs != null &&
            $Object.hasOwnProperty.call(message, 'deviceTimeMs') &&
            (typeof message.deviceTimeMs === 'object'
              ? message.deviceTimeMs.low || message.deviceTimeMs.high
              : message.deviceTimeMs !== 0)
          )
            writer.uint32(16).uint64(message.deviceTimeMs);
          if (message.$unknowns != null && $Object.hasOwnProperty.call(message, '$unknowns'))
            for (var i = 0; i < message.$unknowns.length; ++i) writer.raw(message.$unknowns[i]);
          return writer;
        };

        Ping.decode = function (reader, length, _end, _depth, _target) {
          if (!(reader instanceof $Reader)) reader = $Reader.create(reader);
          if (_depth === $undefined) _depth = 0;
          if (_depth > $Reader.recursionLimit) throw $Error('max depth exceeded');
          var end, message, value;
          if (length === $undefined) end = reader.len;
          else {
            end = reader.pos + length;
            if (end > reader.len) throw $RangeError('index out of range');
            length = reader.len;
            reader.len = end;
          }
          message = _target || new $root.tidegate.iot.v1.Ping();
          while (reader.pos < end) {
            var start = reader.pos;
            var tag = reader.tag();
            if (tag === _end) {
              _end = $undefined;
              break;
            }
            var wireType = tag & 7;
            switch ((tag >>>= 3)) {
              case 1: {
                if (wireType !== 0) break;
                if ((value = reader.uint32())) message.nonce = value;
                else delete message.nonce;
                continue;
              }
              case 2: {
                if (wireType !== 0) break;
                if (typeof (value = reader.uint64()) === 'object' ? value.low || value.high : value !== 0)
                  message.deviceTimeMs = value;
                else delete message.deviceTimeMs;
                continue;
              }
            }
            reader.skipType(wireType, _depth, tag);
            if (!reader.discardUnknown) {
              $util.makeProp(message, '$unknowns', false);
              (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
            }
          }
          if (length !== $undefined) {
            if (reader.pos !== end) throw $RangeError('index out of range');
            reader.len = length;
          }
          if (_end !== $undefined) throw $Error('missing end group');
          return message;
        };

        return Ping;
      })();

      v1.Bye = (function () {
        var Bye = function (properties) {
          if (properties)
            for (var keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
              if (properties[keys[i]] != null && keys[i] !== '__proto__') this[keys[i]] = properties[keys[i]];
        };

        Bye.prototype.reason = 0;

        Bye.encode = function (message, writer, _depth) {
          if (!writer) writer = $Writer.create();
          if (_depth === $undefined) _depth = 0;
          if (_depth > $util.recursionLimit) throw $Error('max depth exceeded');
          if (message.reason != null && $Object.hasOwnProperty.call(message, 'reason') && message.reason !== 0)
            writer.uint32(8).uint32(message.reason);
          if (message.$unknowns != null && $Object.hasOwnProperty.call(message, '$unknowns'))
            for (var i = 0; i < message.$unknowns.length; ++i) writer.raw(message.$unknowns[i]);
          return writer;
        };

        Bye.decode = function (reader, length, _end, _depth, _target) {
          if (!(reader instanceof $Reader)) reader = $Reader.create(reader);
          if (_depth === $undefined) _depth = 0;
          if (_depth > $Reader.recursionLimit) throw $Error('max depth exceeded');
          var end, message, value;
          if (length === $undefined) end = reader.len;
          else {
            end = reader.pos + length;
            if (end > reader.len) throw $RangeError('index out of range');
            length = reader.len;
            reader.len = end;
          }
          message = _target || new $root.tidegate.iot.v1.Bye();
          while (reader.pos < end) {
            var start = reader.pos;
            var tag = reader.tag();
            if (tag === _end) {
              _end = $undefined;
              break;
            }
            var wireType = tag & 7;
            switch ((tag >>>= 3)) {
              case 1: {
                if (wireType !== 0) break;
                if ((value = reader.uint32())) message.reason = value;
                else delete message.reason;
                continue;
              }
            }
            reader.skipType(wireType, _depth, tag);
            if (!reader.discardUnknown) {
              $util.makeProp(message, '$unknowns', false);
              (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
            }
          }
          if (length !== $undefined) {
            if (reader.pos !== end) throw $RangeError('index out of range');
            reader.len = length;
          }
          if (_end !== $undefined) throw $Error('missing end group');
          return message;
        };

        return Bye;
      })();

      v1.ClientFrame = (function () {
        var ClientFrame = function (properties) {
          if (properties)
            for (var keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
              if (properties[keys[i]] != null && keys[i] !== '__proto__') this[keys[i]] = properties[keys[i]];
        };

        ClientFrame.prototype.hello = null;
        ClientFrame.prototype.telemetry = null;
        ClientFrame.prototype.result = null;
        ClientFrame.prototype.ping = null;
        ClientFrame.prototype.bye = null;

        var $oneOfFields;

        $Object.defineProperty(ClientFrame.prototype, 'body', {
          get: $util.oneOfGetter(($oneOfFields = ['hello', 'telemetry', 'result', 'ping', 'bye'])),
          set: $util.oneOfSetter($oneOfFields),
        });

        ClientFrame.encode = function (message, writer, _depth) {
          if (!writer) writer = $Writer.create();
          if (_depth === $undefined) _depth = 0;
          if (_depth > $util.recursionLimit) throw $Error('max depth exceeded');
          if (message.hello != null && $Object.hasOwnProperty.call(message, 'hello'))
            $root.tidegate.iot.v1.Hello.encode(message.hello, writer.uint32(10).fork(), _depth + 1).ldelim();
          if (message.telemetry != null && $Object.hasOwnProperty.call(message, 'telemetry'))
            $root.tidegate.iot.v1.Telemetry.encode(message.telemetry, writer.uint32(18).fork(), _depth + 1).ldelim();
          if (message.result != null && $Object.hasOwnProperty.call(message, 'result'))
            $root.tidegate.iot.v1.CommandResult.encode(message.result, writer.uint32(26).fork(), _depth + 1).ldelim();
          if (message.ping != null && $Object.hasOwnProperty.call(message, 'ping'))
            $root.tidegate.iot.v1.Ping.encode(message.ping, writer.uint32(34).fork(), _depth + 1).ldelim();
          if (message.bye != null && $Object.hasOwnProperty.call(message, 'bye'))
            $root.tidegate.iot.v1.Bye.encode(message.bye, writer.uint32(42).fork(), _depth + 1).ldelim();
          if (message.$unknowns != null && $Object.hasOwnProperty.call(message, '$unknowns'))
            for (var i = 0; i < message.$unknowns.length; ++i) writer.raw(message.$unknowns[i]);
          return writer;
        };

        ClientFrame.decode = function (reader, length, _end, _depth, _target) {
          if (!(reader instanceof $Reader)) reader = $Reader.create(reader);
          if (_depth === $undefined) _depth = 0;
          if (_depth > $Reader.recursionLimit) throw $Error('max depth exceeded');
          var end, message;
          if (length === $undefined) end = reader.len;
          else {
            end = reader.pos + length;
            if (end > reader.len) throw $RangeError('index out of range');
            length = reader.len;
            reader.len = end;
          }
          message = _target || new $root.tidegate.iot.v1.ClientFrame();
          while (reader.pos < end) {
            var start = reader.pos;
            var tag = reader.tag();
            if (tag === _end) {
              _end = $undefined;
              break;
            }
            var wireType = tag & 7;
            switch ((tag >>>= 3)) {
              case 1: {
                if (wireType !== 2) break;
                message.hello = $root.tidegate.iot.v1.Hello.decode(
                  reader,
                  reader.size(),
                  $undefined,
                  _depth + 1,
                  message.hello,
                );
                message.body = 'hello';
                continue;
              }
              case 2: {
                if (wireType !== 2) break;
                message.telemetry = $root.tidegate.iot.v1.Telemetry.decode(
                  reader,
                  reader.size(),
                  $undefined,
                  _depth + 1,
                  message.telemetry,
                );
                message.body = 'telemetry';
                continue;
              }
              case 3: {
                if (wireType !== 2) break;
                message.result = $root.tidegate.iot.v1.CommandResult.decode(
                  reader,
                  reader.size(),
                  $undefined,
                  _depth + 1,
                  message.result,
                );
                message.body = 'result';
                continue;
              }
              case 4: {
                if (wireType !== 2) break;
                message.ping = $root.tidegate.iot.v1.Ping.decode(
                  reader,
                  reader.size(),
                  $undefined,
                  _depth + 1,
                  message.ping,
                );
                message.body = 'ping';
                continue;
              }
              case 5: {
                if (wireType !== 2) break;
                message.bye = $root.tidegate.iot.v1.Bye.decode(
                  reader,
                  reader.size(),
                  $undefined,
                  _depth + 1,
                  message.bye,
                );
                message.body = 'bye';
                continue;
              }
            }
            reader.skipType(wireType, _depth, tag);
            if (!reader.discardUnknown) {
              $util.makeProp(message, '$unknowns', false);
              (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
            }
          }
          if (length !== $undefined) {
            if (reader.pos !== end) throw $RangeError('index out of range');
            reader.len = length;
          }
          if (_end !== $undefined) throw $Error('missing end group');
          return message;
        };

        return ClientFrame;
      })();

      v1.Welcome = (function () {
        var Welcome = function (properties) {
          if (properties)
            for (var keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
              if (properties[keys[i]] != null && keys[i] !== '__proto__') this[keys[i]] = properties[keys[i]];
        };

        Welcome.prototype.maxFrameBytes = 0;
        Welcome.prototype.windowFrames = 0;
        Welcome.prototype.keepaliveS = 0;
        Welcome.prototype.liveResumeSeq = 0;
        Welcome.prototype.backlogResumeSeq = 0;
        Welcome.prototype.serverTimeMs = 0;
        Welcome.prototype.backlogWindowFrames = 0;
        Welcome.prototype.windowBytes = 0;
        Welcome.prototype.nextToken = $util.newBuffer([]);

        Welcome.encode = function (message, writer, _depth) {
          if (!writer) writer = $Writer.create();
          if (_depth === $undefined) _depth = 0;
          if (_depth > $util.recursionLimit) throw $Error('max depth exceeded');
          if (
            message.maxFrameBytes != null &&
            $Object.hasOwnProperty.call(message, 'maxFrameBytes') &&
            message.maxFrameBytes !== 0
          )
            writer.uint32(8).uint32(message.maxFrameBytes);
          if (
            message.windowFrames != null &&
            $Object.hasOwnProperty.call(message, 'windowFrames') &&
            message.windowFrames !== 0
          )
            writer.uint32(16).uint32(message.windowFrames);
          if (
            message.keepaliveS != null &&
            $Object.hasOwnProperty.call(message, 'keepaliveS') &&
            message.keepaliveS !== 0
          )
            writer.uint32(24).uint32(message.keepaliveS);
          if (
            message.liveResumeSeq != null &&
            $Object.hasOwnProperty.call(message, 'liveResumeSeq') &&
            message.liveResumeSeq !== 0
          )
            writer.uint32(32).uint32(message.liveResumeSeq);
          if (
            message.backlogResumeSeq != null &&
            $Object.hasOwnProperty.call(message, 'backlogResumeSeq') &&
            message.backlogResumeSeq !== 0
          )
            writer.uint32(40).uint32(message.backlogResumeSeq);
          if (
            message.serverTimeMs != null &&
            $Object.hasOwnProperty.call(message, 'serverTimeMs') &&
            (typeof message.serverTimeMs === 'object'
              ? message.serverTimeMs.low || message.serverTimeMs.high
              : message.serverTimeMs !== 0)
          )
            writer.uint32(48).uint64(message.serverTimeMs);
          if (
            message.backlogWindowFrames != null &&
            $Object.hasOwnProperty.call(message, 'backlogWindowFrames') &&
            message.backlogWindowFrames !== 0
          )
            writer.uint32(56).uint32(message.backlogWindowFrames);
          if (
            message.windowBytes != null &&
            $Object.hasOwnProperty.call(message, 'windowBytes') &&
            message.windowBytes !== 0
          )
            writer.uint32(64).uint32(message.windowBytes);
          if (
            message.nextToken != null &&
            $Object.hasOwnProperty.call(message, 'nextToken') &&
            message.nextToken.length
          )
            writer.uint32(74).bytes(message.nextToken);
          if (message.$unknowns != null && $Object.hasOwnProperty.call(message, '$unknowns'))
            for (var i = 0; i < message.$unknowns.length; ++i) writer.raw(message.$unknowns[i]);
          return writer;
        };

        Welcome.decode = function (reader, length, _end, _depth, _target) {
          if (!(reader instanceof $Reader)) reader = $Reader.create(reader);
          if (_depth === $undefined) _depth = 0;
          if (_depth > $Reader.recursionLimit) throw $Error('max depth exceeded');
          var end, message, value;
          if (length === $undefined) end = reader.len;
          else {
            end = reader.pos + length;
            if (end > reader.len) throw $RangeError('index out of range');
            length = reader.len;
            reader.len = end;
          }
          message = _target || new $root.tidegate.iot.v1.Welcome();
          while (reader.pos < end) {
            var start = reader.pos;
            var tag = reader.tag();
            if (tag === _end) {
              _end = $undefined;
              break;
            }
            var wireType = tag & 7;
            switch ((tag >>>= 3)) {
              case 1: {
                if (wireType !== 0) break;
                if ((value = reader.uint32())) message.maxFrameBytes = value;
                else delete message.maxFrameBytes;
                continue;
              }
              case 2: {
                if (wireType !== 0) break;
                if ((value = reader.uint32())) message.windowFrames = value;
                else delete message.windowFrames;
                continue;
              }
              case 3: {
                if (wireType !== 0) break;
                if ((value = reader.uint32())) message.keepaliveS = value;
                else delete message.keepaliveS;
                continue;
              }
              case 4: {
                if (wireType !== 0) break;
                if ((value = reader.uint32())) message.liveResumeSeq = value;
                else delete message.liveResumeSeq;
                continue;
              }
              case 5: {
                if (wireType !== 0) break;
                if ((value = reader.uint32())) message.backlogResumeSeq = value;
                else delete message.backlogResumeSeq;
                continue;
              }
              case 6: {
                if (wireType !== 0) break;
                if (typeof (value = reader.uint64()) === 'object' ? value.low || value.high : value !== 0)
                  message.serverTimeMs = value;
                else delete message.serverTimeMs;
                continue;
              }
              case 7: {
                if (wireType !== 0) break;
                if ((value = reader.uint32())) message.backlogWindowFrames = value;
                else delete message.backlogWindowFrames;
                continue;
              }
              case 8: {
                if (wireType !== 0) break;
                if ((value = reader.uint32())) message.windowBytes = value;
                else delete message.windowBytes;
                continue;
              }
              case 9: {
                if (wireType !== 2) break;
                if ((value = reader.bytes()).length) message.nextToken = value;
                else delete message.nextToken;
                continue;
              }
            }
            reader.skipType(wireType, _depth, tag);
            if (!reader.discardUnknown) {
              $util.makeProp(message, '$unknowns', false);
              (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
            }
          }
          if (length !== $undefined) {
            if (reader.pos !== end) throw $RangeError('index out of range');
            reader.len = length;
          }
          if (_end !== $undefined) throw $Error('missing end group');
          return message;
        };

        return Welcome;
      })();

      v1.Ack = (function () {
        var Ack = function (properties) {
          if (properties)
            for (var keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
              if (properties[keys[i]] != null && keys[i] !== '__proto__') this[keys[i]] = properties[keys[i]];
        };

        Ack.prototype.lane = 0;
        Ack.prototype.upToSeq = 0;

        Ack.encode = function (message, writer, _depth) {
          if (!writer) writer = $Writer.create();
          if (_depth === $undefined) _depth = 0;
          if (_depth > $util.recursionLimit) throw $Error('max depth exceeded');
          if (message.lane != null && $Object.hasOwnProperty.call(message, 'lane') && message.lane !== 0)
            writer.uint32(8).uint32(message.lane);
          if (message.upToSeq != null && $Object.hasOwnProperty.call(message, 'upToSeq') && message.upToSeq !== 0)
            writer.uint32(16).uint32(message.upToSeq);
          if (message.$unknowns != null && $Object.hasOwnProperty.call(message, '$unknowns'))
            for (var i = 0; i < message.$unknowns.length; ++i) writer.raw(message.$unknowns[i]);
          return writer;
        };

        Ack.decode = function (reader, length, _end, _depth, _target) {
          if (!(reader instanceof $Reader)) reader = $Reader.create(reader);
          if (_depth === $undefined) _depth = 0;
          if (_depth > $Reader.recursionLimit) throw $Error('max depth exceeded');
          var end, message, value;
          if (length === $undefined) end = reader.len;
          else {
            end = reader.pos + length;
            if (end > reader.len) throw $RangeError('index out of range');
            length = reader.len;
            reader.len = end;
          }
          message = _target || new $root.tidegate.iot.v1.Ack();
          while (reader.pos < end) {
            var start = reader.pos;
            var tag = reader.tag();
            if (tag === _end) {
              _end = $undefined;
              break;
            }
            var wireType = tag & 7;
            switch ((tag >>>= 3)) {
              case 1: {
                if (wireType !== 0) break;
                if ((value = reader.uint32())) message.lane = value;
                else delete message.lane;
                continue;
              }
              case 2: {
                if (wireType !== 0) break;
                if ((value = reader.uint32())) message.upToSeq = value;
                else delete message.upToSeq;
                continue;
              }
            }
            reader.skipType(wireType, _depth, tag);
            if (!reader.discardUnknown) {
              $util.makeProp(message, '$unknowns', false);
              (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
            }
          }
          if (length !== $undefined) {
            if (reader.pos !== end) throw $RangeError('index out of range');
            reader.len = length;
          }
          if (_end !== $undefined) throw $Error('missing end group');
          return message;
        };

        return Ack;
      })();

      v1.Nack = (function () {
        var Nack = function (properties) {
          if (properties)
            for (var keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
              if (properties[keys[i]] != null && keys[i] !== '__proto__') this[keys[i]] = properties[keys[i]];
        };

        Nack.prototype.lane = 0;
        Nack.prototype.seq = 0;
        Nack.prototype.code = 0;
        Nack.prototype.retryAfterMs = 0;
        Nack.prototype.detail = '';

        Nack.encode = function (message, writer, _depth) {
          if (!writer) writer = $Writer.create();
          if (_depth === $undefined) _depth = 0;
          if (_depth > $util.recursionLimit) throw $Error('max depth exceeded');
          if (message.lane != null && $Object.hasOwnProperty.call(message, 'lane') && message.lane !== 0)
            writer.uint32(8).uint32(message.lane);
          if (message.seq != null && $Object.hasOwnProperty.call(message, 'seq') && message.seq !== 0)
            writer.uint32(16).uint32(message.seq);
          if (message.code != null && $Object.hasOwnProperty.call(message, 'code') && message.code !== 0)
            writer.uint32(24).uint32(message.code);
          if (
            message.retryAfterMs != null &&
            $Object.hasOwnProperty.call(message, 'retryAfterMs') &&
            message.retryAfterMs !== 0
          )
            writer.uint32(32).uint32(message.retryAfterMs);
          if (message.detail != null && $Object.hasOwnProperty.call(message, 'detail') && message.detail !== '')
            writer.uint32(42).string(message.detail);
          if (message.$unknowns != null && $Object.hasOwnProperty.call(message, '$unknowns'))
            for (var i = 0; i < message.$unknowns.length; ++i) writer.raw(message.$unknowns[i]);
          return writer;
        };

        Nack.decode = function (reader, length, _end, _depth, _target) {
          if (!(reader instanceof $Reader)) reader = $Reader.create(reader);
          if (_depth === $undefined) _depth = 0;
          if (_depth > $Reader.recursionLimit) throw $Error('max depth exceeded');
          var end, message, value;
          if (length === $undefined) end = reader.len;
          else {
            end = reader.pos + length;
            if (end > reader.len) throw $RangeError('index out of range');
            length = reader.len;
            reader.len = end;
          }
          message = _target || new $root.tidegate.iot.v1.Nack();
          while (reader.pos < end) {
            var start = reader.pos;
            var tag = reader.tag();
            if (tag === _end) {
              _end = $undefined;
              break;
            }
            var wireType = tag & 7;
            switch ((tag >>>= 3)) {
              case 1: {
                if (wireType !== 0) break;
                if ((value = reader.uint32())) message.lane = value;
                else delete message.lane;
                continue;
              }
              case 2: {
                if (wireType !== 0) break;
                if ((value = reader.uint32())) message.seq = value;
                else delete message.seq;
                continue;
              }
              case 3: {
                if (wireType !== 0) break;
                if ((value = reader.uint32())) message.code = value;
                else delete message.code;
                continue;
              }
              case 4: {
                if (wireType !== 0) break;
                if ((value = reader.uint32())) message.retryAfterMs = value;
                else delete message.retryAfterMs;
                continue;
              }
              case 5: {
                if (wireType !== 2) break;
                if ((value = reader.stringVerify()).length) message.detail = value;
                else delete message.detail;
                continue;
              }
            }
            reader.skipType(wireType, _depth, tag);
            if (!reader.discardUnknown) {
              $util.makeProp(message, '$unknowns', false);
              (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
            }
          }
          if (length !== $undefined) {
            if (reader.pos !== end) throw $RangeError('index out of range');
            reader.len = length;
          }
          if (_end !== $undefined) throw $Error('missing end group');
          return message;
        };

        return Nack;
      })();

      v1.Command = (function () {
        var Command = function (properties) {
          if (properties)
            for (var keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
              if (properties[keys[i]] != null && keys[i] !== '__proto__') this[keys[i]] = properties[keys[i]];
        };

        Command.prototype.commandId = $util.newBuffer([]);
        Command.prototype.deadlineMs = 0;
        Command.prototype.name = '';
        Command.prototype.payload = $util.newBuffer([]);

        Command.encode = function (message, writer, _depth) {
          if (!writer) writer = $Writer.create();
          if (_depth === $undefined) _depth = 0;
          if (_depth > $util.recursionLimit) throw $Error('max depth exceeded');
          if (
            message.commandId != null &&
            $Object.hasOwnProperty.call(message, 'commandId') &&
            message.commandId.length
          )
            writer.uint32(10).bytes(message.commandId);
          if (
            message.deadlineMs != null &&
            $Object.hasOwnProperty.call(message, 'deadlineMs') &&
            (typeof message.deadlineMs === 'object'
              ? message.deadlineMs.low || message.deadlineMs.high
              : message.deadlineMs !== 0)
          )
            writer.uint32(16).uint64(message.deadlineMs);
          if (message.name != null && $Object.hasOwnProperty.call(message, 'name') && message.name !== '')
            writer.uint32(26).string(message.name);
          if (message.payload != null && $Object.hasOwnProperty.call(message, 'payload') && message.payload.length)
            writer.uint32(34).bytes(message.payload);
          if (message.$unknowns != null && $Object.hasOwnProperty.call(message, '$unknowns'))
            for (var i = 0; i < message.$unknowns.length; ++i) writer.raw(message.$unknowns[i]);
          return writer;
        };

        Command.decode = function (reader, length, _end, _depth, _target) {
          if (!(reader instanceof $Reader)) reader = $Reader.create(reader);
          if (_depth === $undefined) _depth = 0;
          if (_depth > $Reader.recursionLimit) throw $Error('max depth exceeded');
          var end, message, value;
          if (length === $undefined) end = reader.len;
          else {
            end = reader.pos + length;
            if (end > reader.len) throw $RangeError('index out of range');
            length = reader.len;
            reader.len = end;
          }
          message = _target || new $root.tidegate.iot.v1.Command();
          while (reader.pos < end) {
            var start = reader.pos;
            var tag = reader.tag();
            if (tag === _end) {
              _end = $undefined;
              break;
            }
            var wireType = tag & 7;
            switch ((tag >>>= 3)) {
              case 1: {
                if (wireType !== 2) break;
                if ((value = reader.bytes()).length) message.commandId = value;
                else delete message.commandId;
                continue;
              }
              case 2: {
                if (wireType !== 0) break;
                if (typeof (value = reader.uint64()) === 'object' ? value.low || value.high : value !== 0)
                  message.deadlineMs = value;
                else delete message.deadlineMs;
                continue;
              }
              case 3: {
                if (wireType !== 2) break;
                if ((value = reader.stringVerify()).length) message.name = value;
                else delete message.name;
                continue;
              }
              case 4: {
                if (wireType !== 2) break;
                if ((value = reader.bytes()).length) message.payload = value;
                else delete message.payload;
                continue;
              }
            }
            reader.skipType(wireType, _depth, tag);
            if (!reader.discardUnknown) {
              $util.makeProp(message, '$unknowns', false);
              (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
            }
          }
          if (length !== $undefined) {
            if (reader.pos !== end) throw $RangeError('index out of range');
            reader.len = length;
          }
          if (_end !== $undefined) throw $Error('missing end group');
          return message;
        };

        return Command;
      })();

      v1.Pong = (function () {
        var Pong = function (properties) {
          if (properties)
            for (var keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
              if (properties[keys[i]] != null && keys[i] !== '__proto__') this[keys[i]] = properties[keys[i]];
        };

        Pong.prototype.nonce = 0;
        Pong.prototype.serverTimeMs = 0;

        Pong.encode = function (message, writer, _depth) {
          if (!writer) writer = $Writer.create();
          if (_depth === $undefined) _depth = 0;
          if (_depth > $util.recursionLimit) throw $Error('max depth exceeded');
          if (message.nonce != null && $Object.hasOwnProperty.call(message, 'nonce') && message.nonce !== 0)
            writer.uint32(8).uint32(message.nonce);
          if (
            message.serverTimeMs != null &&
            $Object.hasOwnProperty.call(message, 'serverTimeMs') &&
            (typeof message.serverTimeMs === 'object'
              ? message.serverTimeMs.low || message.serverTimeMs.high
              : message.serverTimeMs !== 0)
          )
            writer.uint32(16).uint64(message.serverTimeMs);
          if (message.$unknowns != null && $Object.hasOwnProperty.call(message, '$unknowns'))
            for (var i = 0; i < message.$unknowns.length; ++i) writer.raw(message.$unknowns[i]);
          return writer;
        };

        Pong.decode = function (reader, length, _end, _depth, _target) {
          if (!(reader instanceof $Reader)) reader = $Reader.create(reader);
          if (_depth === $undefined) _depth = 0;
          if (_depth > $Reader.recursionLimit) throw $Error('max depth exceeded');
          var end, message, value;
          if (length === $undefined) end = reader.len;
          else {
            end = reader.pos + length;
            if (end > reader.len) throw $RangeError('index out of range');
            length = reader.len;
            reader.len = end;
          }
          message = _target || new $root.tidegate.iot.v1.Pong();
          while (reader.pos < end) {
            var start = reader.pos;
            var tag = reader.tag();
            if (tag === _end) {
              _end = $undefined;
              break;
            }
            var wireType = tag & 7;
            switch ((tag >>>= 3)) {
              case 1: {
                if (wireType !== 0) break;
                if ((value = reader.uint32())) message.nonce = value;
                else delete message.nonce;
                continue;
              }
              case 2: {
                if (wireType !== 0) break;
                if (typeof (value = reader.uint64()) === 'object' ? value.low || value.high : value !== 0)
                  message.serverTimeMs = value;
                else delete message.serverTimeMs;
                continue;
              }
            }
            reader.skipType(wireType, _depth, tag);
            if (!reader.discardUnknown) {
              $util.makeProp(message, '$unknowns', false);
              (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
            }
          }
          if (length !== $undefined) {
            if (reader.pos !== end) throw $RangeError('index out of range');
            reader.len = length;
          }
          if (_end !== $undefined) throw $Error('missing end group');
          return message;
        };

        return Pong;
      })();

      v1.Goodbye = (function () {
        var Goodbye = function (properties) {
          if (properties)
            for (var keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
              if (properties[keys[i]] != null && keys[i] !== '__proto__') this[keys[i]] = properties[keys[i]];
        };

        Goodbye.prototype.code = 0;
        Goodbye.prototype.retryAfterMs = 0;
        Goodbye.prototype.detail = '';

        Goodbye.encode = function (message, writer, _depth) {
          if (!writer) writer = $Writer.create();
          if (_depth === $undefined) _depth = 0;
          if (_depth > $util.recursionLimit) throw $Error('max depth exceeded');
          if (message.code != null && $Object.hasOwnProperty.call(message, 'code') && message.code !== 0)
            writer.uint32(8).uint32(message.code);
          if (
            message.retryAfterMs != null &&
            $Object.hasOwnProperty.call(message, 'retryAfterMs') &&
            message.retryAfterMs !== 0
          )
            writer.uint32(16).uint32(message.retryAfterMs);
          if (message.detail != null && $Object.hasOwnProperty.call(message, 'detail') && message.detail !== '')
            writer.uint32(26).string(message.detail);
          if (message.$unknowns != null && $Object.hasOwnProperty.call(message, '$unknowns'))
            for (var i = 0; i < message.$unknowns.length; ++i) writer.raw(message.$unknowns[i]);
          return writer;
        };

        Goodbye.decode = function (reader, length, _end, _depth, _target) {
          if (!(reader instanceof $Reader)) reader = $Reader.create(reader);
          if (_depth === $undefined) _depth = 0;
          if (_depth > $Reader.recursionLimit) throw $Error('max depth exceeded');
          var end, message, value;
          if (length === $undefined) end = reader.len;
          else {
            end = reader.pos + length;
            if (end > reader.len) throw $RangeError('index out of range');
            length = reader.len;
            reader.len = end;
          }
          message = _target || new $root.tidegate.iot.v1.Goodbye();
          while (reader.pos < end) {
            var start = reader.pos;
            var tag = reader.tag();
            if (tag === _end) {
              _end = $undefined;
              break;
            }
            var wireType = tag & 7;
            switch ((tag >>>= 3)) {
              case 1: {
                if (wireType !== 0) break;
                if ((value = reader.uint32())) message.code = value;
                else delete message.code;
                continue;
              }
              case 2: {
                if (wireType !== 0) break;
                if ((value = reader.uint32())) message.retryAfterMs = value;
                else delete message.retryAfterMs;
                continue;
              }
              case 3: {
                if (wireType !== 2) break;
                if ((value = reader.stringVerify()).length) message.detail = value;
                else delete message.detail;
                continue;
              }
            }
            reader.skipType(wireType, _depth, tag);
            if (!reader.discardUnknown) {
              $util.makeProp(message, '$unknowns', false);
              (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
            }
          }
          if (length !== $undefined) {
            if (reader.pos !== end) throw $RangeError('index out of range');
            reader.len = length;
          }
          if (_end !== $undefined) throw $Error('missing end group');
          return message;
        };

        return Goodbye;
      })();

      v1.ServerFrame = (function () {
        var ServerFrame = function (properties) {
          if (properties)
            for (var keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
              if (properties[keys[i]] != null && keys[i] !== '__proto__') this[keys[i]] = properties[keys[i]];
        };

        ServerFrame.prototype.welcome = null;
        ServerFrame.prototype.ack = null;
        ServerFrame.prototype.nack = null;
        ServerFrame.prototype.command = null;
        ServerFrame.prototype.pong = null;
        ServerFrame.prototype.goodbye = null;

        var $oneOfFields;

        $Object.defineProperty(ServerFrame.prototype, 'body', {
          get: $util.oneOfGetter(($oneOfFields = ['welcome', 'ack', 'nack', 'command', 'pong', 'goodbye'])),
          set: $util.oneOfSetter($oneOfFields),
        });

        ServerFrame.encode = function (message, writer, _depth) {
          if (!writer) writer = $Writer.create();
          if (_depth === $undefined) _depth = 0;
          if (_depth > $util.recursionLimit) throw $Error('max depth exceeded');
          if (message.welcome != null && $Object.hasOwnProperty.call(message, 'welcome'))
            $root.tidegate.iot.v1.Welcome.encode(message.welcome, writer.uint32(10).fork(), _depth + 1).ldelim();
          if (message.ack != null && $Object.hasOwnProperty.call(message, 'ack'))
            $root.tidegate.iot.v1.Ack.encode(message.ack, writer.uint32(18).fork(), _depth + 1).ldelim();
          if (message.nack != null && $Object.hasOwnProperty.call(message, 'nack'))
            $root.tidegate.iot.v1.Nack.encode(message.nack, writer.uint32(26).fork(), _depth + 1).ldelim();
          if (message.command != null && $Object.hasOwnProperty.call(message, 'command'))
            $root.tidegate.iot.v1.Command.encode(message.command, writer.uint32(34).fork(), _depth + 1).ldelim();
          if (message.pong != null && $Object.hasOwnProperty.call(message, 'pong'))
            $root.tidegate.iot.v1.Pong.encode(message.pong, writer.uint32(42).fork(), _depth + 1).ldelim();
          if (message.goodbye != null && $Object.hasOwnProperty.call(message, 'goodbye'))
            $root.tidegate.iot.v1.Goodbye.encode(message.goodbye, writer.uint32(50).fork(), _depth + 1).ldelim();
          if (message.$unknowns != null && $Object.hasOwnProperty.call(message, '$unknowns'))
            for (var i = 0; i < message.$unknowns.length; ++i) writer.raw(message.$unknowns[i]);
          return writer;
        };

        ServerFrame.decode = function (reader, length, _end, _depth, _target) {
          if (!(reader instanceof $Reader)) reader = $Reader.create(reader);
          if (_depth === $undefined) _depth = 0;
          if (_depth > $Reader.recursionLimit) throw $Error('max depth exceeded');
          var end, message;
          if (length === $undefined) end = reader.len;
          else {
            end = reader.pos + length;
            if (end > reader.len) throw $RangeError('index out of range');
            length = reader.len;
            reader.len = end;
          }
          message = _target || new $root.tidegate.iot.v1.ServerFrame();
          while (reader.pos < end) {
            var start = reader.pos;
            var tag = reader.tag();
            if (tag === _end) {
              _end = $undefined;
              break;
            }
            var wireType = tag & 7;
            switch ((tag >>>= 3)) {
              case 1: {
                if (wireType !== 2) break;
                message.welcome = $root.tidegate.iot.v1.Welcome.decode(
                  reader,
                  reader.size(),
                  $undefined,
                  _depth + 1,
                  message.welcome,
                );
                message.body = 'welcome';
                continue;
              }
              case 2: {
                if (wireType !== 2) break;
                message.ack = $root.tidegate.iot.v1.Ack.decode(
                  reader,
                  reader.size(),
                  $undefined,
                  _depth + 1,
                  message.ack,
                );
                message.body = 'ack';
                continue;
              }
              case 3: {
                if (wireType !== 2) break;
                message.nack = $root.tidegate.iot.v1.Nack.decode(
                  reader,
                  reader.size(),
                  $undefined,
                  _depth + 1,
                  message.nack,
                );
                message.body = 'nack';
                continue;
              }
              case 4: {
                if (wireType !== 2) break;
                message.command = $root.tidegate.iot.v1.Command.decode(
                  reader,
                  reader.size(),
                  $undefined,
                  _depth + 1,
                  message.command,
                );
                message.body = 'command';
                continue;
              }
              case 5: {
                if (wireType !== 2) break;
                message.pong = $root.tidegate.iot.v1.Pong.decode(
                  reader,
                  reader.size(),
                  $undefined,
                  _depth + 1,
                  message.pong,
                );
                message.body = 'pong';
                continue;
              }
              case 6: {
                if (wireType !== 2) break;
                message.goodbye = $root.tidegate.iot.v1.Goodbye.decode(
                  reader,
                  reader.size(),
                  $undefined,
                  _depth + 1,
                  message.goodbye,
                );
                message.body = 'goodbye';
                continue;
              }
            }
            reader.skipType(wireType, _depth, tag);
            if (!reader.discardUnknown) {
              $util.makeProp(message, '$unknowns', false);
              (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
            }
          }
          if (length !== $undefined) {
            if (reader.pos !== end) throw $RangeError('index out of range');
            reader.len = length;
          }
          if (_end !== $undefined) throw $Error('missing end group');
          return message;
        };

        return ServerFrame;
      })();

      return v1;
    })();

    return iot;
  })();

  return tidegate;
})();

module.exports = $root;
