import type { Authenticator, Holder } from './authenticator';
import type { Confirmation, CredentialMethod, Principal } from './principal';
import { unauthenticated } from './refusal';
import { apiKeyOf, headerValues, tokenOf, type RawRequest } from './request-credentials';

type Verifier = Pick<Authenticator, 'bearer'> &
  Partial<Pick<Authenticator, 'apiKey' | 'certificate' | 'certificateOf'>>;

/** What a caller showed to prove who it is. Secret. */
export interface Credential {
  method: CredentialMethod;
  text: string;
  /** What a token was shown with, for tokens that are bound to a key. */
  holder?: Holder;
}

/**
 * The one credential of a request: a token, an API key, or else the client certificate of its connection.
 * @throws AppError `unauthenticated` when there is none, and when there are two: which of them counts is nobody's to guess
 */
export function credentialOf(
  request: RawRequest,
  { certificateOf }: Partial<Pick<Authenticator, 'certificateOf'>> = {},
): Credential {
  const key = apiKeyOf(request);
  const token = tokenOf(request);
  const certificate = certificateOf?.(request);
  if (key !== undefined && token !== undefined) throw unauthenticated('a token and an API key');
  if (key !== undefined) return { method: 'api-key', text: key };
  if (token !== undefined) {
    const { method = '', url = '' } = request;
    const proofs = headerValues(request, 'dpop');
    const proof = token.scheme === 'dpop' ? { proof: { texts: proofs, method, url } } : {};
    return {
      method: 'bearer',
      text: token.text,
      holder: { ...(certificate !== undefined && { certificate }), ...proof },
    };
  }
  if (certificate !== undefined) return { method: 'certificate', text: certificate };
  throw unauthenticated('no credential');
}

/** Whose credential it is now. @throws AppError `unauthenticated`, `unavailable` */
export async function principalOf({ method, text, holder }: Credential, authenticator: Verifier): Promise<Principal> {
  if (method === 'bearer') return authenticator.bearer(text, holder);
  const verify =
    method === 'api-key' ? authenticator.apiKey?.bind(authenticator) : authenticator.certificate?.bind(authenticator);
  if (verify === undefined) throw unauthenticated(`no ${method} is taken here`);
  return verify(text);
}

/** Who sent a request. @throws AppError as `credentialOf` and `principalOf` do */
export async function callerOf(request: RawRequest, authenticator: Verifier): Promise<Principal> {
  return principalOf(credentialOf(request, authenticator), authenticator);
}

/** The credential of a caller who has been let in, to be shown again later without the request it came with. */
export function lastingCredentialOf(
  request: RawRequest,
  authenticator: Verifier,
  proven: Confirmation | undefined,
): Credential {
  const { method, text } = credentialOf(request, authenticator);
  return { method, text, ...(proven !== undefined && { holder: { proven } }) };
}
