// npm run --silent device-token -- <tenant>/<device>: the token that the device sends in its Hello, as hex.
import { developmentKeys } from './devices/development-keys.ts';
import { deviceToken, parseDevice } from './devices/device-token.ts';

try {
  console.log(deviceToken(developmentKeys(), parseDevice(process.argv[2])).toString('hex'));
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
}
