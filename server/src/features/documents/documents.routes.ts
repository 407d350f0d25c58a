import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { Context } from '#platform/context.js';
import { scopeOf } from '#platform/http/caller.js';
import { listOf, pathId, problems } from '#platform/http/schemas.js';
import { cursorId, pageOf } from '#platform/pagination.js';
import { inProjectTransaction, readInProject } from '#platform/transaction.js';
import { requireUser } from '#features/auth/auth.hooks.js';
import { requireProject } from '#features/projects/projects.hooks.js';
import { deleteDocument } from './delete-document.js';
import {
  type ChunkRow,
  type DocumentSummary,
  findChunkIndexOrNull,
  findDocument,
  listChunks,
  listDocuments,
} from './documents.queries.js';
import {
  chunkSchema,
  documentSchema,
  documentSummarySchema,
  listChunksQuery,
  listDocumentsQuery,
} from './documents.schemas.js';

const docs = { tags: ['Documents'], security: [{ bearer: [] }] };
const params = z.object({ projectId: pathId, documentId: pathId });

export const documentRoutes =
  (ctx: Context): FastifyPluginAsyncZod =>
  async (server) => {
    const mayRead = [requireUser(ctx), requireProject(ctx, 'sources:read')];

    server.get(
      '/v1/projects/:projectId/documents',
      {
        schema: {
          ...docs,
          summary: 'List documents, newest first',
          params: z.object({ projectId: pathId }),
          querystring: listDocumentsQuery,
          response: { 200: listOf(documentSummarySchema), ...problems },
        },
        onRequest: mayRead,
      },
      async (request) => {
        const { limit, cursor, sourceId = null, status = null } = request.query;
        const filter = { sourceId, status, beforeId: cursorId(cursor), limit };
        const page = pageOf(
          await inProjectTransaction(ctx, scopeOf(request), (tx) =>
            listDocuments(tx.db, scopeOf(request), filter),
          ),
          limit,
        );
        return { ...page, data: page.data.map(presentDocument) };
      },
    );

    server.get(
      '/v1/projects/:projectId/documents/:documentId',
      {
        schema: {
          ...docs,
          summary: 'Read a document with the text that citations point into',
          params,
          response: { 200: documentSchema, ...problems },
        },
        onRequest: mayRead,
      },
      async (request) => {
        const row = await inProjectTransaction(ctx, scopeOf(request), (tx) =>
          findDocument(tx.db, scopeOf(request), request.params.documentId),
        );
        return { ...presentDocument(row), content: row.content };
      },
    );

    server.get(
      '/v1/projects/:projectId/documents/:documentId/chunks',
      {
        schema: {
          ...docs,
          summary: 'List the chunks of a document, in its order',
          params,
          querystring: listChunksQuery,
          response: { 200: listOf(chunkSchema), ...problems },
        },
        onRequest: mayRead,
      },
      async (request) => {
        const scope = scopeOf(request);
        const { limit, cursor } = request.query;
        const afterId = cursorId(cursor);
        const rows = await readInProject(ctx, scope, async (tx) => {
          const document = await findDocument(tx.db, scope, request.params.documentId);
          const found =
            afterId === null ? -1 : await findChunkIndexOrNull(tx.db, scope, document.id, afterId);
          return listChunks(tx.db, scope, { document, afterIndex: found ?? -1, limit });
        });
        const page = pageOf(rows, limit);
        return { ...page, data: page.data.map(presentChunk) };
      },
    );

    server.delete(
      '/v1/projects/:projectId/documents/:documentId',
      {
        schema: { ...docs, summary: 'Delete a document', params, response: { 204: z.null(), ...problems } },
        onRequest: [requireUser(ctx), requireProject(ctx, 'sources:write')],
      },
      async (request, reply) => {
        await deleteDocument(ctx, scopeOf(request), request.params.documentId);
        return reply.status(204).send(null);
      },
    );
  };

function presentDocument(row: DocumentSummary): z.infer<typeof documentSummarySchema> {
  return { ...row, createdAt: row.createdAt.toISOString(), updatedAt: row.updatedAt.toISOString() };
}

function presentChunk(row: ChunkRow): z.infer<typeof chunkSchema> {
  return { ...row, start: row.startOffset, end: row.endOffset };
}
