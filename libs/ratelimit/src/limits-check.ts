import { MetadataScanner, type ModulesContainer } from '@nestjs/core';
import type { Limit } from '@tidegate/catalog';
import { limitsOf } from './limits.decorator';

/** A sentence for each limit that is named somewhere and defined nowhere. */
export function unknownLimits(
  modules: ModulesContainer,
  limits: ReadonlyMap<string, Limit>,
  defaults: readonly string[],
): string[] {
  const named = [{ where: 'RateLimitModule', names: defaults }, ...namedByControllers(modules)];
  const known = [...limits.keys()].join(', ');
  const problems = named.flatMap(({ where, names }) =>
    names.filter((name) => !limits.has(name)).map((name) => `${where} names the limit "${name}"; there are ${known}`),
  );
  return [...new Set(problems)];
}

function namedByControllers(modules: ModulesContainer): { where: string; names: readonly string[] }[] {
  const controllers = [...modules.values()].flatMap((module) => [...module.controllers.values()]);
  return controllers.flatMap(({ metatype }) => {
    if (typeof metatype !== 'function') return [];
    const prototype = metatype.prototype as Record<string, object>;
    return new MetadataScanner().getAllMethodNames(prototype).map((method) => ({
      where: `${metatype.name}.${method}`,
      names: limitsOf(prototype[method] ?? {}, metatype) ?? [],
    }));
  });
}
