import Provider, { errors, type ClientMetadata, type Configuration, type ResourceServer } from 'oidc-provider';
import type { IssuerClient } from './clients';
import type { DevIdentity } from './dev-identity';
import { signingAlgorithm, type IssuerKeys } from './keys';
import { MemoryAdapter } from './memory-adapter';

export const audience = 'tidegate';
const resource = `urn:${audience}`;
const tokenSeconds = 600;
/** Of a browser's token: it cannot renew one without its user. */
const browserTokenSeconds = 3_600;

export interface ProviderOptions {
  url: string;
  clients: readonly IssuerClient[];
  /** Where pages get their code (authorization code with PKCE). */
  redirectUris: readonly string[];
  keys: IssuerKeys;
  /** Who signed in, by subject. */
  people: ReadonlyMap<string, DevIdentity>;
}

/** OpenID Connect for development: discovery, key set, client credentials for apps and partners, sign-in for browsers. */
export function createProvider(options: ProviderOptions): Provider {
  return new Provider(options.url, configuration(options));
}

function configuration({ clients, redirectUris, keys, people }: ProviderOptions): Configuration {
  const scopes = [...new Set(clients.flatMap((client) => client.scopes ?? []))];
  const identities = new Map(clients.map(({ id, identity }) => [id, identity]));
  return {
    adapter: MemoryAdapter,
    clients: [...clients.map(metadataOf), ...browserClients(redirectUris)],
    clientDefaults: { id_token_signed_response_alg: signingAlgorithm },
    scopes: ['openid', ...scopes],
    jwks: { keys: [keys.signing] },
    cookies: { keys: keys.cookies },
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      dPoP: { enabled: true },
      // Only tokens for a resource are JWTs; clients that name none mean the BFFs and services behind them.
      resourceIndicators: {
        enabled: true,
        defaultResource: () => resource,
        getResourceServerInfo: (_context, indicator) => resourceServer(indicator, scopes),
        useGrantedResource: () => true,
      },
    },
    enabledJWA: { dPoPSigningAlgValues: ['ES256', 'EdDSA', 'PS256', 'RS256'] },
    pkce: { required: () => true },
    interactions: { url: (_context, { uid }) => `/interaction/${uid}` },
    clientBasedCORS: (_context, origin, { redirectUris: uris = [] }) =>
      uris.some((uri) => new URL(uri).origin === origin),
    findAccount: (_context, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
    loadExistingGrant: async ({ oidc }) => {
      const { client, session, provider } = oidc;
      if (client === undefined || session?.accountId === undefined) return undefined;
      // Whoever signs in here means it: there is nobody to ask for consent.
      const grant = new provider.Grant({ clientId: client.clientId, accountId: session.accountId });
      grant.addOIDCScope('openid');
      grant.addResourceScope(resource, scopes.join(' '));
      await grant.save();
      return grant;
    },
    extraTokenClaims: (_context, token) => {
      const { clientId = '' } = token;
      const identity = token.kind === 'AccessToken' ? people.get(token.accountId) : identities.get(clientId);
      return { roles: identity?.roles ?? [], ...(identity?.tenant !== undefined && { tenant: identity.tenant }) };
    },
    renderError: (context, { error, error_description }) => {
      context.type = 'text/plain';
      context.body = `${error}: ${error_description ?? ''}`;
    },
    ttl: {
      ...{ ClientCredentials: tokenSeconds, Interaction: tokenSeconds },
      ...{ AccessToken: browserTokenSeconds, IdToken: browserTokenSeconds },
      ...{ Grant: browserTokenSeconds, Session: browserTokenSeconds },
    },
  };
}

function metadataOf({ id, secret, publicKey, scopes = [] }: IssuerClient): ClientMetadata {
  return {
    client_id: id,
    grant_types: ['client_credentials'],
    redirect_uris: [],
    response_types: [],
    id_token_signed_response_alg: signingAlgorithm,
    ...(scopes.length > 0 && { scope: scopes.join(' ') }),
    ...(secret !== undefined && { client_secret: secret }),
    ...(publicKey !== undefined && {
      token_endpoint_auth_method: 'private_key_jwt',
      token_endpoint_auth_signing_alg: signingAlgorithm,
      jwks: { keys: [publicKey] },
    }),
  };
}

/** A page keeps no secret. */
function browserClients(redirectUris: readonly string[]): ClientMetadata[] {
  if (redirectUris.length === 0) return [];
  return [
    {
      client_id: 'console',
      token_endpoint_auth_method: 'none',
      grant_types: ['authorization_code'],
      redirect_uris: [...redirectUris],
      response_types: ['code'],
      id_token_signed_response_alg: signingAlgorithm,
    },
  ];
}

function resourceServer(indicator: string, scopes: readonly string[]): ResourceServer {
  if (indicator !== resource) throw new errors.InvalidTarget(`the only resource is ${resource}`);
  return {
    audience,
    scope: scopes.join(' '),
    accessTokenFormat: 'jwt',
    jwt: { sign: { alg: signingAlgorithm } },
  };
}
