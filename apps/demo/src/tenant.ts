export const tenants = ['north', 'south'] as const;
export type Tenant = (typeof tenants)[number];

/** Odd households shop in the north, even ones in the south. */
export function tenantOf(household: string): Tenant {
  return BigInt(household) % 2n === 1n ? 'north' : 'south';
}
