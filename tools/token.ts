// npm run --silent token -- <role>[:<subject>][@<tenant>]
import { parseIdentity, requestToken } from './identity.ts';

try {
  console.log(await requestToken(parseIdentity(process.argv[2] ?? '')));
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
}
