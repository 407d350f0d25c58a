import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type TestApp, createTestApp } from '#test/create-test-app.js';

let app: TestApp;
let token: string;
let ownerEmail: string;
let base: string;

beforeAll(async () => {
  app = await createTestApp();
  ({ token, email: ownerEmail } = await app.register('Ada', 'pro'));
});
afterAll(() => app.close());
beforeEach(async () => {
  base = `/v1/projects/${await app.createProject(token, { name: 'Shop', isPublic: true })}`;
  await app.runJobs();
  app.mails.length = 0;
});

const leave = (body: unknown, headers: Record<string, string> = {}) =>
  app.request('POST', `${base}/leads`, { body, headers });
const leaveAsMember = (body: unknown) => app.request('POST', `${base}/leads`, { token, body });
const read = (path: string) => app.request('GET', `${base}/leads${path}`, { token });
const ask = async (visitor?: object) =>
  (await app.request('POST', `${base}/chat`, { body: { message: 'Hello?', visitor } })).body;
const actionsOf = async (leadId: string) => {
  const { rows } = await app.ctx.db.execute(
    sql`select action, actor_type, changes from audit_logs where resource_id = ${leadId} order by id`,
  );
  return rows;
};

describe('a lead', () => {
  it('is left by a visitor of a public project, in its normal form, and told to the owner', async () => {
    const at = app.ctx.clock.now().toISOString();
    const left = await leave({
      email: ' Ada.Lovelace@Example.COM ',
      phone: '+49 (0)30 / 123-456',
      name: '  Ada https://evil.example/x  ',
      metadata: { page: '/prices' },
      consent: { text: 'I agree to be called.' },
    });
    expect(left.status).toBe(201);
    expect(left.body).toEqual({
      id: left.body.id,
      projectId: base.slice('/v1/projects/'.length),
      conversationId: null,
      visitorId: null,
      email: 'ada.lovelace@example.com',
      phone: '+4930123456',
      name: 'Ada https://evil.example/x',
      metadata: { page: '/prices' },
      consentAt: at,
      consentText: 'I agree to be called.',
      createdAt: at,
      updatedAt: at,
    });
    expect((await read(`/${left.body.id}`)).body).toEqual(left.body);
    expect((await read('')).body).toEqual({ data: [left.body], nextCursor: null });
    await app.runJobs();
    expect(app.mails).toHaveLength(1);
    expect(app.mails[0]).toMatchObject({ to: ownerEmail, subject: 'New lead in Shop' });
    expect(app.mails[0]?.text).toContain('ada.lovelace@example.com');
    expect(app.mails[0]?.text).toContain('+4930123456');
    expect(app.mails[0]?.text).toContain('Name: Ada https evil example x');
    expect(app.mails[0]?.html).not.toMatch(/href|evil\.example/);
    expect(await actionsOf(left.body.id)).toEqual([
      { action: 'lead.create', actor_type: 'visitor', changes: {} },
    ]);
  });

  it.each([
    ['0049 30 123456', '+4930123456'],
    ['+1 (212) 555-0100', '+12125550100'],
    ['030.123.456', '030123456'],
    ['＋４９ ３０ １２３４', '+49301234'],
  ])('has the phone %j as %s', async (phone, stored) => {
    const { status, body } = await leave({ phone });
    expect(status).toBe(201);
    expect(body.phone).toBe(stored);
  });

  it.each([
    [{}, 'email'],
    [{ name: 'Ada' }, 'email'],
    [{ email: 'ada' }, 'email'],
    [{ email: null }, 'email'],
    [{ phone: '1234' }, 'phone'],
    [{ phone: '1'.repeat(21) }, 'phone'],
    [{ phone: 'call me 123456' }, 'phone'],
    [{ phone: '++123456' }, 'phone'],
    [{ phone: '123456', name: '  ' }, 'name'],
    [{ phone: '123456', consent: {} }, 'consent.text'],
    [{ phone: '123456', consent: { text: 'Yes', at: '2020-01-01' } }, 'consent'],
    [{ phone: '123456', id: '01900000-0000-7000-8000-000000000000' }, ''],
  ])('is not %j', async (body, path) => {
    const reply = await leave(body);
    expect(reply.status).toBe(400);
    expect(reply.body).toMatchObject({ code: 'validation_failed', errors: [{ path }] });
    expect((await read('')).body.data).toEqual([]);
  });

  it('without an address is one for each request; the same Idempotency-Key is the same request', async () => {
    const headers = { 'idempotency-key': `key-${base}` };
    const first = await leave({ phone: '+4930123456' }, headers);
    const again = await leave({ phone: '+4930123456' }, headers);
    expect(again.body).toEqual(first.body);
    expect(again.headers['idempotency-replayed']).toBe('true');
    const other = await leave({ phone: '+4930123456' });
    expect(other.body.id).not.toBe(first.body.id);
    const { data } = (await read('')).body;
    expect(data.map(({ id }: { id: string }) => id)).toEqual([other.body.id, first.body.id]);
  });

  it('is deleted once and for all', async () => {
    const { body } = await leave({ phone: '+4930123456' });
    const path = `${base}/leads/${body.id}`;
    expect((await app.request('DELETE', path, { token })).status).toBe(204);
    expect((await app.request('DELETE', path, { token })).body.code).toBe('not_found');
    expect((await read(`/${body.id}`)).body.code).toBe('not_found');
    expect((await read('')).body.data).toEqual([]);
    expect(await actionsOf(body.id)).toEqual([
      { action: 'lead.create', actor_type: 'visitor', changes: {} },
      { action: 'lead.delete', actor_type: 'user', changes: {} },
    ]);
  });

  it('of a private project is not found, and of another origin forbidden', async () => {
    await app.request('PATCH', base, { token, body: { allowedOrigins: ['https://shop.example'] } });
    const from = (origin: string) => leave({ phone: '+4930123456' }, { origin });
    expect((await from('https://evil.example')).status).toBe(403);
    const allowed = await from('https://shop.example');
    expect(allowed.status).toBe(201);
    expect(allowed.headers['access-control-allow-origin']).toBe('https://shop.example');
    await app.request('PATCH', base, { token, body: { isPublic: false } });
    expect((await leave({ phone: '+4930123456' })).body.code).toBe('not_found');
    expect((await leaveAsMember({ phone: '+4930123456' })).status).toBe(201);
  });
});

describe('of one address', () => {
  it('are mailed sixty an hour at most', async () => {
    const floodedId = await app.createProject(token, { name: 'Flooded', isPublic: true });
    const leaveThere = (phone: string) =>
      app.request('POST', `/v1/projects/${floodedId}/leads`, { body: { phone } });
    const replies = [];
    for (let count = 0; count < 63; count += 1) replies.push(await leaveThere(`+4930${10_000 + count}`));
    expect(new Set(replies.map(({ status }) => status))).toEqual(new Set([201]));
    await app.runJobs();
    expect(app.mails).toHaveLength(60);
    app.clock.advance(3_600_001);
    await leaveThere('+493099999');
    await app.runJobs();
    expect(app.mails).toHaveLength(61);
    app.clock.advance(-3_600_001);
  });

  it('fifty at once are one lead, and one mail', async () => {
    const replies = await Promise.all(
      Array.from({ length: 50 }, (_, index) =>
        leave({ email: index % 2 === 0 ? 'ada@example.com' : 'ADA@example.com' }),
      ),
    );
    expect(replies.map(({ status }) => status)).toEqual(replies.map(() => 201));
    const { data } = (await read('')).body;
    expect(data).toHaveLength(1);
    expect(new Set(replies.map(({ body }) => body.id))).toEqual(new Set([data[0].id]));
    await app.runJobs();
    expect(app.mails).toHaveLength(1);
    const actions = (await actionsOf(data[0].id)).map(({ action }) => action);
    expect(actions.filter((action) => action === 'lead.create')).toHaveLength(1);
    expect(actions.filter((action) => action === 'lead.merge')).toHaveLength(49);
  });

  it('what is new wins, what is not said stays, and consent is the last that was given', async () => {
    const email = 'ada@example.com';
    await leave({ email, name: 'Ada', metadata: { page: '/a', plan: 'pro' }, consent: { text: 'One' } });
    app.clock.advance(60_000);
    await leave({ email, phone: '+4930123456', consent: { text: 'Two' } });
    const consentAt = app.ctx.clock.now().toISOString();
    app.clock.advance(60_000);
    const merged = await leaveAsMember({ email, name: 'Ada L.', metadata: { page: '/b' } });
    expect(merged.body).toMatchObject({
      name: 'Ada L.',
      phone: '+4930123456',
      metadata: { page: '/b', plan: 'pro' },
      consentText: 'Two',
      consentAt,
      updatedAt: app.ctx.clock.now().toISOString(),
    });
    expect((await read(`/${merged.body.id}`)).body).toEqual(merged.body);
  });

  it('a visitor is told nothing that another one left', async () => {
    const email = 'ada@example.com';
    const { conversationId, conversationToken } = await ask({ id: 'v-1' });
    const stored = await leave({
      email,
      phone: '+4930123456',
      name: 'Ada',
      metadata: { secret: 'S3' },
      consent: { text: 'I agree.' },
      conversationId,
      conversationToken,
    });
    app.clock.advance(3_600_000);
    const { body } = await leave({ email });
    const now = app.ctx.clock.now().toISOString();
    expect(body).toEqual({
      id: stored.body.id,
      projectId: stored.body.projectId,
      conversationId: null,
      visitorId: null,
      email,
      phone: null,
      name: null,
      metadata: {},
      consentAt: null,
      consentText: null,
      createdAt: now,
      updatedAt: now,
    });
    expect((await read(`/${body.id}`)).body).toMatchObject({
      name: 'Ada',
      visitorId: 'v-1',
      createdAt: stored.body.createdAt,
    });
  });

  it('metadata does not grow without end', async () => {
    const email = 'ada@example.com';
    for (let index = 0; index < 4; index += 1) {
      await leave({ email, metadata: { [`key${index}`]: 'x'.repeat(15_000) } });
    }
    const { metadata } = (await read('')).body.data[0];
    expect(Object.keys(metadata)).toEqual(['key2', 'key3']);
  });

  it('two projects have a lead each', async () => {
    const first = await leave({ email: 'ada@example.com' });
    base = `/v1/projects/${await app.createProject(token, { isPublic: true })}`;
    expect((await leave({ email: 'ada@example.com' })).body.id).not.toBe(first.body.id);
  });
});

describe('in a conversation', () => {
  it('a lead needs the token of it, and fills in what the conversation does not know', async () => {
    const { conversationId, conversationToken } = await ask({ id: 'v-7', phone: '+4911111' });
    const contact = { email: 'ada@example.com', phone: '+4930123456' };
    const other = await ask();
    for (const body of [
      { conversationId },
      { conversationId, conversationToken: other.conversationToken },
      { conversationId: 'x', conversationToken },
    ]) {
      expect((await leave({ ...contact, ...body })).body.code).toBe('not_found');
    }
    expect((await read('')).body.data).toEqual([]);
    const left = await leave({ ...contact, conversationId, conversationToken });
    expect(left.body).toMatchObject({ conversationId, visitorId: null });
    expect((await read(`/${left.body.id}`)).body).toMatchObject({ conversationId, visitorId: 'v-7' });
    const conversation = await app.request('GET', `${base}/conversations/${conversationId}`, { token });
    expect(conversation.body).toMatchObject({ visitorEmail: 'ada@example.com', visitorPhone: '+4911111' });
  });
});

describe('the form', () => {
  const leadForm = {
    fields: [
      { name: 'email', isRequired: true },
      { name: 'name', isRequired: true },
      { name: 'phone', isRequired: false },
    ],
    consentText: 'I agree.',
  };

  it('is a setting of the project', async () => {
    const patch = (body: unknown) => app.request('PATCH', base, { token, body });
    expect((await app.request('GET', base, { token })).body.leadForm).toBeNull();
    expect((await patch({ leadForm })).body.leadForm).toEqual(leadForm);
    expect((await app.request('GET', base, { token })).body.leadForm).toEqual(leadForm);
    for (const bad of [
      { fields: [], consentText: null },
      { fields: [leadForm.fields[0], leadForm.fields[0]], consentText: null },
      { fields: [{ name: 'address', isRequired: true }], consentText: null },
      { fields: leadForm.fields },
    ]) {
      expect((await patch({ leadForm: bad })).body.code).toBe('validation_failed');
    }
    expect((await patch({ leadForm: null })).body.leadForm).toBeNull();
  });

  it('binds visitors, and not members', async () => {
    await app.request('PATCH', base, { token, body: { leadForm } });
    const refused = await leave({ phone: '+4930123456' });
    expect(refused.status).toBe(400);
    expect(refused.body.code).toBe('validation_failed');
    expect(refused.body.errors).toEqual([
      { path: 'email', message: 'is required' },
      { path: 'name', message: 'is required' },
    ]);
    expect((await leave({ email: 'ada@example.com', name: 'Ada' })).status).toBe(201);
    expect((await leaveAsMember({ phone: '+4930123456' })).status).toBe(201);
  });
});
