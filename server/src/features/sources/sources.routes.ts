import type { FastifyReply, FastifyRequest } from 'fastify';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { AppError } from '#kernel/app-error.js';
import { sha256Hex } from '#kernel/hash.js';
import type { Context } from '#platform/context.js';
import { allowedReader } from '#platform/http/allowed-reader.js';
import { scopeOf } from '#platform/http/caller.js';
import { sendEventStream } from '#platform/http/event-stream.js';
import { beginIdempotent, idempotent, keepClaim, replay } from '#platform/http/idempotency.js';
import { listOf, pathId, problems } from '#platform/http/schemas.js';
import { cursorId, pageOf } from '#platform/pagination.js';
import { inProjectTransaction, readInProject } from '#platform/transaction.js';
import { requireUser } from '#features/auth/auth.hooks.js';
import { requireProject } from '#features/projects/projects.hooks.js';
import { createSource } from './create-source.js';
import { deleteSource } from './delete-source.js';
import { presentSource } from './present-source.js';
import { createSourceWatcher } from './source-watcher.js';
import { findSource, listSources } from './sources.queries.js';
import {
  BODY_LIMIT_BYTES,
  createSourceBody,
  listSourcesQuery,
  sourceSchema,
  updateSourceBody,
} from './sources.schemas.js';
import { syncSource } from './sync-source.js';
import { updateSource } from './update-source.js';
import { readUpload } from './upload.routes.js';
import { createFileSource, discardUpload } from './upload-source.js';

const docs = { tags: ['Sources'], security: [{ bearer: [] }] };
const inProject = z.object({ projectId: pathId });
const params = z.object({ projectId: pathId, sourceId: pathId });

export const sourceRoutes =
  (ctx: Context): FastifyPluginAsyncZod =>
  async (server) => {
    const watcher = createSourceWatcher(ctx);
    const mayRead = [requireUser(ctx), requireProject(ctx, 'sources:read')];
    const mayWrite = [requireUser(ctx), requireProject(ctx, 'sources:write')];

    server.post(
      '/v1/projects/:projectId/sources',
      {
        schema: {
          ...docs,
          summary: 'Add a source and queue its indexing',
          description:
            'JSON for a text, a page, a website (with `crawl`) or questions with answers; `multipart/form-data` with a part `file` (and `name`) for a file: PDF, DOCX, PPTX, XLSX, CSV, EPUB, JSON, HTML, Markdown or text.',
          params: inProject,
          consumes: ['application/json', 'multipart/form-data'],
          body: createSourceBody.nullish(),
          response: { 202: sourceSchema, ...problems },
        },
        bodyLimit: BODY_LIMIT_BYTES,
        onRequest: mayWrite,
        ...idempotent(ctx),
      },
      async (request, reply) => {
        if (request.isMultipart()) return uploadFile(ctx, request, reply);
        const { body } = request;
        if (body === null || body === undefined) {
          throw new AppError(
            'validation_failed',
            'The body is missing: send a source as JSON, or a file as a form.',
          );
        }
        const source = await createSource(ctx, scopeOf(request), body);
        return reply.status(202).send(presentSource(source));
      },
    );

    server.get(
      '/v1/projects/:projectId/sources',
      {
        schema: {
          ...docs,
          summary: 'List sources, newest first',
          params: inProject,
          querystring: listSourcesQuery,
          response: { 200: listOf(sourceSchema), ...problems },
        },
        onRequest: mayRead,
      },
      async (request) => {
        const { limit, cursor, status = null } = request.query;
        const filter = { status, beforeId: cursorId(cursor), limit };
        const page = pageOf(
          await inProjectTransaction(ctx, scopeOf(request), (tx) =>
            listSources(tx.db, scopeOf(request), filter),
          ),
          limit,
        );
        return { ...page, data: page.data.map(presentSource) };
      },
    );

    server.get(
      '/v1/projects/:projectId/sources/:sourceId',
      {
        schema: { ...docs, summary: 'Read a source', params, response: { 200: sourceSchema, ...problems } },
        onRequest: mayRead,
      },
      async (request) =>
        presentSource(
          await inProjectTransaction(ctx, scopeOf(request), (tx) =>
            findSource(tx.db, scopeOf(request), request.params.sourceId),
          ),
        ),
    );

    server.patch(
      '/v1/projects/:projectId/sources/:sourceId',
      {
        schema: {
          ...docs,
          summary: 'Change the name, metadata, interval or questions of a source',
          params,
          body: updateSourceBody,
          response: { 200: sourceSchema, ...problems },
        },
        onRequest: mayWrite,
      },
      async (request) => {
        const { sourceId } = request.params;
        return presentSource(await updateSource(ctx, scopeOf(request), sourceId, request.body));
      },
    );

    server.delete(
      '/v1/projects/:projectId/sources/:sourceId',
      {
        schema: {
          ...docs,
          summary: 'Delete a source and all that was indexed from it',
          params,
          response: { 204: z.null(), ...problems },
        },
        onRequest: mayWrite,
      },
      async (request, reply) => {
        await deleteSource(ctx, scopeOf(request), request.params.sourceId);
        return reply.status(204).send(null);
      },
    );

    server.post(
      '/v1/projects/:projectId/sources/:sourceId/sync',
      {
        schema: {
          ...docs,
          summary: 'Read a source again',
          params,
          response: { 202: sourceSchema, ...problems },
        },
        onRequest: mayWrite,
      },
      async (request, reply) => {
        const source = await syncSource(ctx, scopeOf(request), request.params.sourceId);
        return reply.status(202).send(presentSource(source));
      },
    );

    server.get(
      '/v1/projects/:projectId/sources/:sourceId/events',
      {
        schema: {
          ...docs,
          summary: 'Follow the indexing of a source over server-sent events',
          description:
            'Events `source`, each the source as it is now, until its indexing has ended; `error`, a problem, for a reader who may see it no longer.',
          params,
        },
        onRequest: mayRead,
      },
      async (request, reply) => {
        const scope = scopeOf(request);
        const { id } = await readInProject(ctx, scope, (tx) =>
          findSource(tx.db, scope, request.params.sourceId),
        );
        const reader = allowedReader(request, reply, mayRead);
        await sendEventStream(reply, reader.read(watcher.watch(scope, id, reader.signal), 0));
      },
    );
  };

async function uploadFile(ctx: Context, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  const scope = scopeOf(request);
  const { upload, name, metadata } = await readUpload(ctx, scope, request);
  const requestHash = sha256Hex(JSON.stringify([upload.sha256, upload.fileName, name, metadata]));
  try {
    const state = await beginIdempotent(ctx, request, requestHash);
    if (state.type === 'replay') {
      await discardUpload(ctx, scope, upload);
      return replay(reply, state);
    }
    if (state.type === 'first') keepClaim(request, state.claim);
  } catch (error) {
    await discardUpload(ctx, scope, upload);
    throw error;
  }
  const source = await createFileSource(ctx, scope, { upload, name, metadata });
  return reply.status(202).send(presentSource(source));
}
