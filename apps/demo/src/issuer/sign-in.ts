import { AppError } from '@tidegate/errors';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type Provider from 'oidc-provider';
import { devIdentity, roles, type DevIdentity } from './dev-identity';
import { readBody } from './read-body';

const headers = {
  'content-type': 'text/html; charset=utf-8',
  'cache-control': 'no-store',
  // No `form-action`: browsers hold the redirects that follow against it, and these lead to the page that asked.
  'content-security-policy': "default-src 'none'; base-uri 'none'; frame-ancestors 'none'",
};

/** The page where a person says who it is, since nobody has a password here: `/interaction/<uid>`. */
export class SignIn {
  constructor(
    private readonly provider: Provider,
    private readonly people: Map<string, DevIdentity>,
  ) {}

  /** @throws AppError when there is nothing to sign in to, and for who cannot be */
  async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    await this.provider.interactionDetails(request, response).catch((cause: unknown) => {
      throw new AppError('malformed', 'This sign-in is over; begin again where it began.', { cause });
    });
    if (request.method !== 'POST') return void response.writeHead(200, headers).end(page);
    const fields = new URLSearchParams((await readBody(request)).toString());
    const given = [...fields].filter(([, value]) => value !== '');
    const identity = devIdentity(Object.fromEntries(given));
    this.people.set(identity.subject, identity);
    const login = { accountId: identity.subject, remember: false };
    await this.provider.interactionFinished(request, response, { login }, { mergeWithLastSubmission: false });
  }
}

const options = roles.map((role) => `<option>${role}</option>`).join('');

const page = `<!doctype html>
<html lang="en">
<title>Sign in</title>
<meta name="viewport" content="width=device-width">
<h1>Sign in</h1>
<p>A development issuer: you are whoever you say.</p>
<form method="post">
<p><label>Role <select name="role">${options}</select></label></p>
<p><label>Subject <input name="subject" placeholder="13" autocomplete="off"></label></p>
<p><label>Tenant <input name="tenant" placeholder="north" autocomplete="off"></label></p>
<button>Sign in</button>
</form>
</html>
`;
