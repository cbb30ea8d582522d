import { SetMetadata, type CustomDecorator } from '@nestjs/common';

const limitsKey = 'tidegate.ratelimit.limits';

/** The limits that the requests of a handler, or of all handlers of a class, count against; without names, none. */
export function Limits(...names: string[]): CustomDecorator {
  return SetMetadata(limitsKey, names);
}

/** The limits that a handler names, or else its class; undefined when neither does. */
export function limitsOf(handler: object, controller: object): readonly string[] | undefined {
  return [handler, controller]
    .map((target) => Reflect.getMetadata(limitsKey, target) as string[] | undefined)
    .find((names) => names !== undefined);
}
