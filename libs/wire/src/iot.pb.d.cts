import * as $protobuf from 'protobufjs/minimal';
import Long = require('long');

/** Namespace tidegate. */
export namespace tidegate {
  /** Namespace iot. */
  namespace iot {
    /** Namespace v1. */
    namespace v1 {
      /** TimeQuality enum. */
      enum TimeQuality {
        /** TIME_QUALITY_UNSPECIFIED value */
        TIME_QUALITY_UNSPECIFIED = 0,

        /** TIME_QUALITY_SYNCED value */
        TIME_QUALITY_SYNCED = 1,

        /** TIME_QUALITY_HOLDOVER value */
        TIME_QUALITY_HOLDOVER = 2,

        /** TIME_QUALITY_UPTIME_ONLY value */
        TIME_QUALITY_UPTIME_ONLY = 3,
      }

      /**
       * Properties of a Hello.
       * @deprecated Use tidegate.iot.v1.Hello.$Properties instead.
       */
      interface IHello extends tidegate.iot.v1.Hello.$Properties {}

      /** Represents a Hello. */
      class Hello {
        /**
         * Constructs a new Hello.
         * @param [properties] Properties to set
         */
        constructor(properties?: tidegate.iot.v1.Hello.$Properties);

        /** Unknown fields preserved while decoding when enabled */
        $unknowns?: Uint8Array[];

        /** Hello tenant. */
        tenant: string;

        /** Hello deviceId. */
        deviceId: string;

        /** Hello bootId. */
        bootId: number;

        /** Hello token. */
        token: Uint8Array;

        /** Hello keepaliveS. */
        keepaliveS: number;

        /** Hello schemaId. */
        schemaId: string;

        /** Hello traceCtx. */
        traceCtx: Uint8Array;

        /** Hello caps. */
        caps: number;

        /** Hello deviceTimeMs. */
        deviceTimeMs: number;

        /** Hello uptimeMs. */
        uptimeMs: number;

        /**
         * Encodes the specified Hello message. Does not implicitly {@link tidegate.iot.v1.Hello.verify|verify} messages.
         * @param message Hello message or plain object to encode
         * @param [writer] Writer to encode to
         * @returns Writer
         */
        static encode(message: tidegate.iot.v1.Hello.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

        /**
         * Decodes a Hello message from the specified reader or buffer.
         * @param reader Reader or buffer to decode from
         * @param [length] Message length if known beforehand
         * @returns {tidegate.iot.v1.Hello & tidegate.iot.v1.Hello.$Shape} Hello
         * @throws {Error} If the payload is not a reader or valid buffer
         * @throws {$protobuf.util.ProtocolError} If required fields are missing
         */
        static decode(
          reader: $protobuf.Reader | Uint8Array,
          length?: number,
        ): tidegate.iot.v1.Hello & tidegate.iot.v1.Hello.$Shape;
      }

      namespace Hello {
        /** Properties of a Hello. */
        interface $Properties {
          /** Hello tenant */
          tenant?: string | null;

          /** Hello deviceId */
          deviceId?: string | null;

          /** Hello bootId */
          bootId?: number | null;

          /** Hello token */
          token?: Uint8Array | null;

          /** Hello keepaliveS */
          keepaliveS?: number | null;

          /** Hello schemaId */
          schemaId?: string | null;

          /** Hello traceCtx */
          traceCtx?: Uint8Array | null;

          /** Hello caps */
          caps?: number | null;

          /** Hello deviceTimeMs */
          deviceTimeMs?: number | null;

          /** Hello uptimeMs */
          uptimeMs?: number | null;

          /** Unknown fields preserved while decoding when enabled */
          $unknowns?: Uint8Array[];
        }

        /** Shape of a Hello. */
        type $Shape = tidegate.iot.v1.Hello.$Properties;
      }

      /**
       * Properties of a Series.
       * @deprecated Use tidegate.iot.v1.Series.$Properties instead.
       */
      interface ISeries extends tidegate.iot.v1.Series.$Properties {}

      /** Represents a Series. */
      class Series {
        /**
         * Constructs a new Series.
         * @param [properties] Properties to set
         */
        constructor(properties?: tidegate.iot.v1.Series.$Properties);

        /** Unknown fields preserved while decoding when enabled */
        $unknowns?: Uint8Array[];

        /** Series ch. */
        ch: number;

        /** Series exp10. */
        exp10: number;

        /** Series v. */
        v: number[];

        /** Series f. */
        f: number[];

        /**
         * Encodes the specified Series message. Does not implicitly {@link tidegate.iot.v1.Series.verify|verify} messages.
         * @param message Series message or plain object to encode
         * @param [writer] Writer to encode to
         * @returns Writer
         */
        static encode(message: tidegate.iot.v1.Series.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

        /**
         * Decodes a Series message from the specified reader or buffer.
         * @param reader Reader or buffer to decode from
         * @param [length] Message length if known beforehand
         * @returns {tidegate.iot.v1.Series & tidegate.iot.v1.Series.$Shape} Series
         * @throws {Error} If the payload is not a reader or valid buffer
         * @throws {$protobuf.util.ProtocolError} If required fields are missing
         */
        static decode(
          reader: $protobuf.Reader | Uint8Array,
          length?: number,
        ): tidegate.iot.v1.Series & tidegate.iot.v1.Series.$Shape;
      }

      namespace Series {
        /** Properties of a Series. */
        interface $Properties {
          /** Series ch */
          ch?: number | null;

          /** Series exp10 */
          exp10?: number | null;

          /** Series v */
          v?: number[] | null;

          /** Series f */
          f?: number[] | null;

          /** Unknown fields preserved while decoding when enabled */
          $unknowns?: Uint8Array[];
        }

        /** Shape of a Series. */
        type $Shape = tidegate.iot.v1.Series.$Properties;
      }

      /**
       * Properties of a Telemetry.
       * @deprecated Use tidegate.iot.v1.Telemetry.$Properties instead.
       */
      interface ITelemetry extends tidegate.iot.v1.Telemetry.$Properties {}

      /** Represents a Telemetry. */
      class Telemetry {
        /**
         * Constructs a new Telemetry.
         * @param [properties] Properties to set
         */
        constructor(properties?: tidegate.iot.v1.Telemetry.$Properties);

        /** Unknown fields preserved while decoding when enabled */
        $unknowns?: Uint8Array[];

        /** Telemetry seq. */
        seq: number;

        /** Telemetry baseTimeMs. */
        baseTimeMs: number;

        /** Telemetry uptimeMs. */
        uptimeMs: number;

        /** Telemetry tq. */
        tq: tidegate.iot.v1.TimeQuality;

        /** Telemetry dtMs. */
        dtMs: number[];

        /** Telemetry series. */
        series: tidegate.iot.v1.Series.$Properties[];

        /** Telemetry lane. */
        lane: number;

        /**
         * Encodes the specified Telemetry message. Does not implicitly {@link tidegate.iot.v1.Telemetry.verify|verify} messages.
         * @param message Telemetry message or plain object to encode
         * @param [writer] Writer to encode to
         * @returns Writer
         */
        static encode(message: tidegate.iot.v1.Telemetry.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

        /**
         * Decodes a Telemetry message from the specified reader or buffer.
         * @param reader Reader or buffer to decode from
         * @param [length] Message length if known beforehand
         * @returns {tidegate.iot.v1.Telemetry & tidegate.iot.v1.Telemetry.$Shape} Telemetry
         * @throws {Error} If the payload is not a reader or valid buffer
         * @throws {$protobuf.util.ProtocolError} If required fields are missing
         */
        static decode(
          reader: $protobuf.Reader | Uint8Array,
          length?: number,
        ): tidegate.iot.v1.Telemetry & tidegate.iot.v1.Telemetry.$Shape;
      }

      namespace Telemetry {
        /** Properties of a Telemetry. */
        interface $Properties {
          /** Telemetry seq */
          seq?: number | null;

          /** Telemetry baseTimeMs */
          baseTimeMs?: number | null;

          /** Telemetry uptimeMs */
          uptimeMs?: number | null;

          /** Telemetry tq */
          tq?: tidegate.iot.v1.TimeQuality | null;

          /** Telemetry dtMs */
          dtMs?: number[] | null;

          /** Telemetry series */
          series?: tidegate.iot.v1.Series.$Properties[] | null;

          /** Telemetry lane */
          lane?: number | null;

          /** Unknown fields preserved while decoding when enabled */
          $unknowns?: Uint8Array[];
        }

        /** Shape of a Telemetry. */
        type $Shape = tidegate.iot.v1.Telemetry.$Properties;
      }

      /**
       * Properties of a CommandResult.
       * @deprecated Use tidegate.iot.v1.CommandResult.$Properties instead.
       */
      interface ICommandResult extends tidegate.iot.v1.CommandResult.$Properties {}

      /** Represents a CommandResult. */
      class CommandResult {
        /**
         * Constructs a new CommandResult.
         * @param [properties] Properties to set
         */
        constructor(properties?: tidegate.iot.v1.CommandResult.$Properties);

        /** Unknown fields preserved while decoding when enabled */
        $unknowns?: Uint8Array[];

        /** CommandResult commandId. */
        commandId: Uint8Array;

        /** CommandResult status. */
        status: number;

        /** CommandResult payload. */
        payload: Uint8Array;

        /**
         * Encodes the specified CommandResult message. Does not implicitly {@link tidegate.iot.v1.CommandResult.verify|verify} messages.
         * @param message CommandResult message or plain object to encode
         * @param [writer] Writer to encode to
         * @returns Writer
         */
        static encode(message: tidegate.iot.v1.CommandResult.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

        /**
         * Decodes a CommandResult message from the specified reader or buffer.
         * @param reader Reader or buffer to decode from
         * @param [length] Message length if known beforehand
         * @returns {tidegate.iot.v1.CommandResult & tidegate.iot.v1.CommandResult.$Shape} CommandResult
         * @throws {Error} If the payload is not a reader or valid buffer
         * @throws {$protobuf.util.ProtocolError} If required fields are missing
         */
        static decode(
          reader: $protobuf.Reader | Uint8Array,
          length?: number,
        ): tidegate.iot.v1.CommandResult & tidegate.iot.v1.CommandResult.$Shape;
      }

      namespace CommandResult {
        /** Properties of a CommandResult. */
        interface $Properties {
          /** CommandResult commandId */
          commandId?: Uint8Array | null;

          /** CommandResult status */
          status?: number | null;

          /** CommandResult payload */
          payload?: Uint8Array | null;

          /** Unknown fields preserved while decoding when enabled */
          $unknowns?: Uint8Array[];
        }

        /** Shape of a CommandResult. */
        type $Shape = tidegate.iot.v1.CommandResult.$Properties;
      }

      /**
       * Properties of a Ping.
       * @deprecated Use tidegate.iot.v1.Ping.$Properties instead.
       */
      interface IPing extends tidegate.iot.v1.Ping.$Properties {}

      /** Represents a Ping. */
      class Ping {
        /**
         * Constructs a new Ping.
         * @param [properties] Properties to set
         */
        constructor(properties?: tidegate.iot.v1.Ping.$Properties);

        /** Unknown fields preserved while decoding when enabled */
        $unknowns?: Uint8Array[];

        /** Ping nonce. */
        nonce: number;

        /** Ping deviceTimeMs. */
        deviceTimeMs: number;

        /**
         * Encodes the specified Ping message. Does not implicitly {@link tidegate.iot.v1.Ping.verify|verify} messages.
         * @param message Ping message or plain object to encode
         * @param [writer] Writer to encode to
         * @returns Writer
         */
        static encode(message: tidegate.iot.v1.Ping.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

        /**
         * Decodes a Ping message from the specified reader or buffer.
         * @param reader Reader or buffer to decode from
         * @param [length] Message length if known beforehand
         * @returns {tidegate.iot.v1.Ping & tidegate.iot.v1.Ping.$Shape} Ping
         * @throws {Error} If the payload is not a reader or valid buffer
         * @throws {$protobuf.util.ProtocolError} If required fields are missing
         */
        static decode(
          reader: $protobuf.Reader | Uint8Array,
          length?: number,
        ): tidegate.iot.v1.Ping & tidegate.iot.v1.Ping.$Shape;
      }

      namespace Ping {
        /** Properties of a Ping. */
        interface $Properties {
          /** Ping nonce */
          nonce?: number | null;

          /** Ping deviceTimeMs */
          deviceTimeMs?: number | null;

          /** Unknown fields preserved while decoding when enabled */
          $unknowns?: Uint8Array[];
        }

        /** Shape of a Ping. */
        type $Shape = tidegate.iot.v1.Ping.$Properties;
      }

      /**
       * Properties of a Bye.
       * @deprecated Use tidegate.iot.v1.Bye.$Properties instead.
       */
      interface IBye extends tidegate.iot.v1.Bye.$Properties {}

      /** Represents a Bye. */
      class Bye {
        /**
         * Constructs a new Bye.
         * @param [properties] Properties to set
         */
        constructor(properties?: tidegate.iot.v1.Bye.$Properties);

        /** Unknown fields preserved while decoding when enabled */
        $unknowns?: Uint8Array[];

        /** Bye reason. */
        reason: number;

        /**
         * Encodes the specified Bye message. Does not implicitly {@link tidegate.iot.v1.Bye.verify|verify} messages.
         * @param message Bye message or plain object to encode
         * @param [writer] Writer to encode to
         * @returns Writer
         */
        static encode(message: tidegate.iot.v1.Bye.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

        /**
         * Decodes a Bye message from the specified reader or buffer.
         * @param reader Reader or buffer to decode from
         * @param [length] Message length if known beforehand
         * @returns {tidegate.iot.v1.Bye & tidegate.iot.v1.Bye.$Shape} Bye
         * @throws {Error} If the payload is not a reader or valid buffer
         * @throws {$protobuf.util.ProtocolError} If required fields are missing
         */
        static decode(
          reader: $protobuf.Reader | Uint8Array,
          length?: number,
        ): tidegate.iot.v1.Bye & tidegate.iot.v1.Bye.$Shape;
      }

      namespace Bye {
        /** Properties of a Bye. */
        interface $Properties {
          /** Bye reason */
          reason?: number | null;

          /** Unknown fields preserved while decoding when enabled */
          $unknowns?: Uint8Array[];
        }

        /** Shape of a Bye. */
        type $Shape = tidegate.iot.v1.Bye.$Properties;
      }

      /**
       * Properties of a ClientFrame.
       * @deprecated Use tidegate.iot.v1.ClientFrame.$Properties instead.
       */
      interface IClientFrame extends tidegate.iot.v1.ClientFrame.$Properties {}

      /** Represents a ClientFrame. */
      class ClientFrame {
        /**
         * Constructs a new ClientFrame.
         * @param [properties] Properties to set
         */
        constructor(properties?: tidegate.iot.v1.ClientFrame.$Properties);

        /** Unknown fields preserved while decoding when enabled */
        $unknowns?: Uint8Array[];

        /** ClientFrame hello. */
        hello?: tidegate.iot.v1.Hello.$Properties | null;

        /** ClientFrame telemetry. */
        telemetry?: tidegate.iot.v1.Telemetry.$Properties | null;

        /** ClientFrame result. */
        result?: tidegate.iot.v1.CommandResult.$Properties | null;

        /** ClientFrame ping. */
        ping?: tidegate.iot.v1.Ping.$Properties | null;

        /** ClientFrame bye. */
        bye?: tidegate.iot.v1.Bye.$Properties | null;

        /** ClientFrame body. */
        body?: 'hello' | 'telemetry' | 'result' | 'ping' | 'bye';

        /**
         * Encodes the specified ClientFrame message. Does not implicitly {@link tidegate.iot.v1.ClientFrame.verify|verify} messages.
         * @param message ClientFrame message or plain object to encode
         * @param [writer] Writer to encode to
         * @returns Writer
         */
        static encode(message: tidegate.iot.v1.ClientFrame.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

        /**
         * Decodes a ClientFrame message from the specified reader or buffer.
         * @param reader Reader or buffer to decode from
         * @param [length] Message length if known beforehand
         * @returns {tidegate.iot.v1.ClientFrame & tidegate.iot.v1.ClientFrame.$Shape} ClientFrame
         * @throws {Error} If the payload is not a reader or valid buffer
         * @throws {$protobuf.util.ProtocolError} If required fields are missing
         */
        static decode(
          reader: $protobuf.Reader | Uint8Array,
          length?: number,
        ): tidegate.iot.v1.ClientFrame & tidegate.iot.v1.ClientFrame.$Shape;
      }

      namespace ClientFrame {
        /** Properties of a ClientFrame. */
        interface $Properties {
          /** ClientFrame hello */
          hello?: tidegate.iot.v1.Hello.$Properties | null;

          /** ClientFrame telemetry */
          telemetry?: tidegate.iot.v1.Telemetry.$Properties | null;

          /** ClientFrame result */
          result?: tidegate.iot.v1.CommandResult.$Properties | null;

          /** ClientFrame ping */
          ping?: tidegate.iot.v1.Ping.$Properties | null;

          /** ClientFrame bye */
          bye?: tidegate.iot.v1.Bye.$Properties | null;

          /** ClientFrame body */
          body?: 'hello' | 'telemetry' | 'result' | 'ping' | 'bye';

          /** Unknown fields preserved while decoding when enabled */
          $unknowns?: Uint8Array[];
        }

        /** Narrowed shape of a ClientFrame. */
        type $Shape = {
          hello?: tidegate.iot.v1.Hello.$Shape | null;
          telemetry?: tidegate.iot.v1.Telemetry.$Shape | null;
          result?: tidegate.iot.v1.CommandResult.$Shape | null;
          ping?: tidegate.iot.v1.Ping.$Shape | null;
          bye?: tidegate.iot.v1.Bye.$Shape | null;
          $unknowns?: Uint8Array[];
        } & (
          | { body?: undefined; hello?: null; telemetry?: null; result?: null; ping?: null; bye?: null }
          | {
              body?: 'hello';
              hello: tidegate.iot.v1.Hello.$Shape;
              telemetry?: null;
              result?: null;
              ping?: null;
              bye?: null;
            }
          | {
              body?: 'telemetry';
              hello?: null;
              telemetry: tidegate.iot.v1.Telemetry.$Shape;
              result?: null;
              ping?: null;
              bye?: null;
            }
          | {
              body?: 'result';
              hello?: null;
              telemetry?: null;
              result: tidegate.iot.v1.CommandResult.$Shape;
              ping?: null;
              bye?: null;
            }
          | {
              body?: 'ping';
              hello?: null;
              telemetry?: null;
              result?: null;
              ping: tidegate.iot.v1.Ping.$Shape;
              bye?: null;
            }
          | {
              body?: 'bye';
              hello?: null;
              telemetry?: null;
              result?: null;
              ping?: null;
              bye: tidegate.iot.v1.Bye.$Shape;
            }
        );
      }

      /**
       * Properties of a Welcome.
       * @deprecated Use tidegate.iot.v1.Welcome.$Properties instead.
       */
      interface IWelcome extends tidegate.iot.v1.Welcome.$Properties {}

      /** Represents a Welcome. */
      class Welcome {
        /**
         * Constructs a new Welcome.
         * @param [properties] Properties to set
         */
        constructor(properties?: tidegate.iot.v1.Welcome.$Properties);

        /** Unknown fields preserved while decoding when enabled */
        $unknowns?: Uint8Array[];

        /** Welcome maxFrameBytes. */
        maxFrameBytes: number;

        /** Welcome windowFrames. */
        windowFrames: number;

        /** Welcome keepaliveS. */
        keepaliveS: number;

        /** Welcome liveResumeSeq. */
        liveResumeSeq: number;

        /** Welcome backlogResumeSeq. */
        backlogResumeSeq: number;

        /** Welcome serverTimeMs. */
        serverTimeMs: number;

        /** Welcome backlogWindowFrames. */
        backlogWindowFrames: number;

        /** Welcome windowBytes. */
        windowBytes: number;

        /** Welcome nextToken. */
        nextToken: Uint8Array;

        /**
         * Encodes the specified Welcome message. Does not implicitly {@link tidegate.iot.v1.Welcome.verify|verify} messages.
         * @param message Welcome message or plain object to encode
         * @param [writer] Writer to encode to
         * @returns Writer
         */
        static encode(message: tidegate.iot.v1.Welcome.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

        /**
         * Decodes a Welcome message from the specified reader or buffer.
         * @param reader Reader or buffer to decode from
         * @param [length] Message length if known beforehand
         * @returns {tidegate.iot.v1.Welcome & tidegate.iot.v1.Welcome.$Shape} Welcome
         * @throws {Error} If the payload is not a reader or valid buffer
         * @throws {$protobuf.util.ProtocolError} If required fields are missing
         */
        static decode(
          reader: $protobuf.Reader | Uint8Array,
          length?: number,
        ): tidegate.iot.v1.Welcome & tidegate.iot.v1.Welcome.$Shape;
      }

      namespace Welcome {
        /** Properties of a Welcome. */
        interface $Properties {
          /** Welcome maxFrameBytes */
          maxFrameBytes?: number | null;

          /** Welcome windowFrames */
          windowFrames?: number | null;

          /** Welcome keepaliveS */
          keepaliveS?: number | null;

          /** Welcome liveResumeSeq */
          liveResumeSeq?: number | null;

          /** Welcome backlogResumeSeq */
          backlogResumeSeq?: number | null;

          /** Welcome serverTimeMs */
          serverTimeMs?: number | null;

          /** Welcome backlogWindowFrames */
          backlogWindowFrames?: number | null;

          /** Welcome windowBytes */
          windowBytes?: number | null;

          /** Welcome nextToken */
          nextToken?: Uint8Array | null;

          /** Unknown fields preserved while decoding when enabled */
          $unknowns?: Uint8Array[];
        }

        /** Shape of a Welcome. */
        type $Shape = tidegate.iot.v1.Welcome.$Properties;
      }

      /**
       * Properties of an Ack.
       * @deprecated Use tidegate.iot.v1.Ack.$Properties instead.
       */
      interface IAck extends tidegate.iot.v1.Ack.$Properties {}

      /** Represents an Ack. */
      class Ack {
        /**
         * Constructs a new Ack.
         * @param [properties] Properties to set
         */
        constructor(properties?: tidegate.iot.v1.Ack.$Properties);

        /** Unknown fields preserved while decoding when enabled */
        $unknowns?: Uint8Array[];

        /** Ack lane. */
        lane: number;

        /** Ack upToSeq. */
        upToSeq: number;

        /**
         * Encodes the specified Ack message. Does not implicitly {@link tidegate.iot.v1.Ack.verify|verify} messages.
         * @param message Ack message or plain object to encode
         * @param [writer] Writer to encode to
         * @returns Writer
         */
        static encode(message: tidegate.iot.v1.Ack.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

        /**
         * Decodes an Ack message from the specified reader or buffer.
         * @param reader Reader or buffer to decode from
         * @param [length] Message length if known beforehand
         * @returns {tidegate.iot.v1.Ack & tidegate.iot.v1.Ack.$Shape} Ack
         * @throws {Error} If the payload is not a reader or valid buffer
         * @throws {$protobuf.util.ProtocolError} If required fields are missing
         */
        static decode(
          reader: $protobuf.Reader | Uint8Array,
          length?: number,
        ): tidegate.iot.v1.Ack & tidegate.iot.v1.Ack.$Shape;
      }

      namespace Ack {
        /** Properties of an Ack. */
        interface $Properties {
          /** Ack lane */
          lane?: number | null;

          /** Ack upToSeq */
          upToSeq?: number | null;

          /** Unknown fields preserved while decoding when enabled */
          $unknowns?: Uint8Array[];
        }

        /** Shape of an Ack. */
        type $Shape = tidegate.iot.v1.Ack.$Properties;
      }

      /**
       * Properties of a Nack.
       * @deprecated Use tidegate.iot.v1.Nack.$Properties instead.
       */
      interface INack extends tidegate.iot.v1.Nack.$Properties {}

      /** Represents a Nack. */
      class Nack {
        /**
         * Constructs a new Nack.
         * @param [properties] Properties to set
         */
        constructor(properties?: tidegate.iot.v1.Nack.$Properties);

        /** Unknown fields preserved while decoding when enabled */
        $unknowns?: Uint8Array[];

        /** Nack lane. */
        lane: number;

        /** Nack seq. */
        seq: number;

        /** Nack code. */
        code: number;

        /** Nack retryAfterMs. */
        retryAfterMs: number;

        /** Nack detail. */
        detail: string;

        /**
         * Encodes the specified Nack message. Does not implicitly {@link tidegate.iot.v1.Nack.verify|verify} messages.
         * @param message Nack message or plain object to encode
         * @param [writer] Writer to encode to
         * @returns Writer
         */
        static encode(message: tidegate.iot.v1.Nack.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

        /**
         * Decodes a Nack message from the specified reader or buffer.
         * @param reader Reader or buffer to decode from
         * @param [length] Message length if known beforehand
         * @returns {tidegate.iot.v1.Nack & tidegate.iot.v1.Nack.$Shape} Nack
         * @throws {Error} If the payload is not a reader or valid buffer
         * @throws {$protobuf.util.ProtocolError} If required fields are missing
         */
        static decode(
          reader: $protobuf.Reader | Uint8Array,
          length?: number,
        ): tidegate.iot.v1.Nack & tidegate.iot.v1.Nack.$Shape;
      }

      namespace Nack {
        /** Properties of a Nack. */
        interface $Properties {
          /** Nack lane */
          lane?: number | null;

          /** Nack seq */
          seq?: number | null;

          /** Nack code */
          code?: number | null;

          /** Nack retryAfterMs */
          retryAfterMs?: number | null;

          /** Nack detail */
          detail?: string | null;

          /** Unknown fields preserved while decoding when enabled */
          $unknowns?: Uint8Array[];
        }

        /** Shape of a Nack. */
        type $Shape = tidegate.iot.v1.Nack.$Properties;
      }

      /**
       * Properties of a Command.
       * @deprecated Use tidegate.iot.v1.Command.$Properties instead.
       */
      interface ICommand extends tidegate.iot.v1.Command.$Properties {}

      /** Represents a Command. */
      class Command {
        /**
         * Constructs a new Command.
         * @param [properties] Properties to set
         */
        constructor(properties?: tidegate.iot.v1.Command.$Properties);

        /** Unknown fields preserved while decoding when enabled */
        $unknowns?: Uint8Array[];

        /** Command commandId. */
        commandId: Uint8Array;

        /** Command deadlineMs. */
        deadlineMs: number;

        /** Command name. */
        name: string;

        /** Command payload. */
        payload: Uint8Array;

        /**
         * Encodes the specified Command message. Does not implicitly {@link tidegate.iot.v1.Command.verify|verify} messages.
         * @param message Command message or plain object to encode
         * @param [writer] Writer to encode to
         * @returns Writer
         */
        static encode(message: tidegate.iot.v1.Command.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

        /**
         * Decodes a Command message from the specified reader or buffer.
         * @param reader Reader or buffer to decode from
         * @param [length] Message length if known beforehand
         * @returns {tidegate.iot.v1.Command & tidegate.iot.v1.Command.$Shape} Command
         * @throws {Error} If the payload is not a reader or valid buffer
         * @throws {$protobuf.util.ProtocolError} If required fields are missing
         */
        static decode(
          reader: $protobuf.Reader | Uint8Array,
          length?: number,
        ): tidegate.iot.v1.Command & tidegate.iot.v1.Command.$Shape;
      }

      namespace Command {
        /** Properties of a Command. */
        interface $Properties {
          /** Command commandId */
          commandId?: Uint8Array | null;

          /** Command deadlineMs */
          deadlineMs?: number | null;

          /** Command name */
          name?: string | null;

          /** Command payload */
          payload?: Uint8Array | null;

          /** Unknown fields preserved while decoding when enabled */
          $unknowns?: Uint8Array[];
        }

        /** Shape of a Command. */
        type $Shape = tidegate.iot.v1.Command.$Properties;
      }

      /**
       * Properties of a Pong.
       * @deprecated Use tidegate.iot.v1.Pong.$Properties instead.
       */
      interface IPong extends tidegate.iot.v1.Pong.$Properties {}

      /** Represents a Pong. */
      class Pong {
        /**
         * Constructs a new Pong.
         * @param [properties] Properties to set
         */
        constructor(properties?: tidegate.iot.v1.Pong.$Properties);

        /** Unknown fields preserved while decoding when enabled */
        $unknowns?: Uint8Array[];

        /** Pong nonce. */
        nonce: number;

        /** Pong serverTimeMs. */
        serverTimeMs: number;

        /**
         * Encodes the specified Pong message. Does not implicitly {@link tidegate.iot.v1.Pong.verify|verify} messages.
         * @param message Pong message or plain object to encode
         * @param [writer] Writer to encode to
         * @returns Writer
         */
        static encode(message: tidegate.iot.v1.Pong.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

        /**
         * Decodes a Pong message from the specified reader or buffer.
         * @param reader Reader or buffer to decode from
         * @param [length] Message length if known beforehand
         * @returns {tidegate.iot.v1.Pong & tidegate.iot.v1.Pong.$Shape} Pong
         * @throws {Error} If the payload is not a reader or valid buffer
         * @throws {$protobuf.util.ProtocolError} If required fields are missing
         */
        static decode(
          reader: $protobuf.Reader | Uint8Array,
          length?: number,
        ): tidegate.iot.v1.Pong & tidegate.iot.v1.Pong.$Shape;
      }

      namespace Pong {
        /** Properties of a Pong. */
        interface $Properties {
          /** Pong nonce */
          nonce?: number | null;

          /** Pong serverTimeMs */
          serverTimeMs?: number | null;

          /** Unknown fields preserved while decoding when enabled */
          $unknowns?: Uint8Array[];
        }

        /** Shape of a Pong. */
        type $Shape = tidegate.iot.v1.Pong.$Properties;
      }

      /**
       * Properties of a Goodbye.
       * @deprecated Use tidegate.iot.v1.Goodbye.$Properties instead.
       */
      interface IGoodbye extends tidegate.iot.v1.Goodbye.$Properties {}

      /** Represents a Goodbye. */
      class Goodbye {
        /**
         * Constructs a new Goodbye.
         * @param [properties] Properties to set
         */
        constructor(properties?: tidegate.iot.v1.Goodbye.$Properties);

        /** Unknown fields preserved while decoding when enabled */
        $unknowns?: Uint8Array[];

        /** Goodbye code. */
        code: number;

        /** Goodbye retryAfterMs. */
        retryAfterMs: number;

        /** Goodbye detail. */
        detail: string;

        /**
         * Encodes the specified Goodbye message. Does not implicitly {@link tidegate.iot.v1.Goodbye.verify|verify} messages.
         * @param message Goodbye message or plain object to encode
         * @param [writer] Writer to encode to
         * @returns Writer
         */
        static encode(message: tidegate.iot.v1.Goodbye.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

        /**
         * Decodes a Goodbye message from the specified reader or buffer.
         * @param reader Reader or buffer to decode from
         * @param [length] Message length if known beforehand
         * @returns {tidegate.iot.v1.Goodbye & tidegate.iot.v1.Goodbye.$Shape} Goodbye
         * @throws {Error} If the payload is not a reader or valid buffer
         * @throws {$protobuf.util.ProtocolError} If required fields are missing
         */
        static decode(
          reader: $protobuf.Reader | Uint8Array,
          length?: number,
        ): tidegate.iot.v1.Goodbye & tidegate.iot.v1.Goodbye.$Shape;
      }

      namespace Goodbye {
        /** Properties of a Goodbye. */
        interface $Properties {
          /** Goodbye code */
          code?: number | null;

          /** Goodbye retryAfterMs */
          retryAfterMs?: number | null;

          /** Goodbye detail */
          detail?: string | null;

          /** Unknown fields preserved while decoding when enabled */
          $unknowns?: Uint8Array[];
        }

        /** Shape of a Goodbye. */
        type $Shape = tidegate.iot.v1.Goodbye.$Properties;
      }

      /**
       * Properties of a ServerFrame.
       * @deprecated Use tidegate.iot.v1.ServerFrame.$Properties instead.
       */
      interface IServerFrame extends tidegate.iot.v1.ServerFrame.$Properties {}

      /** Represents a ServerFrame. */
      class ServerFrame {
        /**
         * Constructs a new ServerFrame.
         * @param [properties] Properties to set
         */
        constructor(properties?: tidegate.iot.v1.ServerFrame.$Properties);

        /** Unknown fields preserved while decoding when enabled */
        $unknowns?: Uint8Array[];

        /** ServerFrame welcome. */
        welcome?: tidegate.iot.v1.Welcome.$Properties | null;

        /** ServerFrame ack. */
        ack?: tidegate.iot.v1.Ack.$Properties | null;

        /** ServerFrame nack. */
        nack?: tidegate.iot.v1.Nack.$Properties | null;

        /** ServerFrame command. */
        command?: tidegate.iot.v1.Command.$Properties | null;

        /** ServerFrame pong. */
        pong?: tidegate.iot.v1.Pong.$Properties | null;

        /** ServerFrame goodbye. */
        goodbye?: tidegate.iot.v1.Goodbye.$Properties | null;

        /** ServerFrame body. */
        body?: 'welcome' | 'ack' | 'nack' | 'command' | 'pong' | 'goodbye';

        /**
         * Encodes the specified ServerFrame message. Does not implicitly {@link tidegate.iot.v1.ServerFrame.verify|verify} messages.
         * @param message ServerFrame message or plain object to encode
         * @param [writer] Writer to encode to
         * @returns Writer
         */
        static encode(message: tidegate.iot.v1.ServerFrame.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

        /**
         * Decodes a ServerFrame message from the specified reader or buffer.
         * @param reader Reader or buffer to decode from
         * @param [length] Message length if known beforehand
         * @returns {tidegate.iot.v1.ServerFrame & tidegate.iot.v1.ServerFrame.$Shape} ServerFrame
         * @throws {Error} If the payload is not a reader or valid buffer
         * @throws {$protobuf.util.ProtocolError} If required fields are missing
         */
        static decode(
          reader: $protobuf.Reader | Uint8Array,
          length?: number,
        ): tidegate.iot.v1.ServerFrame & tidegate.iot.v1.ServerFrame.$Shape;
      }

      namespace ServerFrame {
        /** Properties of a ServerFrame. */
        interface $Properties {
          /** ServerFrame welcome */
          welcome?: tidegate.iot.v1.Welcome.$Properties | null;

          /** ServerFrame ack */
          ack?: tidegate.iot.v1.Ack.$Properties | null;

          /** ServerFrame nack */
          nack?: tidegate.iot.v1.Nack.$Properties | null;

          /** ServerFrame command */
          command?: tidegate.iot.v1.Command.$Properties | null;

          /** ServerFrame pong */
          pong?: tidegate.iot.v1.Pong.$Properties | null;

          /** ServerFrame goodbye */
          goodbye?: tidegate.iot.v1.Goodbye.$Properties | null;

          /** ServerFrame body */
          body?: 'welcome' | 'ack' | 'nack' | 'command' | 'pong' | 'goodbye';

          /** Unknown fields preserved while decoding when enabled */
          $unknowns?: Uint8Array[];
        }

        /** Narrowed shape of a ServerFrame. */
        type $Shape = {
          welcome?: tidegate.iot.v1.Welcome.$Shape | null;
          ack?: tidegate.iot.v1.Ack.$Shape | null;
          nack?: tidegate.iot.v1.Nack.$Shape | null;
          command?: tidegate.iot.v1.Command.$Shape | null;
          pong?: tidegate.iot.v1.Pong.$Shape | null;
          goodbye?: tidegate.iot.v1.Goodbye.$Shape | null;
          $unknowns?: Uint8Array[];
        } & (
          | { body?: undefined; welcome?: null; ack?: null; nack?: null; command?: null; pong?: null; goodbye?: null }
          | {
              body?: 'welcome';
              welcome: tidegate.iot.v1.Welcome.$Shape;
              ack?: null;
              nack?: null;
              command?: null;
              pong?: null;
              goodbye?: null;
            }
          | {
              body?: 'ack';
              welcome?: null;
              ack: tidegate.iot.v1.Ack.$Shape;
              nack?: null;
              command?: null;
              pong?: null;
              goodbye?: null;
            }
          | {
              body?: 'nack';
              welcome?: null;
              ack?: null;
              nack: tidegate.iot.v1.Nack.$Shape;
              command?: null;
              pong?: null;
              goodbye?: null;
            }
          | {
              body?: 'command';
              welcome?: null;
              ack?: null;
              nack?: null;
              command: tidegate.iot.v1.Command.$Shape;
              pong?: null;
              goodbye?: null;
            }
          | {
              body?: 'pong';
              welcome?: null;
              ack?: null;
              nack?: null;
              command?: null;
              pong: tidegate.iot.v1.Pong.$Shape;
              goodbye?: null;
            }
          | {
              body?: 'goodbye';
              welcome?: null;
              ack?: null;
              nack?: null;
              command?: null;
              pong?: null;
              goodbye: tidegate.iot.v1.Goodbye.$Shape;
            }
        );
      }
    }
  }
}
