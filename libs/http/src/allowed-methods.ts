import type { FastifyInstance } from 'fastify';

export interface RegisteredRoute {
  method: string;
  path: string;
  config: object;
}

const tables = new WeakMap<object, RegisteredRoute[]>();

/** Keeps a list of all routes that are registered from now on. */
export function recordRoutes(fastify: FastifyInstance): void {
  const table: RegisteredRoute[] = [];
  tables.set(fastify, table);
  fastify.addHook('onRoute', ({ method, url, config }) => {
    for (const name of [method].flat()) table.push({ method: name, path: url, config: config ?? {} });
  });
}

export function recordedRoutes(fastify: FastifyInstance): readonly RegisteredRoute[] {
  return tables.get(fastify) ?? [];
}

/** The methods that a path could be asked with; none when there is nothing at it. */
export function allowedMethods(fastify: FastifyInstance, path: string): string[] {
  const matching = recordedRoutes(fastify).filter((route) => matches(route.path.split('/'), path.split('/')));
  return [...new Set(matching.map(({ method }) => method))].sort();
}

function matches(pattern: readonly string[], parts: readonly string[]): boolean {
  if (pattern.at(-1) === '*') return pattern.slice(0, -1).every((part, index) => fits(part, parts[index]));
  return pattern.length === parts.length && pattern.every((part, index) => fits(part, parts[index]));
}

function fits(part: string, given: string | undefined): boolean {
  return part.startsWith(':') ? given !== undefined && given !== '' : part === given;
}
