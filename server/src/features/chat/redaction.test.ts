import { afterAll, beforeAll, expect, it } from 'vitest';
import { type TestApp, createTestApp } from '#test/create-test-app.js';
import { type FakeOpenAI, startFakeOpenAI } from '#test/fakes/fake-openai.js';

let fake: FakeOpenAI;
let app: TestApp;
beforeAll(async () => {
  fake = await startFakeOpenAI({ dimensions: 64 });
  app = await createTestApp({
    environment: {
      OPENAI_BASE_URL: fake.baseUrl,
      OPENAI_API_KEY: 'sk-test',
      OPENAI_EMBEDDING_DIMENSIONS: '64',
    },
  });
});
afterAll(async () => {
  await app.close();
  await fake.close();
});

const QUESTION =
  'When does the office open? Mail canary@example.com or call +49 30 5557777, I pay with 4111 1111 1111 1111.';

async function askIn(redactPersonalData: boolean): Promise<{ stored: string; asked: string }> {
  const { token } = await app.register();
  const projectId = await app.createProject(token, { isPublic: true, redactPersonalData });
  const text = 'The office opens at nine in the morning.';
  await app.addSource(token, projectId, { type: 'text', name: 'Hours', text });
  const before = fake.requests.length;
  const base = `/v1/projects/${projectId}`;
  const { body } = await app.request('POST', `${base}/chat`, { body: { message: QUESTION } });
  const path = `${base}/conversations/${body.conversationId}/messages`;
  const [question] = (await app.request('GET', path, { token })).body.data;
  const trace = await app.request('GET', `${base}/messages/${body.message.id}/trace`, { token });
  expect(trace.status).toBe(200);
  return {
    stored: question.content,
    asked: JSON.stringify([fake.requests.slice(before).map(({ body: sent }) => sent), trace.body]),
  };
}

it('takes personal data out of a question before it is stored, searched for or shown to a model', async () => {
  const { stored, asked } = await askIn(true);
  expect(stored).toBe('When does the office open? Mail [email] or call [phone], I pay with [card].');
  expect(asked).toMatch(/mail \[email\] or call \[phone\]/i);
  expect(asked).not.toMatch(/canary@|5557777|4111/);
});

it('leaves questions as they are where a project does not want it', async () => {
  const { stored, asked } = await askIn(false);
  expect(stored).toBe(QUESTION);
  expect(asked).toContain('canary@example.com');
});
