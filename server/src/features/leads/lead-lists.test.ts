import { sql } from 'drizzle-orm';
import { parse } from 'csv-parse/sync';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type TestApp, createTestApp } from '#test/create-test-app.js';

let app: TestApp;
let token: string;
let projectId: string;
let base: string;

beforeAll(async () => {
  app = await createTestApp();
  ({ token } = await app.register('Ada', 'pro'));
});
afterAll(() => app.close());
beforeEach(async () => {
  projectId = await app.createProject(token, { isPublic: true });
  base = `/v1/projects/${projectId}`;
});

const leave = (body: unknown) => app.request('POST', `${base}/leads`, { body });
const read = (path: string) => app.request('GET', `${base}/leads${path}`, { token });

describe('leads', () => {
  it('are searched by a part of address, name or phone, and come in pages', async () => {
    await leave({ email: 'ada@example.com', name: 'Ada Lovelace', phone: '+49 30 123456' });
    await leave({ email: 'grace_hopper@example.com', name: 'Grace 100%' });
    const names = async (q: string) =>
      (await read(`?q=${encodeURIComponent(q)}`)).body.data.map(({ name }: { name: string }) => name);
    expect(await names('LOVE')).toEqual(['Ada Lovelace']);
    expect(await names('ADA@')).toEqual(['Ada Lovelace']);
    expect(await names('030 / 12-34')).toEqual([]);
    expect(await names('30 / 12-34')).toEqual(['Ada Lovelace']);
    expect(await names('%')).toEqual(['Grace 100%']);
    expect(await names('_')).toEqual(['Grace 100%']);
    expect(await names('\\')).toEqual([]);
    const first = (await read('?limit=1')).body;
    expect(first.data).toHaveLength(1);
    const second = (await read(`?limit=1&cursor=${first.nextCursor}`)).body;
    expect(second.data[0].name).toBe('Ada Lovelace');
    expect(second.nextCursor).toBeNull();
  });

  it('are taken away as CSV, page by page, without formulas', async () => {
    const consent = { text: 'I agree,\nreally: "yes".' };
    await leave({ email: 'ada@example.com', name: '=1+1', metadata: { a: '"x"' }, consent });
    await app.ctx.db.execute(sql`
      insert into leads (id, project_id, phone) select gen_random_uuid(), ${projectId}, '12345' || n
      from generate_series(1, 1100) n`);
    const reply = await read('.csv');
    expect(reply.status).toBe(200);
    expect(reply.headers['content-type']).toBe('text/csv; charset=utf-8; header=present');
    expect(reply.headers['content-disposition']).toBe('attachment; filename="leads.csv"');
    const rows: Record<string, string>[] = parse(reply.body, { columns: true });
    expect(rows).toHaveLength(1101);
    expect(new Set(rows.map(({ id }) => id)).size).toBe(1101);
    const ada = rows.find(({ email }) => email === 'ada@example.com');
    expect(ada).toMatchObject({
      name: "'=1+1",
      metadata: '{"a":"\\"x\\""}',
      consentText: consent.text,
      consentAt: app.ctx.clock.now().toISOString(),
      phone: '',
    });
    expect(reply.body.split('\r\n')[0]).toBe(
      'id,createdAt,updatedAt,name,email,phone,conversationId,visitorId,consentAt,consentText,metadata',
    );
  });

  it('are read by viewers, and written by editors', async () => {
    const left = await leave({ email: 'ada@example.com' });
    const viewer = await app.register();
    await app.ctx.db.execute(sql`
      insert into project_members (project_id, user_id, role)
      values (${projectId}, ${viewer.userId}, 'viewer')`);
    const as = (method: string, path: string, body?: unknown) =>
      app.request(method, `${base}/leads${path}`, { token: viewer.token, body });
    expect((await as('GET', '')).status).toBe(200);
    expect((await as('GET', '.csv')).status).toBe(200);
    expect((await as('POST', '', { phone: '+4930123456' })).status).toBe(403);
    expect((await as('DELETE', `/${left.body.id}`)).status).toBe(403);
    for (const path of ['', '.csv', `/${left.body.id}`]) {
      expect((await app.request('GET', `${base}/leads${path}`)).status).toBe(401);
    }
  });

  it('leave nothing in the log', async () => {
    await leave({ email: 'canary17@example.com', name: 'Canary Name', phone: '+4977777777' });
    await leave({ email: 'canary17@example.com', phone: 'canary-phone' });
    await read('?q=canary17');
    await app.runJobs();
    expect(app.logLines.join('\n')).not.toMatch(/canary17|Canary Name|77777777|canary-phone|ada@example/);
  });
});
