import { AppError } from '@tidegate/errors';
import type { Health, HealthCheck, Logger, Registry } from '@tidegate/telemetry';
import { createHash } from 'node:crypto';
import type { Catalog } from './catalog';
import { readTexts, readTextsNow, type CatalogFiles, type FileText } from './catalog-files';
import { CatalogMetrics } from './catalog-metrics';

export interface WatchOptions {
  logger: Logger;
  registry: Registry;
  /** A change is taken once the files were the same for so long. */
  lookMs?: number;
}

const defaultLookMs = 500;
/** Of a file that is broken all over. */
const maxLoggedProblems = 20;

type Listener<T> = (now: T) => void;

/**
 * The contents of files that change while the process runs: the last that were valid. They are read again and again and
 * compared, since the kernel's notices miss what matters: a ConfigMap swaps a link above the files, an editor puts another
 * file in their place, and on network file systems and mounts of a virtual machine there are none.
 */
export class LiveCatalog<T = Catalog> {
  /** Fails while the files are broken; not required, since what was valid before goes on. */
  readonly health: HealthCheck;
  private value: T;
  /** Of the contents in use, of those judged last, and of those seen last. */
  private used: string;
  private judged: string;
  private seen: string;
  private problem: string | undefined;
  private readonly listeners = new Set<Listener<T>>();
  private timer: NodeJS.Timeout | undefined;
  private watching: (WatchOptions & { metrics: CatalogMetrics }) | undefined;

  /** Reads them once. @throws CatalogError */
  constructor(private readonly files: CatalogFiles<T>) {
    const texts = readTextsNow(files);
    this.value = files.parse(texts);
    this.used = this.judged = this.seen = digestOf(texts);
    this.health = { name: files.name, required: false, check: () => this.check() };
  }

  get current(): T {
    return this.value;
  }

  /** Calls it with what is valid from then on. */
  onChange(listener: Listener<T>): void {
    this.listeners.add(listener);
  }

  /** From now on changes are taken. */
  watch(options: WatchOptions): void {
    const metrics = new CatalogMetrics(options.registry);
    this.watching = { ...options, metrics };
    metrics.valid.set({ catalog: this.files.name }, 1);
    metrics.changedAt.set({ catalog: this.files.name }, Date.now() / 1000);
    this.lookLater();
  }

  close(): void {
    this.watching = undefined;
    clearTimeout(this.timer);
  }

  private lookLater(): void {
    if (this.watching === undefined) return;
    const look = () => void this.look().finally(() => this.lookLater());
    this.timer = setTimeout(look, this.watching.lookMs ?? defaultLookMs).unref();
  }

  /** Reads them now. */
  async look(): Promise<void> {
    const texts = await readTexts(this.files);
    const digest = digestOf(texts);
    // Twice the same: nobody is in the middle of writing them.
    if (digest === this.seen && digest !== this.judged) this.judge(texts, digest);
    this.seen = digest;
  }

  private judge(texts: Record<string, FileText>, digest: string): void {
    this.judged = digest;
    try {
      if (digest !== this.used) this.take(this.files.parse(texts), digest);
      this.say(undefined);
    } catch (error) {
      this.say(AppError.from(error));
    }
  }

  private take(value: T, digest: string): void {
    this.value = value;
    this.used = digest;
    this.watching?.metrics.changedAt.set({ catalog: this.files.name }, Date.now() / 1000);
    for (const listener of this.listeners) {
      try {
        listener(value);
      } catch (error) {
        this.watching?.logger.error({ err: error, catalog: this.files.name }, 'a change was not followed everywhere');
      }
    }
  }

  private say(problem: AppError | undefined): void {
    const { name: catalog } = this.files;
    const { logger, metrics } = this.watching ?? {};
    const lines = problem?.message.split('\n') ?? [];
    this.problem = problem && `${lines[0] ?? ''}${lines.length > 1 ? ` (and ${lines.length - 1} more)` : ''}`;
    metrics?.valid.set({ catalog }, problem === undefined ? 1 : 0);
    metrics?.changes.inc({ catalog, outcome: problem === undefined ? 'taken' : 'refused' });
    const problems = lines.slice(0, maxLoggedProblems);
    // A mistake of ours, not of the files.
    const cause = problem?.code === 'internal' && { err: problem };
    if (problem === undefined) logger?.info({ catalog, version: this.used }, 'the files have changed');
    else logger?.error({ catalog, problems, ...cause }, 'the files are broken, and what was valid before stays in use');
  }

  private check(): Health {
    if (this.problem === undefined) return { ok: true };
    return { ok: false, reason: `${this.problem}; what was valid before stays in use` };
  }
}

function digestOf(texts: Record<string, FileText>): string {
  return createHash('sha256').update(JSON.stringify(texts)).digest('base64url').slice(0, 22);
}
