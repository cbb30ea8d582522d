import { Controller, Get, Inject } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import { Authenticator, Public } from '@tidegate/auth';
import { LiveCatalog } from '@tidegate/catalog';
import { asyncApiOf } from './async-api';
import { PATHS, type StreamPath } from './options';

/** What streams there are and what is said on them. */
@ApiExcludeController()
@Controller()
export class AsyncApiController {
  constructor(
    private readonly catalog: LiveCatalog,
    @Inject(PATHS) private readonly paths: readonly StreamPath[],
    private readonly authenticator: Authenticator,
  ) {}

  @Public()
  @Get('asyncapi.json')
  read(): object {
    const { takesApiKeys } = this.authenticator;
    return asyncApiOf({ streams: this.catalog.current.streams, paths: this.paths, takesApiKeys });
  }
}
