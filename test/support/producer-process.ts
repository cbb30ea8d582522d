import type { Placement } from '@tidegate/kafka';
import { execFileSync, spawn, type ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { until } from './kafka-bench';

export interface ReportedOutcome {
  value: string;
  placement?: Placement;
  code?: string;
  outcome?: string;
}

const root = path.resolve(__dirname, '../..');

/** producer.main.ts in a process of its own. */
export class ProducerProcess {
  readonly outcomes: ReportedOutcome[] = [];
  private sent = 0;
  private readonly exited: Promise<unknown[]>;

  private constructor(private readonly child: ChildProcessByStdio<Writable, Readable, null>) {
    this.exited = once(child, 'close');
    createInterface({ input: child.stdout }).on('line', (line) => {
      const said = JSON.parse(line) as { sent: number } | ReportedOutcome;
      if ('sent' in said) this.sent = said.sent;
      else this.outcomes.push(said);
    });
  }

  static start(brokers: readonly string[], topic: string): ProducerProcess {
    const bundle = path.join(root, 'tmp/test-bundles/producer.cjs');
    const options = ['--bundle', '--platform=node', '--packages=external', '--tsconfig=tsconfig.base.json'];
    const entry = path.join(__dirname, 'producer.main.ts');
    execFileSync('node_modules/.bin/esbuild', [entry, ...options, '--log-level=error', `--outfile=${bundle}`], {
      cwd: root,
    });
    const stdio = ['pipe', 'pipe', 'inherit'] as const;
    return new ProducerProcess(
      spawn(process.execPath, [bundle, brokers.join(), topic], { cwd: root, stdio: [...stdio] }),
    );
  }

  /** Resolves when `send` was called for all of them, whatever becomes of them. */
  async send(count: number): Promise<void> {
    const expected = this.sent + count;
    this.child.stdin.write(`${count}\n`);
    await until(`${expected} sends`, () => this.sent === expected);
  }

  /** SIGTERM; resolves to its exit code and how long it took to end. */
  async terminate(): Promise<{ code: number | null; tookMs: number }> {
    const atMs = performance.now();
    this.child.kill('SIGTERM');
    const [code] = (await this.exited) as [number | null];
    return { code, tookMs: performance.now() - atMs };
  }

  kill(): void {
    this.child.kill('SIGKILL');
  }
}
