#!/bin/sh
# The static code of iot.proto, for src/protobuf-codec.ts: run by hand after a change of the contract.
set -e
cd "$(dirname "$0")/../src"
generate() {
  pbjs -t static-module -w commonjs --dependency protobufjs/minimal -r tidegate-iot --no-create --no-verify --no-convert \
    --no-delimited --no-typeurl --no-service --force-number "$@" -o iot.pb.js ../proto/iot/v1/iot.proto
}
# The types are made from the comments, which the program then does without.
generate --dts
mv iot.pb.d.ts iot.pb.d.cts
generate --no-comments
# Its reader gives numbers, so the defaults are numbers too, whatever other package brings Long along.
sed 's/\$util\.Long *? *\$util\.Long\.fromBits([^)]*) *: *0/0/' iot.pb.js > iot.pb.cjs
rm iot.pb.js
prettier --write --log-level warn iot.pb.cjs iot.pb.d.cts
