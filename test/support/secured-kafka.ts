import { freePorts, kafkaTool } from '@tidegate/infra';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { selfSigned } from './certificate';
import { KafkaBench } from './kafka-bench';

/** The broker ends a session without re-authentication after this; kafkajs renews it 10 s before. */
const sessionMs = 12_000;

const jaas = (module: string, options = '') => `org.apache.kafka.common.security.${module} required${options};`;
const pem = (text: string) => text.replaceAll('\n', '\\n');

export interface SecuredKafka {
  bench: KafkaBench;
  /** `host:port` by what a listener asks for. */
  listeners: { sasl: string; mutualTls: string; saslTls: string };
  serverCertificate: string;
  client: { certificate: string; key: string };
}

/** One broker with an open listener for the bench and one for each kind of protection. Passwords: `<user>-secret`. */
export async function startSecuredKafka(properties: Record<string, number> = {}): Promise<SecuredKafka> {
  const [sasl = 0, mutualTls = 0, saslTls = 0] = await freePorts(3);
  const [server, client] = [selfSigned(), selfSigned()];
  const bench = await KafkaBench.start(1, ({ port, controllerPort }) => {
    const open = `PLAINTEXT://127.0.0.1:${port}`;
    const secured = [`SASL://127.0.0.1:${sasl}`, `MTLS://127.0.0.1:${mutualTls}`, `SECURE://127.0.0.1:${saslTls}`];
    return {
      listeners: [open, `CONTROLLER://127.0.0.1:${controllerPort}`, ...secured].join(','),
      'advertised.listeners': [open, ...secured].join(','),
      'listener.security.protocol.map':
        'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SASL:SASL_PLAINTEXT,MTLS:SSL,SECURE:SASL_SSL',
      'inter.broker.listener.name': 'PLAINTEXT',
      ...properties,
      'sasl.enabled.mechanisms': 'PLAIN,SCRAM-SHA-256,SCRAM-SHA-512,OAUTHBEARER',
      ...saslListener('sasl'),
      ...saslListener('secure'),
      'listener.name.sasl.connections.max.reauth.ms': sessionMs,
      ...tlsListener('secure', server),
      ...tlsListener('mtls', server),
      'listener.name.mtls.ssl.client.auth': 'required',
      'listener.name.mtls.ssl.truststore.type': 'PEM',
      'listener.name.mtls.ssl.truststore.certificates': pem(client.certificate),
    };
  });
  await Promise.all([addScramUser(bench, 'carol', 'SCRAM-SHA-256'), addScramUser(bench, 'dora', 'SCRAM-SHA-512')]);
  const at = (port: number) => `127.0.0.1:${port}`;
  return {
    bench,
    listeners: { sasl: at(sasl), mutualTls: at(mutualTls), saslTls: at(saslTls) },
    serverCertificate: server.certificate,
    client,
  };
}

function saslListener(name: string): Record<string, string> {
  const users = ' user_alice="alice-secret" user_bob="bob-secret"';
  const property = (mechanism: string) => `listener.name.${name}.${mechanism}.sasl.jaas.config`;
  return {
    [property('plain')]: jaas('plain.PlainLoginModule', users),
    [property('scram-sha-256')]: jaas('scram.ScramLoginModule'),
    [property('scram-sha-512')]: jaas('scram.ScramLoginModule'),
    // Takes tokens without a signature, which is enough to see what a client sends.
    [property('oauthbearer')]: jaas('oauthbearer.OAuthBearerLoginModule', ' unsecuredLoginStringClaim_sub="broker"'),
  };
}

function tlsListener(name: string, { certificate, key }: { certificate: string; key: string }): Record<string, string> {
  const property = (option: string) => `listener.name.${name}.ssl.keystore.${option}`;
  return {
    [property('type')]: 'PEM',
    [property('certificate.chain')]: pem(certificate),
    [property('key')]: pem(key),
  };
}

async function addScramUser(bench: KafkaBench, user: string, mechanism: string): Promise<void> {
  const credentials = `${mechanism}=[password=${user}-secret]`;
  const entity = ['--entity-type', 'users', '--entity-name', user];
  const args = ['--bootstrap-server', bench.cluster.brokers.join(), '--alter', '--add-config', credentials, ...entity];
  const [java, ...rest] = await kafkaTool({ name: 'kafka.admin.ConfigCommand', args });
  await promisify(execFile)(java, rest);
}

/** A token as the broker of this bench takes it: a JWT without a signature (RFC 7519 §6). */
export function unsecuredToken(subject: string, lifeSeconds: number): string {
  const nowSeconds = Math.floor(Date.now() / 1000);
  const claims = { sub: subject, iat: nowSeconds, exp: nowSeconds + lifeSeconds };
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  return `${part({ alg: 'none' })}.${part(claims)}.`;
}
