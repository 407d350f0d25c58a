import { afterAll, beforeAll, expect, it } from 'vitest';
import { type TestApp, createTestApp } from '#test/create-test-app.js';
import { joinProject } from '#test/join-project.js';
import { bearer } from '#test/tenants.js';
import { eventsOf, nextOf } from '#test/two-servers.js';

let app: TestApp;
let token: string;
let projectId: string;
let address: string;

beforeAll(async () => {
  app = await createTestApp();
  ({ token } = await app.register());
  projectId = await app.createProject(token);
  address = await app.server.listen({ port: 0, host: '127.0.0.1' });
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
  const path = `/v1/projects/${projectId}/sources/${sourceId}`;
  const response = await fetch(`${address}${path}/events`, { headers: { authorization: `Bearer ${token}` } });
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  expect((await reader?.read())?.value).toContain('"status":"queued"');
  expect((await app.request('DELETE', path, { token })).status).toBe(204);
  expect(await reader?.read()).toEqual({ done: true, value: undefined });
});

it('tells a reader that was removed from the project, and shows it nothing more', async () => {
  const reader = await joinProject(app, { token, projectId, role: 'viewer' });
  const sourceId = await addQueued();
  const path = `/v1/projects/${projectId}/sources/${sourceId}/events`;
  const events = eventsOf(await fetch(address + path, { headers: bearer(reader.token) }));
  expect(await nextOf(events)).toMatchObject({ name: 'source', data: { status: 'queued' } });
  const member = `/v1/projects/${projectId}/members/${reader.userId}`;
  expect((await app.request('DELETE', member, { token })).status).toBe(204);
  expect(await nextOf(events)).toMatchObject({ name: 'error', data: { status: 404, code: 'not_found' } });
  expect(await events.next()).toEqual({ done: true, value: undefined });
});
