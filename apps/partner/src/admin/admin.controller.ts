import { Body, Controller, Delete, Get, HttpCode, Param, Post, Res } from '@nestjs/common';
import { ApiKeyAdmin, Require, SignOuts } from '@tidegate/auth';
import type { FastifyReply } from 'fastify';
import { newApiKeySchema, signOutSchema, type ApiKeyRow, type NewApiKeyBody, type SignOutBody } from './admin.dto';

/** Who may call, for platform engineers. Every replica follows within seconds. */
@Controller('admin')
@Require({ roles: ['platform'], resource: 'api-keys', action: 'manage' })
export class AdminController {
  constructor(
    private readonly keys: ApiKeyAdmin,
    private readonly signOuts: SignOuts,
  ) {}

  @Get('api-keys')
  async list(): Promise<{ items: ApiKeyRow[]; next: null }> {
    const keys = await this.keys.list();
    const items = keys.map(({ id, client, tenant, roles, hash, scopes, expiresAtMs }): ApiKeyRow => ({
      ...{ id, client, tenant: tenant ?? null, roles, scopes },
      kind: hash === undefined ? 'certificate' : 'api-key',
      expiresAt: new Date(expiresAtMs).toISOString(),
    }));
    return { items, next: null };
  }

  /** The text of the key is in this answer and nowhere else. */
  @Post('api-keys')
  async create(
    @Body({ schema: newApiKeySchema }) body: NewApiKeyBody,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<{ id: string; key: string; expiresAt: string }> {
    void reply.header('cache-control', 'no-store');
    return { ...(await this.keys.create(body)), expiresAt: body.expiresAt };
  }

  @Delete('api-keys/:id')
  @HttpCode(204)
  revoke(@Param('id') id: string): Promise<void> {
    return this.keys.revoke(id);
  }

  /** Takes back all tokens of a caller that were issued until now, with the streams that they hold open. */
  @Post('sign-outs')
  @HttpCode(204)
  signOut(@Body({ schema: signOutSchema }) { subject, tenant }: SignOutBody): Promise<void> {
    return this.signOuts.signOut({ subject, tenant });
  }
}
