export interface Door {
  /** What the table of doors calls it. */
  label: string;
  variable: string;
  port: number;
  /** Default: `http`. */
  scheme?: 'tcp';
}

export interface App {
  name: string;
  doors: Door[];
  /** Health and metrics. */
  ops: Door;
  /** The others call it: it is ready before they start, so that none begins with a warning. */
  upstream?: true;
}

/**
 * What Node is told for every app, here and in the Dockerfile. With the room that it takes for young objects by itself each of
 * many idle connections costs half as much memory again, and delivering to them costs no less (`npm run bench -- streams`).
 */
export const nodeFlags = ['--max-semi-space-size=8'];

/** Every app that `npm start` and docker-compose.yml run. A new app is a new entry. */
export const apps: readonly App[] = [
  {
    name: 'demo',
    upstream: true,
    doors: [
      { label: 'issuer (OpenID Connect)', variable: 'DEMO_ISSUER_PORT', port: 8090 },
      { label: 'customers', variable: 'DEMO_CUSTOMERS_PORT', port: 8091 },
      { label: 'orders', variable: 'DEMO_ORDERS_PORT', port: 8092 },
      { label: 'accounts', variable: 'DEMO_ACCOUNTS_PORT', port: 8093 },
    ],
    ops: { label: 'health, metrics', variable: 'DEMO_OPS_PORT', port: 9086 },
  },
  {
    name: 'mobile',
    doors: [{ label: 'the BFF for phones', variable: 'MOBILE_PORT', port: 8081 }],
    ops: { label: 'health, metrics', variable: 'MOBILE_OPS_PORT', port: 9081 },
  },
  {
    name: 'web',
    doors: [{ label: 'the BFF for dashboards', variable: 'WEB_PORT', port: 8082 }],
    ops: { label: 'health, metrics', variable: 'WEB_OPS_PORT', port: 9082 },
  },
  {
    name: 'partner',
    doors: [{ label: 'the BFF for partners', variable: 'PARTNER_PORT', port: 8083 }],
    ops: { label: 'health, metrics', variable: 'PARTNER_OPS_PORT', port: 9083 },
  },
  {
    name: 'iot',
    doors: [{ label: 'the door for devices', variable: 'IOT_TCP_PORT', port: 9400, scheme: 'tcp' }],
    ops: { label: 'health, metrics', variable: 'IOT_OPS_PORT', port: 9085 },
  },
];

/** The port of a door: the user's, else the one of the table. @throws Error that names the variable */
export function portOf(door: Door, environment: NodeJS.ProcessEnv): number {
  const given = environment[door.variable];
  if (given === undefined || given === '') return door.port;
  const port = Number(given);
  if (!Number.isInteger(port) || port < 1 || port > 65_535) {
    throw new Error(`${door.variable} is no port: expected a number from 1 to 65535`);
  }
  return port;
}

/** The ports of all apps by variable. */
export function portVariables(environment: NodeJS.ProcessEnv): Record<string, string> {
  const doors = apps.flatMap((app) => [...app.doors, app.ops]);
  return Object.fromEntries(doors.map((door) => [door.variable, String(portOf(door, environment))]));
}
