import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { Context } from '#platform/context.js';
import { userOf } from '#platform/http/caller.js';
import { idempotent } from '#platform/http/idempotency.js';
import { listOf, pathId, problems } from '#platform/http/schemas.js';
import { cursorId, pageOf } from '#platform/pagination.js';
import { requireSession } from '#features/auth/auth.hooks.js';
import { type ApiKeyRow, listApiKeys } from './api-keys.queries.js';
import {
  apiKeySchema,
  createApiKeyBody,
  createdApiKeySchema,
  listApiKeysQuery,
  rotateApiKeyInput,
} from './api-keys.schemas.js';
import { type CreatedApiKey, createApiKey } from './create-api-key.js';
import { revokeApiKey } from './revoke-api-key.js';
import { rotateApiKey } from './rotate-api-key.js';

const docs = { tags: ['Accounts'], security: [{ session: [] }] };
const params = z.object({ keyId: pathId });

/** For people who have signed in: no key makes, lists or ends keys. */
export const apiKeyRoutes =
  (ctx: Context): FastifyPluginAsyncZod =>
  async (server) => {
    const onRequest = requireSession(ctx);

    server.post(
      '/v1/api-keys',
      {
        schema: {
          ...docs,
          summary: 'Make an API key',
          description:
            'The key is shown this once. It is sent as `Authorization: Bearer bb_sk_…` and never may more than you may at that moment.',
          body: createApiKeyBody,
          response: { 201: createdApiKeySchema, ...problems },
        },
        onRequest,
        ...idempotent(ctx),
      },
      async (request, reply) =>
        reply.status(201).send(presentCreated(await createApiKey(ctx, userOf(request), request.body))),
    );

    server.get(
      '/v1/api-keys',
      {
        schema: {
          ...docs,
          summary: 'List your API keys, newest first',
          querystring: listApiKeysQuery,
          response: { 200: listOf(apiKeySchema), ...problems },
        },
        onRequest,
      },
      async (request) => {
        const { limit, cursor } = request.query;
        const filter = { beforeId: cursorId(cursor), limit, now: ctx.clock.now() };
        const page = pageOf(await listApiKeys(ctx.db, userOf(request).actor.userId, filter), limit);
        return { ...page, data: page.data.map(presentApiKey) };
      },
    );

    server.delete(
      '/v1/api-keys/:keyId',
      {
        schema: {
          ...docs,
          summary: 'Revoke an API key: it is dead at once',
          params,
          response: { 204: z.null(), ...problems },
        },
        onRequest,
      },
      async (request, reply) => {
        await revokeApiKey(ctx, userOf(request), request.params.keyId);
        return reply.status(204).send(null);
      },
    );

    server.post(
      '/v1/api-keys/:keyId/rotate',
      {
        schema: {
          ...docs,
          summary: 'Put a new key in the place of one, which still works for a while',
          description: 'A key can be rotated once: a second try is a 409.',
          params,
          body: rotateApiKeyInput,
          response: { 201: createdApiKeySchema, ...problems },
        },
        onRequest,
        ...idempotent(ctx),
      },
      async (request, reply) => {
        const { overlapSeconds } = request.body;
        const input = { keyId: request.params.keyId, overlapSeconds };
        return reply.status(201).send(presentCreated(await rotateApiKey(ctx, userOf(request), input)));
      },
    );
  };

function presentCreated({ row, key }: CreatedApiKey): z.infer<typeof createdApiKeySchema> {
  return { ...presentApiKey(row), key };
}

function presentApiKey(row: ApiKeyRow): z.infer<typeof apiKeySchema> {
  return {
    id: row.id,
    name: row.name,
    prefix: row.prefix,
    projectId: row.projectId,
    scopes: row.scopes,
    expiresAt: endOf(row)?.toISOString() ?? null,
    lastUsedAt: row.lastUsedAt?.toISOString() ?? null,
    createdAt: row.createdAt.toISOString(),
  };
}

/** When it stops to work: by its own end, or by that of its overlap, whichever comes first. */
function endOf({ expiresAt, revokedAt }: ApiKeyRow): Date | null {
  if (expiresAt === null || revokedAt === null) return expiresAt ?? revokedAt;
  return expiresAt < revokedAt ? expiresAt : revokedAt;
}
