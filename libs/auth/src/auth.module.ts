import { Module, type DynamicModule, type FactoryProvider } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { AccessGuard } from './access.guard';
import { Authenticator, type AuthenticatorOptions } from './authenticator';

/** Registers the `Authenticator` and the guard that refuses whatever does not declare its access. */
@Module({})
export class AuthModule {
  static forRoot(options: AuthenticatorOptions): DynamicModule {
    return this.forRootAsync({ useFactory: () => options });
  }

  static forRootAsync({
    inject = [],
    useFactory,
  }: Pick<FactoryProvider<AuthenticatorOptions>, 'inject' | 'useFactory'>): DynamicModule {
    return {
      module: AuthModule,
      global: true,
      providers: [
        {
          provide: Authenticator,
          inject,
          useFactory: async (...dependencies: unknown[]) => new Authenticator(await useFactory(...dependencies)),
        },
        { provide: APP_GUARD, useClass: AccessGuard },
      ],
      exports: [Authenticator],
    };
  }
}
