import { startNotes, type Notes } from './notes-fixture';
import { listRoutes } from './routes';

let notes: Notes;

beforeAll(async () => {
  notes = await startNotes();
});
afterAll(() => notes.stop());

const client = () => notes.client();

describe('GET /openapi.json', () => {
  it('describes routes, schemas, access and errors in OpenAPI 3.1', async () => {
    const { body } = (await client().get('/openapi.json').expect(200)) as { body: Record<string, unknown> };
    expect(body).toMatchObject({
      openapi: '3.1.0',
      info: { title: 'Notes', version: '3' },
      paths: {
        '/notes': {
          post: {
            security: [{ bearer: [] }],
            requestBody: {
              content: { 'application/json': { schema: { additionalProperties: false, required: ['title'] } } },
            },
            responses: { default: { content: { 'application/problem+json': {} } } },
          },
          get: { parameters: [{ name: 'limit', in: 'query', required: false }] },
        },
        '/notes/{id}': {
          get: { responses: { 200: { content: { 'application/json': { schema: { type: 'object' } } } } } },
        },
        '/open/echo': { post: { security: [] } },
      },
    });
  });
});

describe(listRoutes.name, () => {
  it('lists every route with its handler and access, undeclared ones too', () => {
    const routes = listRoutes(notes.app);
    expect(routes).toContainEqual({
      method: 'POST',
      path: '/notes',
      handler: 'NotesController.write',
      access: { kind: 'required', roles: ['customer'], resource: 'notes' },
    });
    expect(routes).toContainEqual({
      method: 'HEAD',
      path: '/notes/:id',
      handler: 'NotesController.read',
      access: { kind: 'required', roles: ['customer'], resource: 'notes' },
    });
    expect(routes).toContainEqual({
      method: 'GET',
      path: '/openapi.json',
      handler: 'OpenApiController.read',
      access: { kind: 'public' },
    });
    expect(routes.filter(({ access }) => access === undefined).map(({ path }) => path)).toEqual([
      '/forgotten',
      '/forgotten',
    ]);
  });
});
