import { Authenticator } from './authenticator';
import { audience, LoopbackIssuer, signingKey, type SigningKey } from './loopback-issuer';
import { LocalText } from './shared-text';
import { SignOuts } from './sign-outs';

const refusal = { code: 'unauthenticated' };
const caller = { subject: '13', tenant: 'north' };
let issuer: LoopbackIssuer;
let key: SigningKey;
let nowMs: number;
let replicas: SignOuts[];

beforeAll(async () => {
  issuer = await new LoopbackIssuer().start();
  key = await signingKey('ES256', 'k');
  issuer.keys = [key.jwk];
});
beforeEach(() => {
  nowMs = Date.now();
  const text = new LocalText();
  replicas = [0, 1].map(() => new SignOuts(text, { now: () => nowMs }));
});
afterEach(() => replicas.forEach((replica) => replica.close()));
afterAll(() => issuer.stop());

const seconds = () => Math.floor(nowMs / 1_000);
const [first, second] = [0, 1].map((index) => () => replicas[index] as SignOuts) as [() => SignOuts, () => SignOuts];
const at = (signOuts: SignOuts) => new Authenticator({ issuer: issuer.url, audience }, { signOuts });

describe(SignOuts.name, () => {
  it('takes back the tokens of a caller on every replica, and what they hold open', async () => {
    const authenticator = at(second());
    const [token, otherToken] = await Promise.all([
      issuer.sign(key, { iat: seconds() - 5 }),
      issuer.sign(key, { iat: seconds() - 5, tenant: 'south' }),
    ]);
    const [held, other] = await Promise.all([authenticator.bearer(token), authenticator.bearer(otherToken)]);
    await first().signOut(caller);
    await second().refresh();
    expect([held.withdrawn?.aborted, other.withdrawn?.aborted]).toEqual([true, false]);
    await expect(authenticator.bearer(token)).rejects.toMatchObject(refusal);
    await expect(authenticator.bearer(otherToken)).resolves.toBe(other);
  });

  it('lets the caller come again with a token that was issued later, until the next time', async () => {
    const authenticator = at(first());
    await first().signOut(caller);
    await expect(authenticator.bearer(await issuer.sign(key, { iat: seconds() }))).rejects.toMatchObject(refusal);
    await expect(authenticator.bearer(await issuer.sign(key))).rejects.toMatchObject(refusal);
    const again = await authenticator.bearer(await issuer.sign(key, { iat: seconds() + 1, roles: ['support'] }));
    expect([again.roles, again.withdrawn?.aborted]).toEqual([['support'], false]);
    nowMs += 2_000;
    await first().signOut(caller);
    expect(again.withdrawn?.aborted).toBe(true);
  });

  it('forgets what no living token can be older than', async () => {
    await first().signOut(caller);
    nowMs += 26 * 3_600_000;
    await first().signOut({ subject: '14', tenant: 'south' });
    expect(first().isOut(caller, undefined)).toBe(false);
    expect(first().isOut({ subject: '14', tenant: 'south' }, undefined)).toBe(true);
  });
});
