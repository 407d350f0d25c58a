import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createMetrics } from '#platform/metrics.js';
import { type TestApp, createTestApp } from '#test/create-test-app.js';
import { type FakeOpenAI, startFakeOpenAI } from '#test/fakes/fake-openai.js';
import { type TokenGate, createTokenGate } from '#test/fakes/token-gate.js';

let app: TestApp;
let models: FakeOpenAI;
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
  await app.addSource(token, projectId, {
    type: 'text',
    name: 'Refunds',
    text: 'A refund takes five working days. It goes to the card that was used.',
  });
});
afterAll(async () => {
  await app.close();
  await models.close();
});
beforeEach(() => app.ctx.metrics.registry.resetMetrics());

/** The value of a series, such as `botbase_answers_total{outcome="complete"}`; null where there is none. */
async function valueOf(series: string): Promise<number | null> {
  const { body } = await app.request('GET', '/metrics');
  const line = String(body)
    .split('\n')
    .find((candidate) => candidate.startsWith(`${series} `));
  return line === undefined ? null : Number(line.slice(series.length + 1));
}

/** Each time another question: what was asked before is found in a cache. */
const ask = (body: object) => app.request('POST', `/v1/projects/${projectId}/chat`, { token, body });

describe('an answer of a model', () => {
  it('is counted by its calls, its time and its tokens, by tier and model', async () => {
    const { body } = await ask({ message: 'How long does a refund take?', model: 'premium' });
    const { inputTokens, outputTokens, cost } = body.message.usage;
    expect(inputTokens).toBeGreaterThan(0);
    expect(await valueOf('botbase_answers_total{outcome="complete"}')).toBe(1);
    expect(await valueOf('botbase_model_endpoint_calls_total{endpoint="chat",outcome="ok"}')).toBe(1);
    expect(await valueOf('botbase_model_endpoint_calls_total{endpoint="embeddings",outcome="ok"}')).toBe(1);
    const call = 'endpoint="chat",model="gpt-5",outcome="ok"';
    expect(await valueOf(`botbase_model_call_duration_seconds_count{${call}}`)).toBe(1);
    expect(await valueOf('botbase_model_first_token_seconds_count{model="gpt-5"}')).toBe(1);
    expect(await valueOf('botbase_embedding_tokens_total{model="text-embedding-3-small"}')).toBeGreaterThan(
      0,
    );
    const tokens = (direction: string) =>
      valueOf(`botbase_model_tokens_total{model="gpt-5",tier="premium",direction="${direction}"}`);
    expect([await tokens('input'), await tokens('output')]).toEqual([inputTokens, outputTokens]);
    expect(await valueOf('botbase_model_cost_usd_total{model="gpt-5"}')).toBe(Number(cost));
  });

  it('that has to be asked for again says so', async () => {
    models.set({ mode: ({ path }, _call) => (path === '/v1/chat/completions' ? 'server_error' : 'normal') });
    await ask({ message: 'How many working days does a refund need?' });
    models.set({ mode: 'normal' });
    const failed = 'endpoint="chat",outcome="unavailable"';
    const tries = (await valueOf(`botbase_model_endpoint_calls_total{${failed}}`)) ?? 0;
    expect(tries).toBeGreaterThan(1);
    const retries = 'botbase_model_endpoint_retries_total{endpoint="chat",reason="unavailable"}';
    expect(await valueOf(retries)).toBe(tries - 1);
    const call = 'endpoint="chat",model="gpt-5-mini",outcome="unavailable"';
    expect(await valueOf(`botbase_model_call_duration_seconds_count{${call}}`)).toBe(1);
  });

  it('is an open stream until its last word', async () => {
    const gate: TokenGate = createTokenGate();
    models.set({ tokenGate: gate });
    const asked = models.requests.length;
    const answered = ask({ message: 'Which card does a refund go to?', stream: true });
    await models.whenRequested(asked + 2);
    expect(await valueOf('botbase_streams_open')).toBe(1);
    models.set({ tokenGate: null });
    gate.open();
    await answered;
    expect(await valueOf('botbase_streams_open')).toBe(0);
  });
});

describe('the label of a model', () => {
  it('is its name for fifty models, and one for all others', () => {
    const { modelLabel } = createMetrics();
    expect(modelLabel('models/gemma-3:27b')).toBe('models/gemma-3:27b');
    expect(modelLabel('A sentence, of somebody')).toBe('other');
    expect(modelLabel('a'.repeat(81))).toBe('other');
    const labels = Array.from({ length: 60 }, (_none, index) => modelLabel(`model-${index}`));
    expect(new Set(labels).size).toBe(50);
    expect(labels.at(-1)).toBe('other');
    expect(modelLabel('models/gemma-3:27b')).toBe('models/gemma-3:27b');
  });
});
