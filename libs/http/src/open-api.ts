import { Controller, Get, Inject } from '@nestjs/common';
import { ApiExcludeController, DocumentBuilder, SwaggerModule, type OpenAPIObject } from '@nestjs/swagger';
import { Authenticator, Public } from '@tidegate/auth';
import { z } from 'zod';
import type { HttpApp } from './http-app';
import { listRoutes } from './routes';

export const OPEN_API = Symbol('tidegate.http.open-api');

/** The document of an application, made at its first reading. */
export interface OpenApiSource {
  read: () => OpenAPIObject;
}

@ApiExcludeController()
@Controller()
export class OpenApiController {
  constructor(@Inject(OPEN_API) private readonly source: OpenApiSource) {}

  @Public()
  @Get('openapi.json')
  read(): OpenAPIObject {
    return this.source.read();
  }
}

const problem = {
  type: 'object',
  required: ['type', 'title', 'status', 'detail', 'code'],
  properties: {
    type: { type: 'string' },
    title: { type: 'string' },
    status: { type: 'integer' },
    detail: { type: 'string' },
    instance: { type: 'string' },
    code: { type: 'string' },
    outcome: { type: 'string', enum: ['unknown'] },
    requestId: { type: 'string' },
    errors: {
      type: 'array',
      items: {
        type: 'object',
        required: ['pointer', 'detail'],
        properties: { pointer: { type: 'string' }, detail: { type: 'string' } },
      },
    },
  },
};

/** The OpenAPI 3.1 document of all controllers, with their zod schemas and the access they declare. */
export function openApiOf(app: HttpApp, { title, version }: { title: string; version: string }): OpenAPIObject {
  const config = new DocumentBuilder().setTitle(title).setVersion(version).setOpenAPIVersion('3.1.0').addBearerAuth();
  const takesApiKeys = authenticatorOf(app)?.takesApiKeys === true;
  if (takesApiKeys) config.addApiKey({ type: 'apiKey', in: 'header', name: 'X-API-Key' }, 'apiKey');
  const credentials = [{ bearer: [] }, ...(takesApiKeys ? [{ apiKey: [] }] : [])];
  const document = SwaggerModule.createDocument(app, config.build(), {
    standardSchemaConverter: (schema, { schemaType }) => convert(schema, schemaType),
  });
  Object.assign((document.components ??= {}), { schemas: { ...document.components.schemas, Problem: problem } });
  const access = new Map(listRoutes(app).map((route) => [`${route.method} ${braces(route.path)}`, route.access]));
  for (const [path, operations] of Object.entries(document.paths)) {
    for (const [method, operation] of Object.entries(operations) as [string, Operation][]) {
      const required = access.get(`${method.toUpperCase()} ${path}`)?.kind === 'required';
      describe(operation, required ? credentials : []);
    }
  }
  return document;
}

interface Operation {
  security?: object[];
  responses?: Record<string, object>;
}

function describe(operation: Operation, security: object[]): void {
  operation.security = security;
  const content = { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } };
  operation.responses = { ...operation.responses, default: { description: 'An error (RFC 9457)', content } };
}

/** An application without callers has none. */
function authenticatorOf(app: HttpApp): Authenticator | undefined {
  try {
    return app.get(Authenticator, { strict: false });
  } catch {
    return undefined;
  }
}

function braces(path: string): string {
  return path.replace(/:([^/]+)/g, '{$1}');
}

function convert(schema: unknown, io: 'input' | 'output') {
  if (!(schema instanceof z.ZodType)) return undefined;
  const { $schema: _, $defs, ...json } = z.toJSONSchema(schema, { io, unrepresentable: 'any' });
  return { schema: json, components: $defs ?? {} };
}
