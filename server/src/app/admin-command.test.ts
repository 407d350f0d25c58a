import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { auditLogs } from '#db/schema/audit-logs.js';
import { eq } from 'drizzle-orm';
import { type TestApp, createTestApp } from '#test/create-test-app.js';
import { changeAdminForCommand, parseAdminOptions } from './admin-command.js';

describe('the arguments of admin', () => {
  it('are an act and an address, in the form in which it is stored', () => {
    expect(parseAdminOptions(['grant', ' Ada@Example.com '])).toEqual({
      act: 'grant',
      email: 'ada@example.com',
    });
  });

  it.each([
    [[], 'told to grant or to revoke'],
    [['list'], 'told to grant or to revoke'],
    [['grant'], '"" is not an e-mail address'],
    [['grant', 'ada'], '"ada" is not an e-mail address'],
    [['revoke', 'ada@example.com', 'bob@example.com'], 'takes one address'],
  ])('are refused as %j', (args, message) => {
    expect(() => parseAdminOptions(args)).toThrow(message);
    expect(() => parseAdminOptions(args)).toThrow('Usage: admin grant <email>');
  });
});

describe('admin', () => {
  let app: TestApp;
  beforeAll(async () => {
    app = await createTestApp();
  });
  afterAll(() => app.close());

  const run = (act: 'grant' | 'revoke', email: string) => changeAdminForCommand(app.ctx, { act, email });

  it('makes an account an admin for the tokens that it has, and takes that back', async () => {
    const { token, userId, email } = await app.register();
    const status = async () => (await app.request('GET', '/v1/admin/stats', { token })).status;
    expect(await status()).toBe(403);
    expect(await run('grant', email)).toBe(`${email} is an admin now.\n`);
    expect(await status()).toBe(200);
    expect(await run('grant', email)).toBe(`${email} is an admin already.\n`);
    expect(await run('revoke', email)).toBe(
      `${email} is no admin any more.\nNobody is an admin now. \`admin grant <email>\` makes one.\n`,
    );
    expect(await status()).toBe(403);
    const rows = await app.ctx.db.select().from(auditLogs).where(eq(auditLogs.actorType, 'system'));
    expect(rows.map(({ action, resourceId, changes }) => ({ action, resourceId, changes }))).toEqual([
      {
        action: 'user.grant_admin',
        resourceId: userId,
        changes: { role: { before: 'user', after: 'admin' } },
      },
      {
        action: 'user.revoke_admin',
        resourceId: userId,
        changes: { role: { before: 'admin', after: 'user' } },
      },
    ]);
  });

  it('says what it did not do: for who was no admin, is suspended or has no account', async () => {
    const [ada, bob] = [await app.register(), await app.register()];
    await run('grant', ada.email);
    expect(await run('revoke', bob.email)).toBe(`${bob.email} is no admin.\n`);
    const path = `/v1/admin/users/${bob.userId}`;
    await app.request('PATCH', path, { token: ada.token, body: { suspended: true } });
    expect(await run('grant', bob.email)).toContain('The account is suspended');
    await expect(run('grant', 'nobody@example.com')).rejects.toThrow(
      'There is no account with the address nobody@example.com. Register it first.',
    );
  });
});
