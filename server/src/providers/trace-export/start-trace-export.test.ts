import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { type TestApp, createTestApp } from '#test/create-test-app.js';
import { type FakeOpenAI, startFakeOpenAI } from '#test/fakes/fake-openai.js';
import { type FakeTelemetryServer, startFakeTelemetryServer } from '#test/fakes/fake-telemetry-server.js';
import { type TraceExport, startTraceExport } from './start-trace-export.js';

const PROMPT_MS = 5_000;
const TRACE_ID = '4bf92f3577b34da6a3ce929d0e0e4736';
const PARENT_ID = '00f067aa0ba902b7';
const ABOUT = { processId: 'process', version: '1.2.3', role: 'api' };

const attributesSchema = z
  .array(z.object({ key: z.string(), value: z.record(z.string(), z.unknown()) }))
  .transform((all) => Object.fromEntries(all.map(({ key, value }) => [key, Object.values(value)[0]])));
const spanSchema = z.object({
  traceId: z.string(),
  spanId: z.string(),
  parentSpanId: z.string().optional(),
  name: z.string(),
  kind: z.number(),
  attributes: attributesSchema,
  status: z.object({ code: z.number().optional() }),
});
const exportSchema = z.object({
  resourceSpans: z.array(
    z.object({
      resource: z.object({ attributes: attributesSchema }),
      scopeSpans: z.array(z.object({ spans: z.array(spanSchema) })),
    }),
  ),
});

let app: TestApp;
let models: FakeOpenAI;
let collector: FakeTelemetryServer;
let traces: TraceExport;
let token: string;
let projectId: string;

beforeAll(async () => {
  models = await startFakeOpenAI();
  app = await createTestApp({
    environment: {
      OPENAI_BASE_URL: models.baseUrl,
      OPENAI_API_KEY: 'key',
      OPENAI_EMBEDDING_DIMENSIONS: '64',
    },
  });
  ({ token } = await app.register());
  projectId = await app.createProject(token);
  await app.addSource(token, projectId, { type: 'text', name: 'Notes', text: 'A canary sings at dawn.' });
});
afterAll(async () => {
  await app.close();
  await models.close();
});
beforeEach(async () => {
  collector = await startFakeTelemetryServer();
  traces = await startTraceExport({ endpoint: collector.origin, log: app.ctx.log, about: ABOUT });
});

/** Everything that was exported, once the export has stopped. */
async function exported() {
  await traces.stop(PROMPT_MS);
  await collector.close();
  expect(new Set(collector.posts.map(({ path }) => path))).toEqual(new Set(['/v1/traces']));
  const groups = collector.posts.flatMap(({ body }) => exportSchema.parse(JSON.parse(body)).resourceSpans);
  const spans = groups.flatMap(({ scopeSpans }) => scopeSpans.flatMap((scope) => scope.spans));
  return { resource: groups[0]?.resource.attributes, spans };
}

/** By name: they end, and are sent, in any order. */
const inOrder = <Named extends { name: string }>(all: Named[]): Named[] =>
  all.toSorted((one, other) => (one.name < other.name ? -1 : 1));

/** Each time another question: what was asked before is found in a cache. */
const ask = (flags: string, message = 'When does the canary sing?') =>
  app.request('POST', `/v1/projects/${projectId}/chat`, {
    token,
    body: { message },
    headers: { traceparent: `00-${TRACE_ID}-${PARENT_ID}-${flags}` },
  });

describe('an exported trace', () => {
  it('goes on from its traceparent through retrieval to the models, and holds nothing that was said', async () => {
    const before = models.requests.length;
    expect((await ask('01')).status).toBe(200);
    const { resource, spans } = await exported();
    expect(resource).toMatchObject({
      'service.name': 'botbase',
      'service.version': '1.2.3',
      'service.instance.id': 'process',
      'botbase.role': 'api',
    });
    const idOf = (name: string) => spans.find((span) => span.name === name)?.spanId;
    const request = 'POST /v1/projects/:projectId/chat';
    expect(inOrder(spans).map(({ name, parentSpanId }) => [name, parentSpanId])).toEqual([
      [request, PARENT_ID],
      ['chat gpt-5-mini', idOf(request)],
      ['embeddings text-embedding-3-small', idOf('retrieve passages')],
      ['retrieve passages', idOf(request)],
    ]);
    expect(new Set(spans.map(({ traceId }) => traceId))).toEqual(new Set([TRACE_ID]));
    const attributesOf = (name: string) => spans.find((span) => span.name === name)?.attributes;
    expect(attributesOf(request)).toEqual({
      'http.request.method': 'POST',
      'http.route': '/v1/projects/:projectId/chat',
      'http.response.status_code': 200,
    });
    expect(attributesOf('chat gpt-5-mini')).toEqual({
      'gen_ai.operation.name': 'chat',
      'gen_ai.request.model': 'gpt-5-mini',
      'gen_ai.usage.input_tokens': expect.any(Number),
      'gen_ai.usage.output_tokens': expect.any(Number),
    });
    // Each model was asked in the name of its own span.
    expect(models.requests.slice(before).map(({ headers }) => headers['traceparent'])).toEqual([
      `00-${TRACE_ID}-${idOf('embeddings text-embedding-3-small')}-01`,
      `00-${TRACE_ID}-${idOf('chat gpt-5-mini')}-01`,
    ]);
    const sent = collector.posts.map(({ body }) => body).join('');
    expect(sent).not.toContain('canary');
    expect(sent).not.toContain(projectId);
  });

  it('says what failed in a word', async () => {
    models.set({ mode: 'unauthorized' });
    await ask('01', 'Does the canary sing at dawn or at noon?');
    models.set({ mode: 'normal' });
    const { spans } = await exported();
    const failed = spans.filter(({ status }) => status.code === 2);
    expect(inOrder(failed).map(({ name, attributes }) => [name, attributes['error.type']])).toEqual([
      ['chat gpt-5-mini', 'rejected'],
      ['embeddings text-embedding-3-small', 'rejected'],
    ]);
  });

  it('is not kept where its caller does not sample it', async () => {
    await ask('00', 'What sings at dawn?');
    await traces.stop(PROMPT_MS);
    await collector.close();
    expect(collector.posts).toEqual([]);
  });

  it('does not hold up a stop when the collector hangs', async () => {
    collector.hang();
    await ask('01', 'Who sings?');
    await traces.stop(1);
    await collector.close();
  });
});
