import { Module, type DynamicModule, type FactoryProvider } from '@nestjs/common';
import type { DoorsOptions, StreamPath } from './options';

export interface DoorsModuleOptions extends DoorsOptions {
  paths?: readonly StreamPath[];
}

export interface DoorsModuleAsyncOptions extends Pick<FactoryProvider<DoorsOptions>, 'inject' | 'useFactory'> {
  paths?: readonly StreamPath[];
}

/**
 * WebSocket, SSE and REST records for every stream of the catalog at `/streams/*`, and for some at paths of their own.
 * Takes `StreamHub`, `Authenticator` and the logger from global modules.
 */
@Module({})
export class DoorsModule {
  static forRoot({ paths = [], ...options }: DoorsModuleOptions = {}): DynamicModule {
    return this.forRootAsync({ paths, useFactory: () => options });
  }

  static forRootAsync(_options: DoorsModuleAsyncOptions): DynamicModule {
    return { module: DoorsModule };
  }
}
