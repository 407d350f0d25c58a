import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { calibrateChangedProjects } from '#features/retrieval/calibrate-threshold.js';
import { type Reply, type TestApp, createTestApp } from './create-test-app.js';
import { type FakeOpenAI, startFakeOpenAI } from './fakes/fake-openai.js';
import { type FakeReranker, startFakeReranker } from './fakes/fake-reranker.js';
import { joinProject } from './join-project.js';
import { type Tenant, createTenant } from './tenants.js';

/**
 * What models are told is where one tenant's words would reach another's visitors. Each tenant has the same story with
 * a word of its own in it, everybody asks everything, and no prompt may hold the words of two.
 */
const LEAST = { chat: 150, embeddings: 100, rerank: 20, ownWords: 250 };
const TIMEOUT_MS = 600_000;
const QUESTION = 'What is the secret code of the vault in Zanzibar?';
const PAIR = 'Who guards the vault?';
const HELP = [
  { expansion: 'multi_query', rerank: 'model', translate: 'auto' },
  { expansion: 'hyde', rerank: 'endpoint', translate: 'auto' },
];

interface Caller {
  /** Null: a visitor. */
  token: string | null;
  /** Runs test sets and asks questions once more. */
  mayEvaluate: boolean;
}

let fake: FakeOpenAI;
let reranker: FakeReranker;
let app: TestApp;
let tenants: Tenant[];
/** Every request to a model, as it was sent. */
let prompts: { kind: keyof Omit<typeof LEAST, 'ownWords'>; text: string }[];
const answers: { tenant: Tenant; text: string }[] = [];

beforeAll(async () => {
  fake = await startFakeOpenAI({ dimensions: 64 });
  reranker = await startFakeReranker();
  app = await createTestApp({
    environment: {
      OPENAI_BASE_URL: fake.baseUrl,
      OPENAI_API_KEY: 'test',
      OPENAI_EMBEDDING_DIMENSIONS: '64',
      RERANK_BASE_URL: reranker.baseUrl,
      RERANK_API_KEY: 'test',
      RERANK_MODEL: 'any-model',
    },
  });
  const first = await createTenant(app);
  // The second project of an account knows no more of the first than others do.
  tenants = [first, await createTenant(app), await createTenant(app, first)];
  for (const tenant of tenants) await addPair(tenant);
  for (const retrievalOptions of HELP) {
    for (const tenant of tenants) {
      const answerOptions = { threshold: 'calibrated' };
      await heard(tenant, 'PATCH', '', { body: { isPublic: true, retrievalOptions, answerOptions } });
    }
    // All at once: what a process remembers of one search must not serve another's.
    await Promise.all(tenants.map(askAsEverybody));
    await calibrateChangedProjects(app.ctx);
    await app.runJobs();
  }
  for (const tenant of tenants.slice(1)) await reachInto(tenant, first);
  prompts = [
    ...fake.requests.map(({ path, body }) => ({
      kind: path.endsWith('/embeddings') ? ('embeddings' as const) : ('chat' as const),
      text: JSON.stringify(body),
    })),
    ...reranker.requests.map((request) => ({ kind: 'rerank' as const, text: JSON.stringify(request) })),
  ];
}, TIMEOUT_MS);
afterAll(async () => {
  await app.close();
  await fake.close();
  await reranker.close();
});

function ofProject(
  { ids, token: own }: Tenant,
  method: string,
  path: string,
  {
    body,
    token = own,
    headers = {},
  }: { body?: object; token?: string | null; headers?: Record<string, string> } = {},
): Promise<Reply> {
  const options = { token: token ?? undefined, body, headers };
  return app.request(method, `/v1/projects/${ids['projectId'] ?? ''}${path}`, options);
}

async function addPair(tenant: Tenant): Promise<void> {
  const { projectId = '' } = tenant.ids;
  const pairs = [{ question: PAIR, answer: `The guard is ${tenant.canary}.` }];
  await app.addSource(tenant.token, projectId, { type: 'qa', name: `Pairs ${tenant.canary}`, pairs });
}

async function callersOf(tenant: Tenant): Promise<Caller[]> {
  const { projectId = '' } = tenant.ids;
  const member = async (role: string) =>
    (await joinProject(app, { token: tenant.token, projectId, role })).token;
  const key = async (body: object) =>
    (await app.request('POST', '/v1/api-keys', { token: tenant.token, body: { name: 'key', ...body } })).body
      .key as string;
  return [
    { token: tenant.token, mayEvaluate: true },
    { token: await key({ scopes: ['admin'] }), mayEvaluate: true },
    { token: await key({ scopes: ['admin'], projectId }), mayEvaluate: true },
    { token: await member('editor'), mayEvaluate: true },
    { token: await member('viewer'), mayEvaluate: false },
    { token: null, mayEvaluate: false },
  ];
}

/** Searches, questions with others behind them, and what is done with answers, by every kind of caller. */
async function askAsEverybody(tenant: Tenant): Promise<void> {
  for (const { token, mayEvaluate } of await callersOf(tenant)) {
    const { conversationId, conversationToken, messageId } = await ask(tenant, token, { message: QUESTION });
    const same = { conversationId, conversationToken };
    await ask(tenant, token, { message: 'And who may open it?', ...same });
    await ask(tenant, token, { message: `${PAIR} Tell me more about it.`, ...same });
    await ask(tenant, token, { message: 'Which llamas bathe in lakes?' });
    if (token !== null) await heard(tenant, 'POST', '/search', { token, body: { query: QUESTION } });
    if (!mayEvaluate) continue;
    await heard(tenant, 'POST', `/messages/${messageId}/replay`, { token });
    const { testSetId = '' } = tenant.ids;
    await heard(tenant, 'POST', `/test-sets/${testSetId}/runs`, { token });
  }
  await app.runJobs();
}

async function ask(
  tenant: Tenant,
  token: string | null,
  body: Record<string, unknown>,
): Promise<{ conversationId: string; conversationToken: string; messageId: string }> {
  const reply = await heard(tenant, 'POST', '/chat', { token, body });
  const { conversationId, conversationToken, message } = reply.body;
  return { conversationId, conversationToken, messageId: message.id };
}

/** Sends what must succeed, and keeps the answer. */
async function heard(...request: Parameters<typeof ofProject>): Promise<Reply> {
  const reply = await ofProject(...request);
  expect({ path: request[2], status: reply.status, isRight: reply.status < 300 }).toMatchObject({
    isRight: true,
  });
  answers.push({ tenant: request[0], text: JSON.stringify(reply.body) });
  return reply;
}

/** Names the things of another in the own project, and asks in that of the other. */
async function reachInto(own: Tenant, other: Tenant): Promise<void> {
  const { sourceId = '', documentId = '', conversationId = '', messageId = '', testSetId = '' } = other.ids;
  const filters = [
    { sourceIds: [sourceId] },
    { sourceIds: [documentId] },
    { metadata: { note: other.canary.slice(0, 6) } },
  ];
  for (const filter of filters) await heard(own, 'POST', '/search', { body: { query: QUESTION, filter } });
  const strange: [string, object][] = [
    ['/chat', { message: QUESTION, conversationId }],
    ['/chat', { message: QUESTION, conversationId, conversationToken: other.conversationToken }],
    [`/messages/${messageId}/replay`, {}],
    [`/test-sets/${testSetId}/runs`, {}],
  ];
  for (const [path, body] of strange) expect((await ofProject(own, 'POST', path, { body })).status).toBe(404);
}

const ownersOf = (text: string) => tenants.filter(({ canary }) => text.includes(canary));

describe('what models were told', () => {
  it('is of one tenant at most, in every prompt, text to embed and passage to order', () => {
    const mixed = prompts.filter(({ text }) => ownersOf(text).length > 1);
    expect({ mixed: mixed.slice(0, 3), of: prompts.length }).toEqual({ mixed: [], of: prompts.length });
  });

  it('was enough to mean something: each kind, and the words of each tenant', () => {
    for (const kind of ['chat', 'embeddings', 'rerank'] as const)
      expect(prompts.filter((prompt) => prompt.kind === kind).length).toBeGreaterThanOrEqual(LEAST[kind]);
    const own = prompts.filter(({ text }) => ownersOf(text).length === 1);
    expect(own.length).toBeGreaterThanOrEqual(LEAST.ownWords);
    for (const tenant of tenants) {
      const isIn = (pattern: RegExp) =>
        own.some(({ text }) => text.includes(tenant.canary) && pattern.test(text));
      const { canary } = tenant;
      for (const place of [
        `secret code of the vault in Zanzibar is ${canary}`,
        `The guard is ${canary}`,
        `"model":"${canary}"`,
      ])
        expect({ place, isTold: isIn(new RegExp(place)) }).toEqual({ place, isTold: true });
    }
  });
});

describe('what was answered', () => {
  it('has no word of another tenant in it', () => {
    const leaks = answers.filter(({ tenant, text }) => ownersOf(text).some((owner) => owner !== tenant));
    expect(leaks).toEqual([]);
    expect(answers.length).toBeGreaterThan(150);
    expect(answers.filter(({ tenant, text }) => text.includes(tenant.canary)).length).toBeGreaterThan(60);
  });
});
