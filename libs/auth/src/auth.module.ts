import {
  Inject,
  Module,
  type DynamicModule,
  type FactoryProvider,
  type OnApplicationShutdown,
  type OnModuleInit,
} from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { LOGGER, Registry, type Logger } from '@tidegate/telemetry';
import { AccessGuard } from './access.guard';
import { ApiKeys, type ApiKeysOptions } from './api-keys';
import { Authenticator, type AuthenticatorOptions } from './authenticator';

export interface AuthModuleOptions extends AuthenticatorOptions {
  /** With it callers may come with an `X-API-Key`. */
  apiKeys?: ApiKeysOptions;
}

type OptionsFactory = Pick<FactoryProvider<AuthModuleOptions>, 'inject' | 'useFactory'>;
type Credentials = { options: AuthModuleOptions; apiKeys: ApiKeys | undefined };

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
          inject: [LOGGER, Registry, ...inject],
          useFactory: async (logger: Logger, registry: Registry, ...rest: unknown[]): Promise<Credentials> => {
            const options = await useFactory(...rest);
            const apiKeys = options.apiKeys && new ApiKeys(options.apiKeys, { logger, registry });
            return { options, apiKeys };
          },
        },
        {
          provide: Authenticator,
          inject: [LOGGER, CREDENTIALS],
          useFactory: (logger: Logger, { options, apiKeys }: Credentials) =>
            new Authenticator(options, { logger, apiKeys }),
        },
        { provide: APP_GUARD, useClass: AccessGuard },
      ],
      exports: [Authenticator],
    };
  }

  // The app starts without its issuer; the first token then waits for what this began.
  onModuleInit(): void {
    void this.authenticator.warmUp();
  }

  onApplicationShutdown(): void {
    this.credentials.apiKeys?.close();
  }
}
