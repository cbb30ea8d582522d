// A process that produces: node producer.cjs <brokers> <topic>. It sends as many records as each line of its input says, writes one line of
// JSON for each outcome, and closes its producer on SIGTERM; then nothing must keep it alive.
import { AppError } from '@tidegate/errors';
import { Producer } from '@tidegate/kafka';
import { createLogger, createRegistry } from '@tidegate/telemetry';
import { createInterface } from 'node:readline';

const [brokers = '', topic = ''] = process.argv.slice(2);
const logger = createLogger({ service: 'producer', level: 'silent' });
const producer = new Producer({ brokers: brokers.split(',') }, { logger, registry: createRegistry() });
let count = 0;

function say(what: object): void {
  process.stdout.write(`${JSON.stringify(what)}\n`);
}

async function send(): Promise<void> {
  count += 1;
  const value = String(count);
  try {
    say({ value, placement: await producer.send({ topic, key: null, value }, { timeoutMs: 60_000 }) });
  } catch (error) {
    const { code, outcome } = AppError.from(error);
    say({ value, code, outcome });
  }
}

const input = createInterface({ input: process.stdin });
input.on('line', (records) => {
  for (let left = Number(records); left > 0; left -= 1) void send();
  say({ sent: count });
});
process.once('SIGTERM', () => {
  input.close();
  process.stdin.destroy();
  void producer.close();
});
