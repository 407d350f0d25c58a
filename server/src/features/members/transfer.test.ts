import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type TestApp, createTestApp } from '#test/create-test-app.js';
import { joinProject } from '#test/join-project.js';

let app: TestApp;
beforeAll(async () => {
  app = await createTestApp();
});
afterAll(() => app.close());

type Account = Awaited<ReturnType<TestApp['register']>>;

async function newProject() {
  const payer = await app.register('Paula');
  const projectId = await app.createProject(payer.token, { name: 'Shop' });
  const join = (role: string, name?: string) =>
    joinProject(app, { token: payer.token, projectId, role }, name);
  const send = (account: Account, method: string, what: string, body?: unknown) =>
    app.request(method, `/v1/projects/${projectId}/${what}`, { token: account.token, body });
  const transfer = (account: Account, userId: unknown) => send(account, 'POST', 'transfer', { userId });
  return { payer, projectId, join, send, transfer };
}

describe('a transfer', () => {
  it('makes a member the one who pays, and lets the former one go', async () => {
    const { payer, projectId, join, send, transfer } = await newProject();
    const heir = await join('viewer', 'Hera');
    const reply = await transfer(payer, heir.userId);
    expect(reply.status).toBe(200);
    expect(reply.body).toMatchObject({ id: projectId, name: 'Shop', ownerId: heir.userId });
    expect((await send(heir, 'GET', 'members')).body.data).toMatchObject([
      { userId: heir.userId, role: 'owner', isPayer: true },
      { userId: payer.userId, role: 'owner', isPayer: false },
    ]);
    expect((await transfer(payer, payer.userId)).body).toMatchObject({
      code: 'forbidden',
      detail: 'Only the member who pays for the project can transfer it.',
    });
    expect((await send(heir, 'DELETE', `members/${heir.userId}`)).body.code).toBe('conflict');
    expect((await send(payer, 'DELETE', `members/${payer.userId}`)).status).toBe(204);
    const { rows } = await app.ctx.db.execute(
      `select actor_id, resource_id, changes from audit_logs where action = 'project.transfer' and project_id = '${projectId}'`,
    );
    expect(rows).toEqual([
      {
        actor_id: payer.userId,
        resource_id: projectId,
        changes: {
          ownerId: { before: payer.userId, after: heir.userId },
          role: { before: 'viewer', after: 'owner' },
        },
      },
    ]);
  });

  it('is told to both by mail', async () => {
    const { payer, join, transfer } = await newProject();
    const heir = await join('owner', 'Hera');
    await transfer(payer, heir.userId);
    await app.runJobs();
    const newest = ({ email }: Account) => app.mails.findLast(({ to }) => to === email);
    expect(newest(heir)?.subject).toBe('“Shop” is yours now');
    expect(newest(heir)?.text).toContain('Paula has transferred the project “Shop” to you.');
    expect(newest(payer)?.subject).toBe('You have transferred “Shop”');
    expect(newest(payer)?.text).toContain('The project “Shop” belongs to Hera now');
  });

  it('is for the one who pays alone, and to members alone', async () => {
    const { payer, join, transfer } = await newProject();
    const [owner, editor] = [await join('owner'), await join('editor')];
    const stranger = await app.register();
    expect((await transfer(owner, owner.userId)).body.code).toBe('forbidden');
    expect((await transfer(editor, editor.userId)).body.code).toBe('forbidden');
    expect((await transfer(stranger, stranger.userId)).body.code).toBe('not_found');
    expect((await transfer(payer, stranger.userId)).body).toMatchObject({
      code: 'not_found',
      detail: 'There is no such member.',
    });
    expect((await transfer(payer, payer.userId)).body.code).toBe('conflict');
    expect((await transfer(payer, 'x')).body.code).toBe('validation_failed');
  });

  it('happens once of twenty at once, and the member that pays is a member whoever leaves meanwhile', async () => {
    const { payer, projectId, join, send, transfer } = await newProject();
    const heirs: Account[] = [];
    for (let index = 0; index < 20; index += 1) heirs.push(await join('editor'));
    const transfers = heirs.map((heir) => transfer(payer, heir.userId));
    const leaving = heirs.slice(1).map((heir) => send(heir, 'DELETE', `members/${heir.userId}`));
    const transferred = (await Promise.all(transfers)).filter(({ status }) => status === 200);
    const kept = (await Promise.all(leaving)).filter(({ status }) => status !== 204);
    expect(transferred).toHaveLength(1);
    const isFirst = transferred[0]?.body.ownerId === heirs[0]?.userId;
    expect(kept.map(({ status }) => status)).toEqual(isFirst ? [] : [409]);
    const { rows } = await app.ctx.db.execute(`
      select role from projects join project_members on project_id = id and user_id = owner_id where id = '${projectId}'`);
    expect(rows).toEqual([{ role: 'owner' }]);
  });
});
