import type { Access } from '@tidegate/auth';
import type { HttpApp } from './http-app';

export interface RouteEntry {
  method: string;
  path: string;
  /** `OrdersController.list` */
  handler: string;
  access: Access | undefined;
}

/** Every route of the app with the access it declares. */
export function listRoutes(_app: HttpApp): RouteEntry[] {
  return [];
}
