import { createParamDecorator, SetMetadata, type CustomDecorator, type ExecutionContext } from '@nestjs/common';
import type { Principal } from './principal';

/** What a caller needs besides a valid credential; nothing named means that any authenticated caller may. */
export interface Requirement {
  /** One of these. */
  readonly roles?: readonly string[];
  /**
   * The resource of the policy that the answer is cut to, for listings and audit. The guard judges by it only whether the
   * credential may be used for it; what of it the caller sees is for the policy.
   */
  readonly resource?: string;
  /** What is done to the resource; `read` when nothing is said. */
  readonly action?: 'read' | 'write' | 'manage';
}

/** Who may use a route: declared by `@Public()` or `@Require(…)`. */
export type Access = { readonly kind: 'public' } | ({ readonly kind: 'required' } & Requirement);

const accessKey = 'tidegate.auth.access';

/** Everybody may, without a credential. */
export function Public(): CustomDecorator {
  return SetMetadata(accessKey, { kind: 'public' } satisfies Access);
}

/** Callers with a valid credential may, if they have one of the roles. */
export function Require(requirement: Requirement = {}): CustomDecorator {
  return SetMetadata(accessKey, { kind: 'required', ...requirement } satisfies Access);
}

/** The access that a handler declares, or else its class; undefined when neither does. */
export function accessOf(handler: object, controller: object): Access | undefined {
  return [handler, controller]
    .map((target) => Reflect.getMetadata(accessKey, target) as Access | undefined)
    .find((access) => access !== undefined);
}

/** The authenticated caller, as a parameter: `list(@Caller() caller: Principal)`. */
export const Caller = createParamDecorator((_data: undefined, context: ExecutionContext): Principal | undefined => {
  return context.switchToHttp().getRequest<{ user?: Principal }>().user;
});
