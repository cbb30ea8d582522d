import Provider, { errors, type Configuration, type ResourceServer } from 'oidc-provider';
import { signingAlgorithm, type IssuerKeys } from './keys';
import { MemoryAdapter } from './memory-adapter';

export const audience = 'tidegate';
const resource = `urn:${audience}`;
const tokenSeconds = 600;

export interface IssuerClient {
  id: string;
  secret: string;
}

/** OpenID Connect for development: discovery, key set, and client credentials for the apps' own identities. */
export function createProvider(url: string, clients: readonly IssuerClient[], keys: IssuerKeys): Provider {
  return new Provider(url, configuration(clients, keys));
}

function configuration(clients: readonly IssuerClient[], keys: IssuerKeys): Configuration {
  return {
    adapter: MemoryAdapter,
    clients: clients.map(({ id, secret }) => ({
      client_id: id,
      client_secret: secret,
      grant_types: ['client_credentials'],
      redirect_uris: [],
      response_types: [],
      id_token_signed_response_alg: signingAlgorithm,
    })),
    clientDefaults: { id_token_signed_response_alg: signingAlgorithm },
    jwks: { keys: [keys.signing] },
    cookies: { keys: keys.cookies },
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      // Only tokens for a resource are JWTs; clients that name none mean the BFFs and services behind them.
      resourceIndicators: {
        enabled: true,
        defaultResource: () => resource,
        getResourceServerInfo: (_context, indicator) => resourceServer(indicator),
      },
    },
    extraTokenClaims: () => ({ roles: ['service'] }),
    ttl: { ClientCredentials: tokenSeconds },
  };
}

function resourceServer(indicator: string): ResourceServer {
  if (indicator !== resource) throw new errors.InvalidTarget(`the only resource is ${resource}`);
  return {
    audience,
    scope: '',
    accessTokenFormat: 'jwt',
    accessTokenTTL: tokenSeconds,
    jwt: { sign: { alg: signingAlgorithm } },
  };
}
