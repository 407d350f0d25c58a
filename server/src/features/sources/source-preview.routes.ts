import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { AppError } from '#kernel/app-error.js';
import type { Context } from '#platform/context.js';
import { scopeOf } from '#platform/http/caller.js';
import { clientGone } from '#platform/http/event-stream.js';
import { pathId, problems } from '#platform/http/schemas.js';
import { requireUser } from '#features/auth/auth.hooks.js';
import { requireProject } from '#features/projects/projects.hooks.js';
import { previewSource } from './preview-source.js';
import { BODY_LIMIT_BYTES, createSourceBody, sourcePreviewSchema } from './sources.schemas.js';
import { readUpload } from './upload.routes.js';
import { discardUpload } from './upload-source.js';

export const sourcePreviewRoutes =
  (ctx: Context): FastifyPluginAsyncZod =>
  async (server) => {
    server.post(
      '/v1/projects/:projectId/sources/preview',
      {
        schema: {
          tags: ['Sources'],
          security: [{ bearer: [] }],
          summary: 'See what a source would bring, before anything is stored or spent',
          description:
            'The same body as for adding the source. At most 50 pages or 30 seconds of a website: then `truncated` is true.',
          params: z.object({ projectId: pathId }),
          consumes: ['application/json', 'multipart/form-data'],
          body: createSourceBody.nullish(),
          response: { 200: sourcePreviewSchema, ...problems },
        },
        bodyLimit: BODY_LIMIT_BYTES,
        onRequest: [requireUser(ctx), requireProject(ctx, 'sources:write')],
      },
      async (request, reply) => {
        const scope = scopeOf(request);
        const gone = clientGone(reply);
        if (request.isMultipart()) {
          const { upload } = await readUpload(ctx, scope, request);
          try {
            return await previewSource(ctx, scope, { type: 'file', upload }, gone);
          } finally {
            await discardUpload(ctx, scope, upload);
          }
        }
        const { body } = request;
        if (body == null) {
          throw new AppError(
            'validation_failed',
            'The body is missing: send a source as JSON, or a file as a form.',
          );
        }
        return previewSource(ctx, scope, body, gone);
      },
    );

    // Else `preview` would be taken for the id of a source.
    server.route({
      method: ['GET', 'PATCH', 'DELETE'],
      url: '/v1/projects/:projectId/sources/preview',
      schema: { hide: true },
      handler: (_request, reply) => reply.callNotFound(),
    });
  };
