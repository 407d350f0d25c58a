import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type TestApp, createTestApp } from '#test/create-test-app.js';
import { deleteOutdatedData } from './delete-outdated-data.js';

const DAY_MS = 24 * 3_600_000;
const never = new AbortController().signal;

let app: TestApp;
let token: string;
beforeAll(async () => {
  app = await createTestApp();
  ({ token } = await app.register('Ada', 'pro'));
});
afterAll(() => app.close());

async function newProject(settings: object): Promise<string> {
  const projectId = await app.createProject(token, { isPublic: true, ...settings });
  const base = `/v1/projects/${projectId}`;
  const answer = await app.request('POST', `${base}/chat`, { body: { message: 'Hello there?' } });
  expect(answer.status).toBe(200);
  const lead = await app.request('POST', `${base}/leads`, { body: { email: 'ada@example.com' } });
  expect(lead.status).toBe(201);
  return projectId;
}

async function rowsOf(projectId: string): Promise<unknown> {
  const { rows } = await app.ctx.db.execute(sql`
    select (select count(*)::int from conversations where project_id = ${projectId}) as conversations,
      (select count(*)::int from messages where project_id = ${projectId}) as messages,
      (select count(*)::int from message_traces where project_id = ${projectId}) as traces,
      (select count(*)::int from leads where project_id = ${projectId}) as leads`);
  return rows[0];
}

const ALL = { conversations: 1, messages: 2, traces: 1, leads: 1 };

it('is a setting for all, with another for each class, from 1 to 3650 days', async () => {
  const projectId = await app.createProject(token, { retention: { leads: 5 } });
  const path = `/v1/projects/${projectId}`;
  const patch = (body: unknown) => app.request('PATCH', path, { token, body });
  const none = { conversations: null, leads: null, traces: null };
  const read = await app.request('GET', path, { token });
  expect(read.body).toMatchObject({ retentionDays: null, retention: { ...none, leads: 5 } });
  const changed = await patch({ retentionDays: 30, retention: { traces: 7 } });
  expect(changed.body).toMatchObject({ retentionDays: 30, retention: { ...none, leads: 5, traces: 7 } });
  expect((await patch({ retention: { leads: null } })).body.retention).toEqual({ ...none, traces: 7 });
  for (const retentionDays of [0, 3651, 1.5, '30']) {
    expect((await patch({ retentionDays })).body.code).toBe('validation_failed');
  }
  expect((await patch({ retention: { traces: 0 } })).body.code).toBe('validation_failed');
  expect((await patch({ retention: { messages: 1 } })).body.code).toBe('validation_failed');
});

it('deletes what is older, of the classes and the projects that say so', async () => {
  const forever = await newProject({});
  const month = await newProject({ retentionDays: 30 });
  const traces = await newProject({ retentionDays: 30, retention: { traces: 7 } });
  const longer = await newProject({ retentionDays: 7, retention: { leads: 60, conversations: 40 } });
  const state = async () => [
    await rowsOf(forever),
    await rowsOf(month),
    await rowsOf(traces),
    await rowsOf(longer),
  ];
  app.clock.advance(6 * DAY_MS);
  expect(await deleteOutdatedData(app.ctx, never)).toBe(0);
  expect(await state()).toEqual([ALL, ALL, ALL, ALL]);
  app.clock.advance(2 * DAY_MS);
  expect(await deleteOutdatedData(app.ctx, never)).toBe(2);
  expect(await state()).toEqual([ALL, ALL, { ...ALL, traces: 0 }, { ...ALL, traces: 0 }]);
  app.clock.advance(23 * DAY_MS);
  expect(await deleteOutdatedData(app.ctx, never)).toBe(4);
  const gone = { conversations: 0, messages: 0, traces: 0, leads: 0 };
  expect(await state()).toEqual([ALL, gone, gone, { ...ALL, traces: 0 }]);
  app.clock.advance(10 * DAY_MS);
  expect(await deleteOutdatedData(app.ctx, never)).toBe(1);
  expect(await rowsOf(longer)).toEqual({ ...gone, leads: 1 });
  const { rows } = await app.ctx.db.execute(
    sql`select actor_type, changes from audit_logs where action = 'retention.delete' and project_id = ${month} order by id`,
  );
  expect(rows).toEqual([
    { actor_type: 'system', changes: { conversations: 1 } },
    { actor_type: 'system', changes: { leads: 1 } },
  ]);
});

it('takes many batches in one run, and stops when it is told to', async () => {
  app.clock.advance(-41 * DAY_MS);
  const projectId = await app.createProject(token, { retentionDays: 1 });
  await app.ctx.db.execute(sql`
    insert into leads (id, project_id, phone)
    select gen_random_uuid(), ${projectId}, '12345' || n from generate_series(1, 1200) n`);
  app.clock.advance(3 * DAY_MS);
  const stopped = AbortSignal.abort();
  expect(await deleteOutdatedData(app.ctx, stopped)).toBe(0);
  expect(await deleteOutdatedData(app.ctx, never)).toBe(1200);
});
