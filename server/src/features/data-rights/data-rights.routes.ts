import { Readable } from 'node:stream';
import type { FastifyReply } from 'fastify';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { Context } from '#platform/context.js';
import { scopeOf, userOf } from '#platform/http/caller.js';
import { pathId, problems } from '#platform/http/schemas.js';
import { requireSession, requireUser } from '#features/auth/auth.hooks.js';
import { requireProject } from '#features/projects/projects.hooks.js';
import { eraseVisitorBody, erasureSchema } from './data-rights.schemas.js';
import { eraseVisitor } from './erase-visitor.js';
import { exportAccount } from './export-account.js';
import { exportProject } from './export-project.js';

const docs = { tags: ['Data rights'], security: [{ bearer: [] }] };
const params = z.object({ projectId: pathId });
const MEDIA_TYPE = 'application/x-ndjson';
/** The body is a stream, which no schema reads. */
const linesSchema = z.unknown().meta({ type: 'string' });
const exported = {
  200: { description: 'Lines of JSON', content: { [MEDIA_TYPE]: { schema: linesSchema } } },
  ...problems,
};

export const dataRightsRoutes =
  (ctx: Context): FastifyPluginAsyncZod =>
  async (server) => {
    server.get(
      '/v1/projects/:projectId/export',
      {
        schema: {
          ...docs,
          summary: 'All data of a project',
          description:
            'An object a line, each with its `type`; the last one is `{ "type": "end", "counts": … }`, and an export without it is not whole. Owners only. The bytes of uploaded files are not in it, their names and texts are; neither is what is computed from the texts, nor any secret.',
          params,
          response: exported,
        },
        onRequest: [requireUser(ctx), requireProject(ctx, 'project:export')],
      },
      (request, reply) => sendLines(reply, exportProject(ctx, scopeOf(request)), 'project'),
    );

    server.get(
      '/v1/auth/me/export',
      {
        schema: {
          ...docs,
          security: [{ session: [] }],
          summary: 'All data of your account',
          description:
            'As the export of a project: the account, its sessions, its memberships, what it did (`act`), its subscription, periods, credits, lines of the ledger and invoices, and all data of the projects that it owns.',
          response: exported,
        },
        onRequest: requireSession(ctx),
      },
      (request, reply) => sendLines(reply, exportAccount(ctx, userOf(request)), 'account'),
    );

    server.post(
      '/v1/projects/:projectId/erasures',
      {
        schema: {
          ...docs,
          summary: 'Erase all data of a visitor',
          description:
            'Conversations and leads that have the e-mail address, the phone or the id, with messages, ratings, traces, test cases made from them and kept answers. The receipt says how much there was; nothing of it can be brought back. Owners only.',
          params,
          body: eraseVisitorBody,
          response: { 200: erasureSchema, ...problems },
        },
        onRequest: [requireUser(ctx), requireProject(ctx, 'visitors:erase')],
      },
      (request) => eraseVisitor(ctx, scopeOf(request), request.body),
    );
  };

/** The first line is read before the head goes out: what fails until then is still a problem. */
async function sendLines(
  reply: FastifyReply,
  lines: AsyncGenerator<string>,
  name: string,
): Promise<FastifyReply> {
  const first = await lines.next();
  return reply
    .type(`${MEDIA_TYPE}; charset=utf-8`)
    .header('content-disposition', `attachment; filename="${name}.ndjson"`)
    .send(Readable.from(withFirst(first, lines)));
}

async function* withFirst(
  first: IteratorResult<string>,
  rest: AsyncGenerator<string>,
): AsyncGenerator<string> {
  if (first.done !== true) yield first.value;
  yield* rest;
}
