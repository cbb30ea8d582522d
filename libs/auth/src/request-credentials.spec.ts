import { AppError } from '@tidegate/errors';
import fc from 'fast-check';
import { accessOf, Public, Require } from './access.decorators';
import { tokenOf } from './request-credentials';

describe(tokenOf.name, () => {
  it('reads the token of the one Authorization header, whatever its case', () => {
    expect(tokenOf({ rawHeaders: ['Host', 'a', 'AUTHORIZATION', 'bearer a.b-c_d'] })).toEqual({
      scheme: 'bearer',
      text: 'a.b-c_d',
    });
    expect(tokenOf({ rawHeaders: ['authorization', 'Bearer  a.b'] })).toEqual({ scheme: 'bearer', text: 'a.b' });
    expect(tokenOf({ rawHeaders: ['Authorization', 'dpop a.b'] })).toEqual({ scheme: 'dpop', text: 'a.b' });
  });

  it('finds none where there is no such header, also not in a value of that name', () => {
    expect(tokenOf({ rawHeaders: ['X-Forwarded', 'authorization', 'Accept', 'Bearer a'] })).toBeUndefined();
  });

  it.each([
    ['the header twice', ['Authorization', 'Bearer a', 'Authorization', 'Bearer a']],
    ['the header twice in other case', ['Authorization', 'Bearer a', 'authorization', 'Bearer b']],
    ['another scheme', ['Authorization', 'Basic YTpi']],
    ['no token', ['Authorization', 'Bearer']],
    ['two tokens', ['Authorization', 'Bearer a b']],
    ['a list', ['Authorization', 'Bearer a, Bearer b']],
    ['an empty header', ['Authorization', '']],
    ['other characters', ['Authorization', 'Bearer a"b']],
  ])('refuses %s', (_what, rawHeaders) => {
    expect(() => tokenOf({ rawHeaders })).toThrow('A valid access token is needed.');
  });

  it('gives a token, nothing or `unauthenticated` for whatever headers', () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(fc.constant('Authorization'), fc.constant('Bearer x'), fc.string())),
        (rawHeaders) => {
          try {
            expect(tokenOf({ rawHeaders })?.text ?? 'none').toMatch(/^[\w.~+/=-]+$/);
          } catch (error) {
            expect(AppError.is(error) && error.code).toBe('unauthenticated');
          }
        },
      ),
    );
  });
});

describe(accessOf.name, () => {
  @Require({ roles: ['operator'] })
  class Devices {
    list() {}
    @Public()
    open() {}
  }
  class Forgotten {
    list() {}
  }

  it('takes what the handler declares, else what its class does, else nothing', () => {
    expect(accessOf(Devices.prototype.open, Devices)).toEqual({ kind: 'public' });
    expect(accessOf(Devices.prototype.list, Devices)).toEqual({ kind: 'required', roles: ['operator'] });
    expect(accessOf(Forgotten.prototype.list, Forgotten)).toBeUndefined();
  });
});
