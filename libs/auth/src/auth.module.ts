import {
  Inject,
  Module,
  type DynamicModule,
  type FactoryProvider,
  type OnApplicationShutdown,
  type OnModuleInit,
} from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { REDIS, type Redis } from '@tidegate/redis';
import { LOGGER, Registry, type Logger } from '@tidegate/telemetry';
import { AccessGuard } from './access.guard';
import { ApiKeyAdmin } from './api-key-admin';
import { ApiKeys, apiKeysOptionsSchema, type ApiKeysOptions } from './api-keys';
import { Authenticator, type AuthenticatorOptions } from './authenticator';
import { ClientCertificates, type ClientCertificatesOptions } from './client-certificates';
import { DpopProofs, type DpopOptions } from './dpop-proofs';
import { LocalProofMemory, RedisProofMemory } from './proof-memory';
import { LocalText, RedisText } from './shared-text';
import { SignOuts } from './sign-outs';

export interface AuthModuleOptions extends AuthenticatorOptions {
  /** With it callers may come with an `X-API-Key`, or with a client certificate that is known. */
  apiKeys?: ApiKeysOptions;
  /** Whose word on client certificates is taken; without it only the connection's own count. */
  certificates?: ClientCertificatesOptions;
  /** With it tokens that are bound to a DPoP key are taken. */
  dpop?: DpopOptions;
}

type OptionsFactory = Pick<FactoryProvider<AuthModuleOptions>, 'inject' | 'useFactory'>;
interface Credentials {
  options: AuthModuleOptions;
  apiKeys: ApiKeys | undefined;
  admin: ApiKeyAdmin | undefined;
  redis: Redis | undefined;
  signOuts: SignOuts;
}

/** An app does not wait longer for what replicas share; its keys are `unavailable` until then. */
const firstKeysMs = 2_000;

const CREDENTIALS = Symbol('tidegate.auth.credentials');

/** Registers the `Authenticator` and the guard that refuses whatever does not declare its access. */
@Module({})
export class AuthModule implements OnModuleInit, OnApplicationShutdown {
  constructor(
    private readonly authenticator: Authenticator,
    @Inject(CREDENTIALS) private readonly credentials: Credentials,
  ) {}

  static forRoot(options: AuthModuleOptions): DynamicModule {
    return this.forRootAsync({ useFactory: () => options });
  }

  static forRootAsync({ inject = [], useFactory }: OptionsFactory): DynamicModule {
    return {
      module: AuthModule,
      global: true,
      providers: [
        {
          provide: CREDENTIALS,
          inject: [LOGGER, Registry, { token: REDIS, optional: true }, ...inject],
          useFactory: async (logger: Logger, registry: Registry, redis: Redis | undefined, ...rest: unknown[]) =>
            credentialsOf(await useFactory(...rest), { logger, registry, redis }),
        },
        {
          provide: Authenticator,
          inject: [LOGGER, CREDENTIALS],
          useFactory: (logger: Logger, { options, apiKeys, redis, signOuts }: Credentials) => {
            const memory = redis === undefined ? new LocalProofMemory() : new RedisProofMemory(redis);
            const proofs = options.dpop && new DpopProofs(options.dpop, memory);
            const certificates = new ClientCertificates(options.certificates);
            return new Authenticator(options, { logger, apiKeys, proofs, certificates, signOuts });
          },
        },
        { provide: SignOuts, inject: [CREDENTIALS], useFactory: ({ signOuts }: Credentials) => signOuts },
        { provide: ApiKeyAdmin, inject: [CREDENTIALS], useFactory: ({ admin }: Credentials) => admin },
        { provide: APP_GUARD, useClass: AccessGuard },
      ],
      exports: [Authenticator, ApiKeyAdmin, SignOuts],
    };
  }

  // The app starts without its issuer; the first token then waits for what this began.
  async onModuleInit(): Promise<void> {
    void this.authenticator.warmUp();
    await this.credentials.apiKeys?.ready(firstKeysMs);
  }

  onApplicationShutdown(): void {
    this.credentials.apiKeys?.close();
    this.credentials.signOuts.close();
  }
}

function credentialsOf(
  options: AuthModuleOptions,
  { logger, registry, redis }: { logger: Logger; registry: Registry; redis: Redis | undefined },
): Credentials {
  const sharedText = (key: string) => (redis === undefined ? new LocalText() : new RedisText(redis, key));
  const signOuts = new SignOuts(sharedText('tidegate:sign-outs'), { logger });
  if (options.apiKeys === undefined) return { options, redis, signOuts, apiKeys: undefined, admin: undefined };
  const { pepper, environment } = apiKeysOptionsSchema.parse(options.apiKeys);
  const shared = sharedText('tidegate:api-keys');
  const keys = new ApiKeys(options.apiKeys, { logger, registry, shared });
  const admin = new ApiKeyAdmin({ keys, shared, pepper, environment });
  return { options, redis, signOuts, apiKeys: keys, admin };
}
