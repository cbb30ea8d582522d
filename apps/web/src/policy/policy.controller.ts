import { Body, Controller, HttpCode, Post } from '@nestjs/common';
import { ApiOkResponse, ApiOperation } from '@nestjs/swagger';
import { Require } from '@tidegate/auth';
import { AppError } from '@tidegate/errors';
import { Policy, type Explanation } from '@tidegate/policy';
import { explainSchema, explanationSchema, jsonOf, type Explain } from './policy.dto';

@Controller('policy')
@Require({ roles: ['platform'], resource: 'policy' })
export class PolicyController {
  constructor(private readonly policy: Policy) {}

  @Post('explain')
  @HttpCode(200)
  @ApiOperation({ operationId: 'explainPolicy', summary: 'Which grants show a row to somebody, and what of it' })
  @ApiOkResponse({ standardSchema: explanationSchema })
  explain(@Body({ schema: explainSchema }) { principal, stream, record }: Explain): Explanation {
    const { roles, subject, tenant, claims = {} } = principal;
    const person = { roles, subject, tenant: tenant ?? undefined, claims: jsonOf(claims) };
    const explanation = this.policy.explain(person, stream, jsonOf(record));
    if (explanation === undefined) throw new AppError('not_found', 'There is no such stream.');
    return explanation;
  }
}
