import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newId } from '#kernel/ids.js';
import { type TestApp, createTestApp } from '#test/create-test-app.js';
import { schedules } from './schedules.js';

const DAY_MS = 24 * 3_600_000;
const MINUTE_MS = 60_000;

let app: TestApp;
let token: string;
let projectId: string;

beforeAll(async () => {
  app = await createTestApp();
  ({ token } = await app.register());
  projectId = await app.createProject(token);
});

afterAll(() => app.close());

async function run(name: string): Promise<number> {
  const task = schedules.find((candidate) => candidate.name === name);
  if (task === undefined) throw new Error(`no task ${name}`);
  return task.run(app.ctx, new AbortController().signal);
}

async function count(statement: ReturnType<typeof sql>): Promise<number> {
  const { rows } = await app.ctx.db.execute<{ count: number }>(
    sql`select count(*)::int as count ${statement}`,
  );
  return rows[0]?.count ?? -1;
}

describe('scheduled tasks', () => {
  it('have names of their own', () => {
    const names = schedules.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
  });

  it('queue the indexing of a source whose job is gone', async () => {
    const { body } = await app.request('POST', `/v1/projects/${projectId}/sources`, {
      token,
      body: { type: 'text', name: 'Tea', text: 'Green tea takes three minutes.' },
    });
    expect(await run('requeue-stuck-sources')).toBe(0);
    await app.ctx.db.execute(sql`delete from jobs`);
    app.clock.advance(3 * MINUTE_MS);
    expect(await run('requeue-stuck-sources')).toBe(1);
    expect(await run('requeue-stuck-sources')).toBe(0);
    await app.runJobs();
    const source = await app.request('GET', `/v1/projects/${projectId}/sources/${body.id}`, { token });
    expect(source.body.status).toBe('ready');
  });

  it('end answers whose process died, and nobody else’s', async () => {
    const conversationId = newId();
    const [dead, alive, unknown] = [newId(), newId(), newId()];
    await app.ctx.db.execute(
      sql`insert into conversations (id, project_id) values (${conversationId}, ${projectId})`,
    );
    for (const [id, processId] of [
      [dead, newId()],
      [alive, app.ctx.processId],
      [unknown, null],
    ]) {
      await app.ctx.db.execute(sql`
        insert into messages (id, project_id, conversation_id, role, content, status, process_id)
        values (${id}, ${projectId}, ${conversationId}, 'assistant', '', 'streaming', ${processId})`);
    }
    // A process that has just come back does not know yet who is dead.
    await app.ctx.db.execute(sql`update processes set steady_since = now()`);
    expect(await run('close-abandoned-answers')).toBe(0);
    await app.ctx.db.execute(sql`update processes set steady_since = now() - interval '1 minute'`);
    expect(await run('close-abandoned-answers')).toBe(1);
    expect(await count(sql`from messages where id = ${dead} and status = 'failed'`)).toBe(1);
    expect(await count(sql`from messages where status = 'streaming'`)).toBe(2);
    app.clock.advance(6 * MINUTE_MS);
    expect(await run('close-abandoned-answers')).toBe(2);
  });

  it('delete what has expired, and leave what has not', async () => {
    await app.request('POST', '/v1/projects', {
      token,
      body: { name: 'Once' },
      headers: { 'idempotency-key': 'once' },
    });
    expect(await run('delete-expired-idempotency-keys')).toBe(0);
    expect(await run('delete-expired-tokens')).toBe(0);
    expect(await run('delete-old-jobs')).toBe(0);
    app.clock.advance(DAY_MS + 1);
    expect(await run('delete-expired-idempotency-keys')).toBe(1);
    app.clock.advance(14 * DAY_MS);
    const ended = await count(sql`from jobs where finished_at is not null`);
    expect(ended).toBeGreaterThan(0);
    expect(await run('delete-old-jobs')).toBe(ended);
    app.clock.advance(30 * DAY_MS);
    // The session, and the token that was mailed at registration.
    expect(await run('delete-expired-tokens')).toBe(2);
    expect(await count(sql`from refresh_tokens`)).toBe(0);
    expect(await count(sql`from account_tokens`)).toBe(0);
    expect(await count(sql`from projects where name = 'Once'`)).toBe(1);
  });

  it('forget processes that fell silent an hour ago', async () => {
    await app.ctx.db.execute(sql`
      insert into processes (id, role, host, version, alive_until)
      values (${newId()}, 'api', 'gone', '0', now() - interval '2 hours')`);
    expect(await run('forget-silent-processes')).toBe(1);
    expect(await count(sql`from processes where id = ${app.ctx.processId}`)).toBe(1);
  });
});
