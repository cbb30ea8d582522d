import type { Access } from '@tidegate/auth';
import { AppError } from '@tidegate/errors';
import type { StreamPath } from './options';
import type { UpgradeRoute } from './upgrade-attempt';

const manyPath = '/streams';
const namedPath = '/streams/:name';

/** Where streams stand: at paths of their own, at `/streams/<name>`, and at `/streams` for any number of them. */
export class StreamPlaces {
  constructor(private readonly bound: readonly StreamPath[]) {}

  /** The pattern of a path, for audit; none where nothing stands. */
  routeOf(path: string): UpgradeRoute {
    if (path === manyPath || this.streamBoundTo(path) !== undefined) return { route: path, params: {} };
    const name = nameIn(path);
    return name === undefined ? { route: undefined, params: {} } : { route: namedPath, params: { name } };
  }

  /** The stream at a path; undefined where frames choose. @throws AppError `not_found` */
  streamAt(path: string): string | undefined {
    const bound = this.streamBoundTo(path);
    if (bound !== undefined) return bound;
    if (path === manyPath) return undefined;
    const name = nameIn(path);
    if (name === undefined) throw new AppError('not_found', 'There is nothing here.');
    try {
      return decodeURIComponent(name);
    } catch (cause) {
      throw new AppError('not_found', 'There is no such stream.', { cause });
    }
  }

  /** Every path with the access it declares. */
  list(): { path: string; access: Access }[] {
    const bound = this.bound.map(({ path, stream }) => ({
      path,
      access: { kind: 'required', resource: stream } as const,
    }));
    const others = [manyPath, namedPath].map((path) => ({ path, access: { kind: 'required' } as const }));
    return [...bound, ...others];
  }

  private streamBoundTo(path: string): string | undefined {
    return this.bound.find((one) => one.path === path)?.stream;
  }
}

function nameIn(path: string): string | undefined {
  return /^\/streams\/([^/]{1,256})$/.exec(path)?.[1];
}
