import { afterAll, beforeAll, expect, it } from 'vitest';
import { type TestApp, createTestApp } from '#test/create-test-app.js';

let app: TestApp;
let token: string;
let projectId: string;

beforeAll(async () => {
  app = await createTestApp();
  ({ token } = await app.register());
  projectId = await app.createProject(token);
});

afterAll(() => app.close());

async function addQueued(): Promise<string> {
  const body = { type: 'text', name: 'Tea', text: 'Green tea takes three minutes.' };
  return (await app.request('POST', `/v1/projects/${projectId}/sources`, { token, body })).body.id;
}

async function follow(sourceId: string): Promise<{ id: string; status: string }[]> {
  const path = `/v1/projects/${projectId}/sources/${sourceId}/events`;
  const { status, body } = await app.request('GET', path, { token });
  expect(status).toBe(200);
  return String(body)
    .split('\n')
    .flatMap((line) => (line.startsWith('data: ') ? [JSON.parse(line.slice(6))] : []));
}

it('shows every follower each source as it changes, to its end', async () => {
  const [first, second] = [await addQueued(), await addQueued()];
  const followed = Promise.all([follow(first), follow(first), follow(second)]);
  await app.runJobs();
  const [one, other, another] = await followed;
  expect(one.at(-1)).toMatchObject({ id: first, status: 'ready' });
  expect(other.at(-1)).toEqual(one.at(-1));
  expect(another.at(-1)).toMatchObject({ id: second, status: 'ready' });
});

it('shows a source that has ended once', async () => {
  const sourceId = await addQueued();
  await app.runJobs();
  expect((await follow(sourceId)).map(({ status }) => status)).toEqual(['ready']);
});

it('ends when the source is deleted', async () => {
  const sourceId = await addQueued();
  const address = await app.server.listen({ port: 0, host: '127.0.0.1' });
  const path = `/v1/projects/${projectId}/sources/${sourceId}`;
  const response = await fetch(`${address}${path}/events`, { headers: { authorization: `Bearer ${token}` } });
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  expect((await reader?.read())?.value).toContain('"status":"queued"');
  expect((await app.request('DELETE', path, { token })).status).toBe(204);
  expect(await reader?.read()).toEqual({ done: true, value: undefined });
});
