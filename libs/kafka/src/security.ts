import { z } from 'zod';

const credentials = { username: z.string().min(1), password: z.string().min(1) };

/** A fresh access token for each authentication; `ssl` should be on, since the broker gets it as it is. */
export type TokenSource = () => Promise<string>;

/** Who we are to the brokers. `token` is asked at every authentication and re-authentication, so it may keep what still lives. */
export const saslSchema = z.discriminatedUnion('mechanism', [
  z.object({ mechanism: z.literal('plain'), ...credentials }),
  z.object({ mechanism: z.literal('scram-sha-256'), ...credentials }),
  z.object({ mechanism: z.literal('scram-sha-512'), ...credentials }),
  z.object({
    mechanism: z.literal('oauthbearer'),
    token: z.custom<TokenSource>((value) => typeof value === 'function', 'must be a function that returns a token'),
  }),
]);

/** PEM texts: `ca` in place of the system's roots, `cert` and `key` for mutual TLS. The broker's certificate is always checked. */
export const tlsSchema = z
  .object({
    ca: z.string().min(1).optional(),
    cert: z.string().min(1).optional(),
    key: z.string().min(1).optional(),
    /** The name in the broker's certificate where it is not the one of its address. */
    servername: z.string().min(1).optional(),
  })
  .refine(({ cert, key }) => (cert === undefined) === (key === undefined), 'needs both cert and key, or neither');

export type SaslOptions = z.output<typeof saslSchema>;
export type TlsOptions = z.output<typeof tlsSchema>;

/** Always a fresh object: kafkajs writes the authenticated identity onto the one that it is given. */
export function kafkaJsSasl(sasl: SaslOptions | undefined): object | undefined {
  if (!sasl) return undefined;
  if (sasl.mechanism !== 'oauthbearer') return { ...sasl };
  const { mechanism, token } = sasl;
  return { mechanism, oauthBearerProvider: async () => ({ value: await token() }) };
}
