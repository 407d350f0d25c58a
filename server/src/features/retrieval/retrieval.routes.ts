import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { Context } from '#platform/context.js';
import { scopeOf } from '#platform/http/caller.js';
import { clientGone } from '#platform/http/event-stream.js';
import { idSchema, metadataSchema, pathId, problems, text } from '#platform/http/schemas.js';
import { requireUser } from '#features/auth/auth.hooks.js';
import { requireProject } from '#features/projects/projects.hooks.js';
import { type Passage, retrievePassages } from './retrieve-passages.js';

const MAX_QUERY_LENGTH = 2_000;
const MAX_TOP_K = 50;
const MAX_FILTER_SOURCES = 100;
const MAX_FILTER_LANGUAGES = 20;

const languageSchema = z.string().regex(/^[a-z]{2,3}$/, 'must be an ISO 639-1 code such as en, or und');

const searchBody = z
  .strictObject({
    query: text({ max: MAX_QUERY_LENGTH }).refine((value) => value.trim() !== '', 'must not be empty'),
    topK: z.int().min(1).max(MAX_TOP_K).optional(),
    mode: z.enum(['hybrid', 'semantic', 'keyword']).optional(),
    minScore: z.number().min(0).max(1).optional(),
    filter: z
      .strictObject({
        sourceIds: z.array(idSchema).min(1).max(MAX_FILTER_SOURCES).optional(),
        languages: z.array(languageSchema).min(1).max(MAX_FILTER_LANGUAGES).optional(),
        metadata: metadataSchema.optional(),
      })
      .optional()
      .meta({
        description:
          'What is found must be of one of these sources, in one of these languages, and of a source or document whose metadata contain these.',
      }),
  })
  .meta({ id: 'Search' });

const resultSchema = z
  .object({
    chunkId: idSchema,
    documentId: idSchema,
    sourceId: idSchema,
    title: z.string(),
    url: z.string().nullable(),
    page: z.int().nullable(),
    heading: z.string().nullable(),
    text: z.string(),
    score: z.number(),
    instructionScore: z.number().nullable().meta({
      description:
        'How much the text reads like orders to a model, 0 to 1; from 0.5 on it is taken for such.',
    }),
    scores: z.object({ semantic: z.number().nullable(), keyword: z.number().nullable() }),
  })
  .meta({ id: 'SearchResult' });

export const retrievalRoutes =
  (ctx: Context): FastifyPluginAsyncZod =>
  async (server) => {
    server.post(
      '/v1/projects/:projectId/search',
      {
        schema: {
          tags: ['Search'],
          security: [{ bearer: [] }],
          summary: 'Find passages',
          params: z.object({ projectId: pathId }),
          body: searchBody,
          response: { 200: z.object({ results: z.array(resultSchema) }), ...problems },
        },
        onRequest: [requireUser(ctx), requireProject(ctx, 'sources:read')],
      },
      async (request, reply) => {
        const { passages } = await retrievePassages(ctx, scopeOf(request), request.body, clientGone(reply));
        return { results: passages.map(presentPassage) };
      },
    );
  };

function presentPassage(passage: Passage): z.infer<typeof resultSchema> {
  const { semantic, keyword } = passage;
  return { ...passage, scores: { semantic, keyword } };
}
