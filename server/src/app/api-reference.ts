import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import type { FastifyInstance } from 'fastify';
import { jsonSchemaTransform, jsonSchemaTransformObject } from 'fastify-type-provider-zod';
import { VERSION } from './version.js';

const SECURITY_SCHEMES = {
  bearer: {
    type: 'http',
    scheme: 'bearer',
    description:
      'An access token, or an API key (`bb_sk_…`) with a scope that allows it. A key of one project sees no other.',
  },
  session: {
    type: 'http',
    scheme: 'bearer',
    bearerFormat: 'JWT',
    description: 'An access token. An API key gets 403: this is about the account itself.',
  },
} as const;

/** Makes the OpenAPI 3.1 document from the routes' schemas, at `/openapi.json`, with a readable reference at `/docs`. */
export async function describeApi(server: FastifyInstance): Promise<void> {
  await server.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Botbase',
        version: VERSION,
        description:
          'Sources in, streamed answers with citations that hold out. Errors are RFC 9457 problems with stable codes.',
        license: { name: 'MIT', identifier: 'MIT' },
      },
      servers: [{ url: '/' }],
      components: { securitySchemes: SECURITY_SCHEMES },
      tags: [
        { name: 'Accounts' },
        { name: 'Projects' },
        { name: 'Members' },
        { name: 'Sources' },
        { name: 'Documents' },
        { name: 'Search' },
        { name: 'Chat' },
        { name: 'Conversations' },
        { name: 'Leads' },
        { name: 'Evaluation' },
        { name: 'Usage' },
        { name: 'Billing' },
        { name: 'Data rights' },
        { name: 'Billing' },
        { name: 'Administration' },
        { name: 'Operation' },
      ],
    },
    transform: jsonSchemaTransform,
    transformObject: (document) => finishDocument(jsonSchemaTransformObject(document)),
  });
  await server.register(swaggerUi, {
    routePrefix: '/docs',
    staticCSP: true,
    // A server without TLS before it has no other way to be read.
    transformStaticCSP: (policy) => policy.replace(/upgrade-insecure-requests;? ?/, ''),
    uiConfig: { docExpansion: 'list', defaultModelsExpandDepth: 0, tryItOutEnabled: false },
    // The page is about this API alone: no bar to load another one.
    theme: { title: 'Botbase API', css: [{ filename: 'botbase.css', content: '.topbar { display: none }' }] },
  });
  server.get('/openapi.json', { schema: { hide: true } }, async () => server.swagger());
}

type ApiDocument = ReturnType<typeof jsonSchemaTransformObject>;

interface MediaTypes {
  content?: Record<string, unknown>;
}

const UPLOAD_FORM = {
  schema: {
    type: 'object',
    required: ['file'],
    properties: {
      file: {
        type: 'string',
        format: 'binary',
        description: 'PDF, DOCX, HTML, Markdown or text, told by content.',
      },
      name: { type: 'string' },
      metadata: { type: 'string', description: 'A JSON object.' },
    },
  },
};

/** What the routes' schemas cannot say: media types of problems and uploads. Schemas that nothing uses are dropped. */
function finishDocument(document: ApiDocument): ApiDocument {
  const api = document as {
    paths?: Record<string, Record<string, Operation>>;
    components?: { schemas?: object };
  };
  for (const operation of Object.values(api.paths ?? {}).flatMap((path) => Object.values(path))) {
    for (const status of ['4XX', '5XX']) {
      const problem = operation.responses?.[status];
      const schema = problem?.content?.['application/json'];
      if (problem !== undefined && schema !== undefined)
        problem.content = { 'application/problem+json': schema };
    }
    const body = operation.requestBody?.content;
    if (body?.['multipart/form-data'] !== undefined) body['multipart/form-data'] = UPLOAD_FORM;
  }
  dropUnusedSchemas(api);
  return document;
}

interface Operation {
  requestBody?: MediaTypes;
  responses?: Record<string, MediaTypes>;
}

function dropUnusedSchemas(api: { components?: { schemas?: object } }): void {
  const schemas = api.components?.schemas as Record<string, unknown> | undefined;
  if (schemas === undefined) return;
  for (;;) {
    const text = JSON.stringify(api);
    const unused = Object.keys(schemas).filter((name) => !text.includes(`"#/components/schemas/${name}"`));
    if (unused.length === 0) return;
    for (const name of unused) delete schemas[name];
  }
}
