import helmet from '@fastify/helmet';
import multipart from '@fastify/multipart';
import Fastify, { type FastifyInstance, type FastifyReply } from 'fastify';
import { serializerCompiler, validatorCompiler } from 'fastify-type-provider-zod';
import { newId } from '#kernel/ids.js';
import type { Context } from '#platform/context.js';
import { refuseAmbiguousHeaders } from '#platform/http/ambiguous-headers.js';
import { type DrainState, refuseWhileDraining } from '#platform/http/draining.js';
import { rememberRoutes, setErrorHandlers } from '#platform/http/error-handler.js';
import { readJsonBodies } from '#platform/http/json-body.js';
import { PROBLEM_MEDIA_TYPE, problemOf } from '#platform/http/problem.js';
import { createRateLimits, limitRequests } from '#platform/http/rate-limit.js';
import { logRequests } from '#platform/http/request-log.js';
import { traceRequests } from '#platform/http/request-trace.js';
import { refuseUnaskedBodies } from '#platform/http/unasked-bodies.js';
import { AppError } from '#kernel/app-error.js';
import { adminJobRoutes } from '#features/admin/jobs.routes.js';
import { adminStatsRoutes } from '#features/admin/stats.routes.js';
import { adminUserRoutes } from '#features/admin/users.routes.js';
import { noteRefusals } from '#features/audit/audit.hooks.js';
import { auditRoutes } from '#features/audit/audit.routes.js';
import { identifyUser } from '#features/auth/auth.hooks.js';
import { apiKeyRoutes } from '#features/api-keys/api-keys.routes.js';
import { accountPageRoutes } from '#features/auth/account-pages.routes.js';
import { accountRoutes } from '#features/auth/account.routes.js';
import { authRoutes } from '#features/auth/auth.routes.js';
import { billingAccountRoutes } from '#features/billing/account.routes.js';
import { billingEventRoutes } from '#features/billing/events.routes.js';
import { planRoutes } from '#features/billing/plans.routes.js';
import { statementRoutes } from '#features/billing/statements.routes.js';
import { checkoutRoutes } from '#features/billing/checkout.routes.js';
import { stripeWebhookRoutes } from '#features/billing/webhook.routes.js';
import { chatRoutes } from '#features/chat/chat.routes.js';
import { conversationRoutes } from '#features/chat/conversations.routes.js';
import { feedbackRoutes } from '#features/chat/feedback.routes.js';
import { traceRoutes } from '#features/chat/traces.routes.js';
import { dataRightsRoutes } from '#features/data-rights/data-rights.routes.js';
import { documentRoutes } from '#features/documents/documents.routes.js';
import { evaluationRunRoutes } from '#features/evaluation/runs.routes.js';
import { testCaseRoutes } from '#features/evaluation/test-cases.routes.js';
import { testSetRoutes } from '#features/evaluation/test-sets.routes.js';
import { invitationRoutes } from '#features/members/invitations.routes.js';
import { memberRoutes } from '#features/members/members.routes.js';
import { leadRoutes } from '#features/leads/leads.routes.js';
import { projectRoutes } from '#features/projects/projects.routes.js';
import { retrievalRoutes } from '#features/retrieval/retrieval.routes.js';
import { sourcePageRoutes } from '#features/sources/source-pages.routes.js';
import { sourcePreviewRoutes } from '#features/sources/source-preview.routes.js';
import { sourceRoutes } from '#features/sources/sources.routes.js';
import { usageRoutes } from '#features/usage/usage.routes.js';
import { describeApi } from './api-reference.js';
import { allowOrigins } from './cors.js';
import { healthRoutes } from './health.routes.js';
import { jobRegistry } from './job-handlers.js';

const BODY_LIMIT_BYTES = 1024 * 1024;
const MAX_FIELD_BYTES = 64 * 1024;
const MAX_FIELDS = 10;
/** Longer than any id, so that a wrong one is `not_found` whatever its length. */
const MAX_PARAM_LENGTH = 2_000;
/** For the head of a request, and for all of it: 50 MiB at 4 Mbit/s. */
const HEADERS_TIMEOUT_MS = 15_000;
const REQUEST_TIMEOUT_MS = 120_000;
const TIMEOUT_CHECK_MS = 5_000;
/** Where an address cannot be read, no hook runs that would set the others. */
const BARE_HEADERS = {
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none';frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
};
const NEVER: DrainState = { isDraining: false };

/** The HTTP server with every route; it listens when it is told to. */
export async function createServer(ctx: Context, drain: DrainState = NEVER): Promise<FastifyInstance> {
  const server = newServer(ctx, drain);
  await server.register(helmet, {
    contentSecurityPolicy: {
      useDefaults: false,
      directives: { defaultSrc: ["'none'"], frameAncestors: ["'none'"] },
    },
    referrerPolicy: { policy: 'no-referrer' },
  });
  // Before CORS, which asks the database about the origins of visitors.
  const limits = createRateLimits(ctx, identifyUser(ctx));
  limitRequests(server, limits);
  noteRefusals(server, ctx, limits);
  await allowOrigins(server, ctx);
  server.addHook('onRequest', async (request, reply) => {
    if (request.routeOptions.url?.startsWith('/v1') ?? true) reply.header('cache-control', 'no-store');
  });
  await server.register(multipart, {
    limits: {
      files: 1,
      fields: MAX_FIELDS,
      parts: MAX_FIELDS + 1,
      fieldSize: MAX_FIELD_BYTES,
      fileSize: ctx.config.maxUploadBytes,
    },
    throwFileSizeLimit: false,
  });
  await describeApi(server);
  await server.register(healthRoutes(ctx));
  await server.register(authRoutes(ctx, limits));
  await server.register(accountRoutes(ctx, limits));
  await server.register(accountPageRoutes);
  await server.register(apiKeyRoutes(ctx));
  await server.register(projectRoutes(ctx));
  await server.register(memberRoutes(ctx));
  await server.register(invitationRoutes(ctx, limits));
  await server.register(auditRoutes(ctx));
  await server.register(sourceRoutes(ctx));
  await server.register(sourcePageRoutes(ctx));
  await server.register(sourcePreviewRoutes(ctx));
  await server.register(documentRoutes(ctx));
  await server.register(retrievalRoutes(ctx));
  await server.register(chatRoutes(ctx));
  await server.register(conversationRoutes(ctx));
  await server.register(feedbackRoutes(ctx));
  await server.register(leadRoutes(ctx));
  await server.register(testSetRoutes(ctx));
  await server.register(testCaseRoutes(ctx));
  await server.register(evaluationRunRoutes(ctx));
  await server.register(traceRoutes(ctx));
  await server.register(dataRightsRoutes(ctx));
  await server.register(usageRoutes(ctx));
  await server.register(planRoutes(ctx));
  await server.register(billingAccountRoutes(ctx));
  await server.register(billingEventRoutes(ctx));
  await server.register(statementRoutes(ctx));
  await server.register(checkoutRoutes(ctx));
  await server.register(stripeWebhookRoutes(ctx));
  await server.register(adminUserRoutes(ctx));
  await server.register(adminJobRoutes(ctx, jobRegistry));
  await server.register(adminStatsRoutes(ctx));
  return server;
}

/** A worker shows how it is, and nothing else. */
export async function createWorkerServer(ctx: Context, drain: DrainState): Promise<FastifyInstance> {
  const server = newServer(ctx, drain);
  await server.register(healthRoutes(ctx));
  return server;
}

function newServer(ctx: Context, drain: DrainState): FastifyInstance {
  const server = Fastify({
    bodyLimit: BODY_LIMIT_BYTES,
    genReqId: newId,
    trustProxy: trustedProxies(ctx.config.http.trustProxy),
    forceCloseConnections: 'idle',
    requestTimeout: REQUEST_TIMEOUT_MS,
    http: {
      headersTimeout: HEADERS_TIMEOUT_MS,
      connectionsCheckingInterval: TIMEOUT_CHECK_MS,
      // refuseAmbiguousHeaders does that, with a problem that says why.
      requireHostHeader: false,
    },
    routerOptions: { maxParamLength: MAX_PARAM_LENGTH },
    frameworkErrors: (_error, request, reply) => {
      const problem = problemOf(
        new AppError('malformed', 'The address of the request is malformed.'),
        request.id,
      );
      void (reply as FastifyReply)
        .status(400)
        .headers({ ...BARE_HEADERS, 'x-request-id': request.id })
        .type(PROBLEM_MEDIA_TYPE)
        .send(JSON.stringify(problem));
    },
    clientErrorHandler: refuseRawRequest,
  });
  server.setValidatorCompiler(validatorCompiler);
  server.setSerializerCompiler(serializerCompiler);
  server.removeContentTypeParser('text/plain');
  readJsonBodies(server);
  refuseAmbiguousHeaders(server);
  refuseUnaskedBodies(server);
  rememberRoutes(server);
  setErrorHandlers(server, ctx);
  traceRequests(server);
  logRequests(server, ctx);
  refuseWhileDraining(server, drain);
  return server;
}

/** A number of hops counts from the server outwards. */
function trustedProxies(
  setting: number | string[] | false,
): false | string[] | ((address: string, hop: number) => boolean) {
  return typeof setting === 'number' ? (_address, hop) => hop < setting : setting;
}

/** Bytes that are not HTTP, or that come too slowly, get a problem too, and the connection ends. */
function refuseRawRequest(
  cause: Error & { code?: string },
  socket: { writable: boolean; end: (data: string) => void; destroy: () => void },
): void {
  if (!socket.writable) {
    socket.destroy();
    return;
  }
  const error =
    cause.code === 'ERR_HTTP_REQUEST_TIMEOUT'
      ? new AppError('request_timeout', 'The request took too long to arrive.')
      : new AppError('malformed', 'This is not a valid HTTP request.');
  const requestId = newId();
  const problem = problemOf(error, requestId);
  const body = JSON.stringify(problem);
  const head = [
    `HTTP/1.1 ${problem.status} ${problem.title}`,
    `X-Request-Id: ${requestId}`,
    `Content-Type: ${PROBLEM_MEDIA_TYPE}`,
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Connection: close',
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
}
