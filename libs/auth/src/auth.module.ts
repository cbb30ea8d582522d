import { Module, type DynamicModule, type FactoryProvider, type OnModuleInit } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { LOGGER, type Logger } from '@tidegate/telemetry';
import { AccessGuard } from './access.guard';
import { Authenticator, type AuthenticatorOptions } from './authenticator';

type OptionsFactory = Pick<FactoryProvider<AuthenticatorOptions>, 'inject' | 'useFactory'>;

/** Registers the `Authenticator` and the guard that refuses whatever does not declare its access. */
@Module({})
export class AuthModule implements OnModuleInit {
  constructor(private readonly authenticator: Authenticator) {}

  static forRoot(options: AuthenticatorOptions): DynamicModule {
    return this.forRootAsync({ useFactory: () => options });
  }

  static forRootAsync({ inject = [], useFactory }: OptionsFactory): DynamicModule {
    return {
      module: AuthModule,
      global: true,
      providers: [
        {
          provide: Authenticator,
          inject: [LOGGER, ...inject],
          useFactory: async (logger: Logger, ...rest: unknown[]) =>
            new Authenticator(await useFactory(...rest), { logger }),
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
}
