import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SignJWT } from 'jose';
import { type TestApp, createTestApp } from '#test/create-test-app.js';

let app: TestApp;
beforeAll(async () => {
  app = await createTestApp();
});
afterAll(() => app.close());

const PASSWORD = 'correct horse battery';

function refresh(refreshToken: string) {
  return app.request('POST', '/v1/auth/refresh', { body: { refreshToken } });
}

function me(token: string) {
  return app.request('GET', '/v1/auth/me', { token });
}

describe('register', () => {
  it('makes an account, signs it in and shows it without its password', async () => {
    const reply = await app.request('POST', '/v1/auth/register', {
      body: { email: '  Grace@Example.COM ', password: PASSWORD, name: ' Grace ' },
    });
    expect(reply.status).toBe(201);
    expect(reply.body).toMatchObject({
      user: { email: 'grace@example.com', name: 'Grace', role: 'user', emailVerifiedAt: null },
      expiresIn: 86_400,
    });
    expect(Object.keys(reply.body.user)).not.toContain('passwordHash');
    expect((await me(reply.body.accessToken)).body.email).toBe('grace@example.com');
  });

  it('lets one of many registrations with one address through', async () => {
    const body = { email: 'race@example.com', password: PASSWORD, name: 'Race' };
    const forms = ['race@example.com', 'RACE@example.com', ' race@example.com', 'ｒace@example.com'];
    const replies = await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        app.request('POST', '/v1/auth/register', { body: { ...body, email: forms[index % forms.length] } }),
      ),
    );
    expect(replies.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([
      201,
      ...Array<number>(19).fill(409),
    ]);
  });

  it.each([
    ['a short password', { password: 'short77' }, 'password'],
    ['a password of 257 characters', { password: 'x'.repeat(257) }, 'password'],
    ['no address', { email: 'nobody' }, 'email'],
    ['an empty name', { name: '  ' }, 'name'],
    ['a NUL', { name: 'a\u0000b' }, 'name'],
    ['a lone surrogate', { name: '\ud800' }, 'name'],
  ])('refuses %s and says which field', async (_what, change, path) => {
    const body = { email: 'x@example.com', password: PASSWORD, name: 'X', ...change };
    const reply = await app.request('POST', '/v1/auth/register', { body });
    expect(reply.status).toBe(400);
    expect(reply.body.code).toBe('validation_failed');
    expect(reply.body.errors[0].path).toBe(path);
  });

  it('refuses unknown fields, so that no role can be assigned', async () => {
    const body = { email: 'y@example.com', password: PASSWORD, name: 'Y', role: 'admin' };
    expect((await app.request('POST', '/v1/auth/register', { body })).status).toBe(400);
  });
});

describe('login', () => {
  it('gives one answer for an unknown address and a wrong password', async () => {
    const { email } = await app.register();
    const wrong = await app.request('POST', '/v1/auth/login', {
      body: { email, password: 'not the password' },
    });
    const unknown = await app.request('POST', '/v1/auth/login', {
      body: { email: 'nobody@example.com', password: 'not the password' },
    });
    expect(wrong.status).toBe(401);
    expect({ ...wrong.body, requestId: '' }).toEqual({ ...unknown.body, requestId: '' });
    expect(wrong.body.code).toBe('invalid_credentials');
  });

  it('tells passwords apart beyond 72 bytes', async () => {
    const long = 'p'.repeat(100);
    const body = { email: 'long@example.com', password: `${long}1`, name: 'Long' };
    await app.request('POST', '/v1/auth/register', { body });
    const login = (password: string) =>
      app.request('POST', '/v1/auth/login', { body: { email: body.email, password } });
    expect((await login(`${long}2`)).status).toBe(401);
    expect((await login(`${long}1`)).status).toBe(200);
  });
});

describe('access tokens', () => {
  it('die at logout, with their whole session', async () => {
    const { token, refreshToken } = await app.register();
    expect((await me(token)).status).toBe(200);
    expect((await app.request('POST', '/v1/auth/logout', { body: { refreshToken } })).status).toBe(204);
    expect((await me(token)).body.code).toBe('unauthenticated');
    expect((await refresh(refreshToken)).status).toBe(401);
  });

  it('expire', async () => {
    const { token } = await app.register();
    app.clock.advance(86_401_000);
    expect((await me(token)).body.code).toBe('token_expired');
    app.clock.advance(-86_401_000);
  });

  it.each([
    ['another algorithm', { alg: 'HS512' }, {}],
    ['another type', { typ: 'JWT' }, {}],
    ['another audience', {}, { aud: 'elsewhere' }],
    ['another issuer', {}, { iss: 'elsewhere' }],
    ['an unknown session', {}, { sid: '01900000-0000-7000-8000-000000000000' }],
    ['no token id', {}, { jti: undefined }],
  ])('are refused with %s, though well signed', async (_what, header, claims) => {
    const { userId, token } = await app.register();
    const session = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as {
      sid: string;
    };
    const now = Math.floor(app.clock.now().getTime() / 1000);
    const payload = {
      iss: 'botbase',
      aud: 'botbase-api',
      sub: userId,
      sid: session.sid,
      jti: '01900000-0000-7000-8000-000000000001',
      iat: now,
      exp: now + 60,
    };
    const key = new TextEncoder().encode(app.ctx.config.jwtSecret);
    const sign = (head: object, body: object) =>
      new SignJWT({ ...body }).setProtectedHeader({ alg: 'HS256', typ: 'at+jwt', ...head }).sign(key);
    expect((await me(await sign({}, payload))).status).toBe(200);
    expect((await me(await sign(header, { ...payload, ...claims }))).status).toBe(401);
  });

  it.each(['', 'x', 'a.b.c', 'eyJhbGciOiJub25lIn0.e30.'])('are refused when malformed: %j', async (token) => {
    const reply = await me(token);
    expect(reply.status).toBe(401);
    expect(reply.headers['www-authenticate']).toBe('Bearer');
  });
});

describe('refresh tokens', () => {
  it('work once, and give the same successor within ten seconds', async () => {
    const { refreshToken } = await app.register();
    const first = await refresh(refreshToken);
    expect(first.status).toBe(200);
    expect((await me(first.body.accessToken)).status).toBe(200);
    app.clock.advance(9_000);
    const again = await refresh(refreshToken);
    expect(again.body.refreshToken).toBe(first.body.refreshToken);
  });

  it('end the family when used again after the grace', async () => {
    const { refreshToken } = await app.register();
    const first = await refresh(refreshToken);
    app.clock.advance(10_001);
    expect((await refresh(refreshToken)).status).toBe(401);
    expect((await refresh(first.body.refreshToken)).status).toBe(401);
    expect((await me(first.body.accessToken)).status).toBe(401);
  });

  it('end the family when a grandparent is used, even within the grace', async () => {
    const { refreshToken } = await app.register();
    const first = await refresh(refreshToken);
    const second = await refresh(first.body.refreshToken);
    expect((await refresh(refreshToken)).status).toBe(401);
    expect((await refresh(second.body.refreshToken)).status).toBe(401);
  });

  it('have one successor under fifty parallel uses', async () => {
    const { refreshToken } = await app.register();
    const replies = await Promise.all(Array.from({ length: 50 }, () => refresh(refreshToken)));
    expect(new Set(replies.map(({ status }) => status))).toEqual(new Set([200]));
    expect(new Set(replies.map(({ body }) => body.refreshToken)).size).toBe(1);
  });

  it('are stored as hashes alone', async () => {
    const { refreshToken } = await app.register();
    const first = await refresh(refreshToken);
    const { rows } = await app.ctx.db.execute('select to_jsonb(t)::text as row from refresh_tokens t');
    const stored = JSON.stringify(rows);
    expect(stored).not.toContain(refreshToken);
    expect(stored).not.toContain(first.body.refreshToken);
  });
});

describe('the audit log and the log', () => {
  it('note sign-ins, and no line of either holds a secret', async () => {
    const { userId, token, refreshToken } = await app.register();
    const { rows } = await app.ctx.db.execute('select * from audit_logs');
    expect(rows).toContainEqual(
      expect.objectContaining({ action: 'user.register', resource_id: userId, ip: '127.0.0.1' }),
    );
    const written = JSON.stringify(rows) + app.logLines.join('');
    for (const secret of [PASSWORD, token, refreshToken]) expect(written).not.toContain(secret);
  });
});
