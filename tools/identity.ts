import { apps, portOf } from './start/apps.ts';

export interface Identity {
  role: string;
  subject?: string;
  tenant?: string;
}

/** Reads `<role>[:<subject>][@<tenant>]`. @throws Error that says how it is written */
export function parseIdentity(text: string): Identity {
  const match = /^(?<role>[a-z][a-z0-9-]*)(?::(?<subject>[^\s:@]+))?(?:@(?<tenant>[a-z][a-z0-9-]*))?$/.exec(text);
  if (match?.groups === undefined) {
    throw new Error(
      `"${text}" is no identity: expected <role>[:<subject>][@<tenant>], as in customer:13 or support@north`,
    );
  }
  const { role = '', subject, tenant } = match.groups;
  return { role, ...(subject !== undefined && { subject }), ...(tenant !== undefined && { tenant }) };
}

/** An access token of the running development issuer. @throws Error in one line when it does not answer or refuses */
export async function requestToken(identity: Identity, environment = process.env): Promise<string> {
  const issuer = issuerUrl(environment);
  const response = await fetch(`${issuer}/dev/token`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(identity),
    signal: AbortSignal.timeout(5000),
  }).catch((cause: unknown) => {
    throw new Error(`the issuer at ${issuer} does not answer: run npm start first`, { cause });
  });
  const answer = (await response.json().catch(() => ({}))) as { access_token?: string; detail?: string };
  if (answer.access_token === undefined) {
    throw new Error(`the issuer refused with ${response.status}${answer.detail ? `: ${answer.detail}` : ''}`);
  }
  return answer.access_token;
}

function issuerUrl(environment: NodeJS.ProcessEnv): string {
  const given = environment['ISSUER_URL'];
  if (given) return given.replace(/\/$/, '');
  const door = apps.flatMap((app) => app.doors).find(({ variable }) => variable === 'DEMO_ISSUER_PORT');
  return `http://127.0.0.1:${door === undefined ? 8090 : portOf(door, environment)}`;
}
