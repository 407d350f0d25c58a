import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type TestApp, createTestApp } from '#test/create-test-app.js';
import { tokenOf } from '#test/mail-tokens.js';

const PASSWORD = 'correct horse battery';
const HOUR_MS = 3_600_000;

let app: TestApp;
beforeAll(async () => {
  app = await createTestApp();
});
afterAll(() => app.close());

const post = (path: string, body: unknown, token?: string) =>
  app.request('POST', `/v1/auth/${path}`, { body, token });
const me = (token: string) => app.request('GET', '/v1/auth/me', { token });
const login = (email: string, password: string) => post('login', { email, password });

/** What was mailed to an address since the last look. */
async function mailsTo(email: string) {
  await app.runJobs();
  const own = app.mails.filter(({ to }) => to === email);
  app.mails.splice(0);
  return own;
}

async function mailedToken(email: string): Promise<string> {
  return tokenOf((await mailsTo(email)).at(-1));
}

/** Every token that is none: not one may do anything. */
const BAD_TOKENS = [null, '', 0, false, [], {}, 'null', 'undefined', undefined, 'x', '*', '%'];

describe('the address of an account', () => {
  it('is confirmed by the link that is mailed at registration, once', async () => {
    const { token, email } = await app.register('Grace <b>Hopper</b>');
    const [mail] = await mailsTo(email);
    expect(mail?.subject).toBe('Confirm your e-mail address');
    expect(mail?.text).toContain('Hello Grace <b>Hopper</b>,');
    expect(mail?.html).not.toContain('<b>Hopper</b>');
    const secret = tokenOf(mail);
    expect(mail?.text).toContain(`/account/verify-email#token=${secret}`);
    expect((await me(token)).body.emailVerifiedAt).toBeNull();
    const tries = await Promise.all(
      Array.from({ length: 20 }, () => post('verify-email', { token: secret })),
    );
    expect(tries.filter(({ status }) => status === 204)).toHaveLength(1);
    expect(tries.filter(({ body }) => body?.code === 'not_found')).toHaveLength(19);
    expect((await me(token)).body.emailVerifiedAt).toBe(app.clock.now().toISOString());
    expect((await post('verify-email/resend', undefined, token)).body.code).toBe('conflict');
  });

  it('is not confirmed by a token that is old or made for something else', async () => {
    const { token, email } = await app.register();
    const old = await mailedToken(email);
    app.clock.advance(24 * HOUR_MS);
    expect((await post('verify-email', { token: old })).status).toBe(404);
    app.clock.advance(-24 * HOUR_MS);
    await post('password-reset', { email });
    expect((await post('verify-email', { token: await mailedToken(email) })).status).toBe(404);
    const replies = await Promise.all(BAD_TOKENS.map((bad) => post('verify-email', { token: bad })));
    expect(replies.map(({ status }) => status < 500 && status >= 400)).toEqual(BAD_TOKENS.map(() => true));
    expect((await me(token)).body.emailVerifiedAt).toBeNull();
  });

  it('gets the mail again, five times an hour', async () => {
    const { token } = await app.register();
    const statuses = [];
    for (let tries = 0; tries < 6; tries += 1)
      statuses.push((await post('verify-email/resend', undefined, token)).status);
    expect(statuses).toEqual([202, 202, 202, 202, 429, 429]);
  });

  it('changes with the password alone; the old one is told, its links and other sessions are dead', async () => {
    const { token, refreshToken, email } = await app.register();
    const oldLink = await mailedToken(email);
    const other = await login(email, PASSWORD);
    const change = (body: object) => app.request('PATCH', '/v1/auth/me', { token, body });
    expect((await change({ email: 'new@example.com' })).body.code).toBe('invalid_credentials');
    expect((await change({ email: 'new@example.com', currentPassword: 'wrong' })).status).toBe(401);
    const changed = await change({ email: ' New@Example.com', name: 'New', currentPassword: PASSWORD });
    expect(changed.body).toMatchObject({ email: 'new@example.com', name: 'New', emailVerifiedAt: null });
    await app.runJobs();
    expect(app.mails.map(({ to, subject }) => [to, subject])).toEqual([
      ['new@example.com', 'Confirm your e-mail address'],
      [email, 'Your account has another e-mail address now'],
    ]);
    expect((await post('verify-email', { token: oldLink })).status).toBe(404);
    expect((await me(other.body.accessToken)).status).toBe(401);
    expect((await post('refresh', { refreshToken })).status).toBe(200);
    expect((await post('verify-email', { token: await mailedToken('new@example.com') })).status).toBe(204);
    const taken = await app.register();
    const clash = await app.request('PATCH', '/v1/auth/me', {
      token: taken.token,
      body: { email: 'new@example.com', currentPassword: PASSWORD },
    });
    expect(clash.body.code).toBe('conflict');
  });
});

describe('a profile', () => {
  it('takes no change of nothing, and no field that is not its owner’s to set', async () => {
    const { token } = await app.register('Ada');
    const change = (body: unknown) => app.request('PATCH', '/v1/auth/me', { token, body });
    expect((await change({})).status).toBe(400);
    for (const field of ['role', 'plan', 'emailVerifiedAt', 'passwordHash', 'id', 'suspendedAt'])
      expect((await change({ [field]: 'admin' })).status).toBe(400);
  });
});

describe('a forgotten password', () => {
  it('is answered alike for every address, and mails only a known one', async () => {
    const { email } = await app.register();
    await mailsTo(email);
    const known = await post('password-reset', { email: ` ${email.toUpperCase()} ` });
    const unknown = await post('password-reset', { email: 'nobody@example.com' });
    expect([known.status, known.body]).toEqual([202, unknown.body]);
    expect(unknown.status).toBe(202);
    expect(Object.keys(known.headers)).toEqual(Object.keys(unknown.headers));
    await app.runJobs();
    expect(app.mails.map(({ to }) => to)).toEqual([email]);
  });

  it('is replaced once under fifty tries; every session ends and the address counts as confirmed', async () => {
    const { token, refreshToken, email } = await app.register();
    await post('password-reset', { email });
    const secret = await mailedToken(email);
    const replies = await Promise.all(
      Array.from({ length: 50 }, (_, index) =>
        post('password-reset/confirm', { token: secret, password: `new password ${index}` }),
      ),
    );
    const winners = replies.flatMap(({ status }, index) => (status === 204 ? [index] : []));
    expect(winners).toHaveLength(1);
    expect(new Set(replies.map(({ status }) => status))).toEqual(new Set([204, 404]));
    expect((await me(token)).status).toBe(401);
    expect((await post('refresh', { refreshToken })).status).toBe(401);
    expect((await login(email, PASSWORD)).status).toBe(401);
    const again = await login(email, `new password ${winners[0]}`);
    expect(again.body.user.emailVerifiedAt).not.toBeNull();
    expect((await mailsTo(email)).map(({ subject }) => subject)).toEqual(['Your password was changed']);
  });

  it('is not replaced by a token that is none, old, or that of a mail before', async () => {
    const { email } = await app.register();
    await mailsTo(email);
    await post('password-reset', { email });
    const first = await mailedToken(email);
    app.clock.advance(HOUR_MS);
    expect((await post('password-reset/confirm', { token: first, password: 'another one 1' })).status).toBe(
      404,
    );
    const bodies = BAD_TOKENS.map((token) => ({ token, password: 'another one 1' }));
    const replies = await Promise.all(bodies.map((body) => post('password-reset/confirm', body)));
    expect(replies.filter(({ status }) => status < 400 || status >= 500)).toEqual([]);
    expect((await login(email, PASSWORD)).status).toBe(200);
    app.clock.advance(-HOUR_MS);
  });

  it('sends three mails in a quarter of an hour at most', async () => {
    const { email } = await app.register();
    await mailsTo(email);
    for (let tries = 0; tries < 5; tries += 1) await post('password-reset', { email });
    expect(await mailsTo(email)).toHaveLength(3);
    app.clock.advance(HOUR_MS / 4);
    await post('password-reset', { email });
    expect(await mailsTo(email)).toHaveLength(1);
  });
});

describe('a password', () => {
  it('is changed by who knows it; other sessions end, this one goes on', async () => {
    const { token, email } = await app.register();
    const other = await login(email, PASSWORD);
    await post('password-reset', { email });
    const link = await mailedToken(email);
    const wrong = await post('password', { currentPassword: 'wrong', newPassword: 'fresh one 1' }, token);
    expect(wrong.body.code).toBe('invalid_credentials');
    expect(
      (await post('password', { currentPassword: PASSWORD, newPassword: 'fresh one 1' }, token)).status,
    ).toBe(204);
    expect((await me(token)).status).toBe(200);
    expect((await me(other.body.accessToken)).status).toBe(401);
    expect((await post('refresh', { refreshToken: other.body.refreshToken })).status).toBe(401);
    expect((await login(email, PASSWORD)).status).toBe(401);
    expect((await login(email, 'fresh one 1')).status).toBe(200);
    expect((await post('password-reset/confirm', { token: link, password: 'thief 12345' })).status).toBe(404);
  });

  it('is none of the last five, and the sixth may come again', async () => {
    const { token, email } = await app.register();
    const change = (currentPassword: string, newPassword: string) =>
      post('password', { currentPassword, newPassword }, token);
    const all = [PASSWORD, 'number two', 'number three', 'number four', 'number five'];
    for (const [index, next] of all.slice(1).entries())
      expect((await change(all[index] ?? '', next)).status).toBe(204);
    for (const used of all) {
      const reply = await change('number five', used);
      expect(reply.body.errors).toEqual([
        { path: 'newPassword', message: 'must not be one of your last five passwords' },
      ]);
    }
    expect((await change('number five', 'number six')).status).toBe(204);
    await post('password-reset', { email });
    const secret = await mailedToken(email);
    const repeated = await post('password-reset/confirm', { token: secret, password: 'number three' });
    expect(repeated.body.code).toBe('validation_failed');
    expect((await post('password-reset/confirm', { token: secret, password: PASSWORD })).status).toBe(204);
  });

  it.each(['password', 'Password', 'BASEBALL', '12345678', 'marishka'])(
    'is not one that everybody tries: %s',
    async (password) => {
      const reply = await post('register', { email: 'common@example.com', password, name: 'C' });
      expect([reply.status, reply.body.errors?.[0]?.path ?? 'password']).toEqual([400, 'password']);
    },
  );
});

describe('sign-ins to one account', () => {
  it('are counted from all addresses together; its owner still gets in from where it was before', async () => {
    const small = await createTestApp({ environment: { RATE_LIMIT_MAX_REQUESTS: '20' } });
    const from = (address: string, email: string, password: string) =>
      small.server.inject({
        method: 'POST',
        url: '/v1/auth/login',
        remoteAddress: address,
        payload: { email, password },
      });
    const { email } = await small.register();
    const statusesOf = async (account: string) => {
      const replies = [];
      for (let tries = 0; tries < 22; tries += 1)
        replies.push(await from(`10.1.${tries}.1`, account, 'guess number 1'));
      return replies.map(({ statusCode, headers }) => [statusCode, headers['retry-after'] !== undefined]);
    };
    const guesses = Array.from({ length: 20 }, () => [401, false]);
    const expected = [...guesses, [429, true], [429, true]];
    expect(await statusesOf(email)).toEqual(expected);
    expect(await statusesOf('nobody@example.com')).toEqual(expected);
    expect((await from('10.9.9.9', email, PASSWORD)).statusCode).toBe(429);
    expect((await from('127.0.0.1', email, PASSWORD)).statusCode).toBe(200);
    await small.close();
  });
});

describe('sessions', () => {
  it('are listed with where they are, and end when they are told to', async () => {
    const { token, email } = await app.register();
    const other = await app.request('POST', '/v1/auth/login', {
      body: { email, password: PASSWORD },
      headers: { 'user-agent': 'Phone' },
    });
    const list = await app.request('GET', '/v1/auth/sessions', { token });
    expect(list.body.data).toMatchObject([
      { userAgent: 'Phone', ip: '127.0.0.1', isCurrent: false },
      { isCurrent: true },
    ]);
    const [phone, own] = list.body.data;
    const end = (id: string, by: string) => app.request('DELETE', `/v1/auth/sessions/${id}`, { token: by });
    const stranger = await app.register();
    expect((await end(phone.id, stranger.token)).status).toBe(404);
    expect((await end('nonsense', token)).status).toBe(404);
    expect((await end(phone.id, token)).status).toBe(204);
    expect((await end(phone.id, token)).status).toBe(404);
    expect((await me(other.body.accessToken)).status).toBe(401);
    expect((await post('refresh', { refreshToken: other.body.refreshToken })).status).toBe(401);
    expect((await app.request('GET', '/v1/auth/sessions', { token })).body.data).toHaveLength(1);
    expect((await end(own.id, token)).status).toBe(204);
    expect((await me(token)).status).toBe(401);
  });
});

describe('deleting an account', () => {
  it('erases all that it owns, leaves what is others’, and a receipt with counts', async () => {
    const { token, refreshToken, userId, email } = await app.register('Mortal Canary77');
    const other = await app.register();
    const projectId = await app.createProject(token, { name: 'Canary77' });
    const kept = await app.createProject(other.token, { name: 'Kept' });
    const text = 'The vault of Canary77 is in Zanzibar, and its code is Canary77.';
    await app.addSource(token, projectId, { type: 'text', name: 'Canary77', text });
    await app.upload(token, projectId, { name: 'canary77.txt', content: 'Canary77 in a file.' });
    await app.request('POST', `/v1/projects/${projectId}/chat`, {
      token,
      headers: { 'idempotency-key': 'canary77-key' },
      body: { message: 'Where is the vault of Canary77?' },
    });
    await app.runJobs();
    expect(await filesOf(projectId)).not.toEqual([]);
    app.mails.splice(0);
    expect((await app.request('DELETE', '/v1/auth/me', { token })).status).toBe(204);

    expect((await me(token)).status).toBe(401);
    expect((await post('refresh', { refreshToken })).status).toBe(401);
    expect((await login(email, PASSWORD)).status).toBe(401);
    await app.runJobs();
    const [mail] = app.mails;
    expect(mail).toMatchObject({ to: email, subject: 'Your account was deleted' });
    expect(mail?.text).toContain('projects: 1, sources: 2, documents: 2, conversations: 1, messages: 2');
    expect(await filesOf(projectId)).toEqual([]);
    const { rows } = await app.ctx.db.execute(
      `select changes from audit_logs where action = 'user.delete' and resource_id = '${userId}'`,
    );
    expect(rows).toEqual([
      {
        changes: {
          erased: {
            projects: 1,
            sources: 2,
            documents: 2,
            conversations: 1,
            messages: 2,
            leads: 0,
            memberships: 1,
            sessions: 1,
            apiKeys: 0,
          },
        },
      },
    ]);
    // The audit log and the ledger outlive an account, under an id that leads nowhere.
    expect(await tablesWith(['Canary77', email, userId])).toEqual(['audit_logs', 'billing_events']);
    expect(await tablesWith(['Canary77', email])).toEqual(['audit_logs']);
    expect((await app.request('GET', `/v1/projects/${kept}`, { token: other.token })).status).toBe(200);
    const again = await post('register', { email, password: PASSWORD, name: 'Again' });
    expect(again.status).toBe(201);
  });

  it('happens once under parallel wishes', async () => {
    const { token } = await app.register();
    const replies = await Promise.all(
      Array.from({ length: 10 }, () => app.request('DELETE', '/v1/auth/me', { token })),
    );
    expect(replies.filter(({ status }) => status === 204)).toHaveLength(1);
    expect(new Set(replies.map(({ status }) => status))).toEqual(new Set([204, 401]));
  });
});

describe('tokens of mails', () => {
  it('stand nowhere in the database or the log, and nor do addresses in jobs', async () => {
    const { email } = await app.register();
    await post('password-reset', { email });
    const { rows } = await app.ctx.db.execute('select payload::text as payload from jobs');
    expect(JSON.stringify(rows)).not.toContain(email);
    const secret = await mailedToken(email);
    expect(await tablesWith([secret])).toEqual([]);
    expect(app.logLines.join('')).not.toContain(secret);
    expect(app.logLines.join('')).not.toContain(email);
  });
});

/** The tables that hold one of these texts in any row. */
async function tablesWith(texts: string[]): Promise<string[]> {
  const { rows } = await app.ctx.db.execute(
    "select table_name as name from information_schema.tables where table_schema = 'public' order by 1",
  );
  const found: string[] = [];
  for (const { name } of rows as { name: string }[]) {
    const dump = await app.ctx.db.execute(`select to_jsonb(t)::text as row from "${name}" t`);
    if (texts.some((part) => JSON.stringify(dump.rows).includes(part))) found.push(name);
  }
  return found;
}

async function filesOf(projectId: string): Promise<string[]> {
  const keys: string[] = [];
  for await (const file of app.ctx.storage.list(`projects/${projectId}/`)) keys.push(file.key);
  return keys;
}
