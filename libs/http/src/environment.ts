import { clientCertificatesOptionsSchema, dpopOptionsSchema, type AuthModuleOptions } from '@tidegate/auth';
import { list } from '@tidegate/config';
import { z } from 'zod';
import type { TlsOptions } from './fastify-server';

const file = z.string().min(1);

const variables = z.object({
  PUBLIC_URLS: list().pipe(dpopOptionsSchema.shape.urls).optional(),
  CLIENT_CERT_HOPS: list().pipe(clientCertificatesOptionsSchema.shape.hops.unwrap()).optional(),
  CLIENT_CERT_HEADER: clientCertificatesOptionsSchema.shape.header.optional(),
  TLS_CERT_FILE: file.optional(),
  TLS_KEY_FILE: file.optional(),
  TLS_CLIENT_CA_FILE: file.optional(),
});

type Variables = z.output<typeof variables>;

interface Edge {
  publicUrls: string[] | undefined;
  certificates: NonNullable<AuthModuleOptions['certificates']>;
  tls: TlsOptions | undefined;
}

/** How clients reach an HTTP app, and how they show what their tokens are bound to; compose it with the app's variables. */
export const edgeEnvironmentSchema = variables
  .superRefine((env, context) => {
    for (const [name, message] of problems(env)) context.addIssue({ code: 'custom', path: [name], message });
  })
  .transform((env): { edge: Edge } => {
    const { PUBLIC_URLS: publicUrls, CLIENT_CERT_HOPS: hops, CLIENT_CERT_HEADER: header } = env;
    return {
      edge: { publicUrls, tls: tlsOf(env), certificates: { ...(hops && { hops }), ...(header && { header }) } },
    };
  });

/** What `AuthModule` has to know of it. Nothing said, the app is reached on this machine. */
export function proofOptions(
  { publicUrls, certificates, tls }: Edge,
  port: number,
): Pick<AuthModuleOptions, 'certificates' | 'dpop'> {
  const scheme = tls === undefined ? 'http' : 'https';
  const urls = publicUrls ?? ['127.0.0.1', 'localhost'].map((host) => `${scheme}://${host}:${port}`);
  return { certificates, dpop: { urls } };
}

function* problems(env: Variables): Generator<[keyof Variables, string]> {
  const { TLS_CERT_FILE: certificate, TLS_KEY_FILE: key, TLS_CLIENT_CA_FILE: authorities } = env;
  if (certificate !== undefined && key === undefined) yield ['TLS_KEY_FILE', 'is missing beside TLS_CERT_FILE'];
  if (certificate === undefined && key !== undefined) yield ['TLS_CERT_FILE', 'is missing beside TLS_KEY_FILE'];
  if (authorities !== undefined && certificate === undefined) {
    yield ['TLS_CERT_FILE', 'is missing beside TLS_CLIENT_CA_FILE'];
  }
}

function tlsOf(env: Variables): TlsOptions | undefined {
  const { TLS_CERT_FILE: certificateFile, TLS_KEY_FILE: keyFile, TLS_CLIENT_CA_FILE: clientAuthoritiesFile } = env;
  if (certificateFile === undefined || keyFile === undefined) return undefined;
  return { certificateFile, keyFile, clientAuthoritiesFile };
}
