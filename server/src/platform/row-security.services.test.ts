import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { documents } from '#db/schema/documents.js';
import { projects } from '#db/schema/projects.js';
import { sources } from '#db/schema/sources.js';
import { users } from '#db/schema/users.js';
import { type TestApp, createTestApp } from '#test/create-test-app.js';
import { type Tenant, createTenant } from '#test/tenants.js';
import { sqlStateOf } from './database-errors.js';
import { TENANT_ROLE, beginForTenant } from './row-security.js';
import { inProjectTransaction } from './transaction.js';

const NO_PRIVILEGE = '42501';

let app: TestApp;
let alice: Tenant;
let bob: Tenant;
beforeAll(async () => {
  app = await createTestApp();
  alice = await createTenant(app);
  bob = await createTenant(app);
});
afterAll(() => app.close());

const scopeOf = (tenant: Tenant) => ({ projectId: tenant.ids['projectId'] ?? '' });

/** Every table that says whose its rows are. */
async function tenantTables(): Promise<string[]> {
  const { rows } = await app.ctx.db.execute<{ name: string }>(sql`
    select table_name as name from information_schema.columns
    where table_schema = 'public' and column_name = 'project_id' order by 1`);
  return rows.map(({ name }) => name);
}

/** The SQLSTATE that a statement fails with in a transaction of Bob's project. */
async function refusalOf(statement: string): Promise<string | null> {
  try {
    await inProjectTransaction(app.ctx, scopeOf(bob), (tx) => tx.db.execute(sql.raw(statement)));
    return null;
  } catch (error) {
    return sqlStateOf(error);
  }
}

describe('a transaction of a project', () => {
  it('sees rows of its project alone, by queries that have forgotten their scope', async () => {
    const tables = await tenantTables();
    expect(tables.length).toBeGreaterThan(20);
    const all = await app.ctx.db.select({ id: sources.projectId }).from(sources);
    expect(new Set(all.map(({ id }) => id)).size).toBe(2);
    await inProjectTransaction(app.ctx, scopeOf(bob), async (tx) => {
      const seen = [
        ...(await tx.db.select({ projectId: sources.projectId }).from(sources)),
        ...(await tx.db.select({ projectId: documents.projectId }).from(documents)),
        ...(await tx.db.select({ projectId: projects.id }).from(projects)),
      ];
      expect(new Set(seen.map(({ projectId }) => projectId))).toEqual(new Set([bob.ids['projectId']]));
      for (const name of [...tables, 'projects'].filter((table) => table !== 'api_keys')) {
        const { rows } = await tx.db.execute(sql.raw(`select to_jsonb(t)::text as row from "${name}" t`));
        expect({ name, hasAlices: JSON.stringify(rows).includes(alice.canary) }).toEqual({
          name,
          hasAlices: false,
        });
      }
    });
  });

  it('changes and deletes nothing of another, and writes nothing into it', async () => {
    const { projectId, sourceId } = alice.ids;
    await inProjectTransaction(app.ctx, scopeOf(bob), async (tx) => {
      expect((await tx.db.update(sources).set({ name: 'Taken' })).rowCount).toBe(2);
      expect((await tx.db.execute(sql`delete from sources where id = ${sourceId}`)).rowCount).toBe(0);
      expect((await tx.db.execute(sql`delete from leads where project_id = ${projectId}`)).rowCount).toBe(0);
    });
    expect(
      await refusalOf(
        `insert into leads (id, project_id, phone) values (gen_random_uuid(), '${projectId ?? ''}', '+4912345')`,
      ),
    ).toBe(NO_PRIVILEGE);
    const source = await app.request('GET', `/v1/projects/${projectId ?? ''}/sources/${sourceId ?? ''}`, {
      token: alice.token,
    });
    expect(source.body.name).toBe(`Source ${alice.canary}`);
  });

  it('reaches no session, key, token or password, and changes nothing in the audit log', async () => {
    for (const table of ['sessions', 'refresh_tokens', 'account_tokens', 'former_passwords', 'api_keys'])
      expect(await refusalOf(`select * from ${table}`)).toBe(NO_PRIVILEGE);
    expect(await refusalOf('select password_hash from users')).toBe(NO_PRIVILEGE);
    expect(await refusalOf("update audit_logs set action = 'nothing'")).toBe(NO_PRIVILEGE);
    const seen = await inProjectTransaction(app.ctx, scopeOf(bob), (tx) =>
      tx.db.select({ id: users.id, name: users.name }).from(users),
    );
    expect(seen.map(({ id }) => id)).toContain(bob.userId);
    expect(seen.map(({ id }) => id)).not.toContain(alice.userId);
  });

  it('sees and changes what its members have and pay for, and nothing of other accounts', async () => {
    for (const tenant of [alice, bob]) {
      await app.ctx.db.execute(sql`
        insert into credit_grants (id, user_id, kind, quantity, idempotency_key)
        values (gen_random_uuid(), ${tenant.userId}, 'messages_mini', 5, ${tenant.canary})`);
    }
    await inProjectTransaction(app.ctx, scopeOf(bob), async (tx) => {
      for (const name of ['subscriptions', 'usage_periods', 'credit_grants']) {
        const { rows } = await tx.db.execute(sql.raw(`select user_id as id from ${name}`));
        const owners = new Set(rows.map(({ id }) => id));
        expect([name, owners.has(bob.userId), owners.has(alice.userId)]).toEqual([name, true, false]);
        const changed = await tx.db.execute(
          sql.raw(`update ${name} set updated_at = now() where user_id = '${alice.userId}'`),
        );
        expect([name, changed.rowCount]).toEqual([name, 0]);
      }
    });
    for (const name of ['subscriptions', 'usage_periods', 'credit_grants', 'plans', 'add_ons', 'processes'])
      expect([name, await refusalOf(`delete from ${name}`)]).toEqual([name, NO_PRIVILEGE]);
    for (const name of ['audit_seals', 'invoices', 'schedules', 'stripe_events', 'stripe_meter_reports'])
      expect([name, await refusalOf(`select from ${name}`)]).toEqual([name, NO_PRIVILEGE]);
  });

  it('leaves nothing behind for the next one on its connection', async () => {
    await inProjectTransaction(app.ctx, scopeOf(bob), (tx) => tx.db.execute(sql`select 1`));
    const { rows } = await app.ctx.db.execute(
      sql`select current_user = session_user as is_own, current_setting('app.project_id', true) as project`,
    );
    expect(rows).toEqual([{ is_own: true, project: '' }]);
  });

  it('begins with the id of a project and nothing else', () => {
    const begin = (projectId: string) => () =>
      inProjectTransaction(app.ctx, { projectId }, (tx) => tx.db.execute(sql`select 1`));
    expect(begin("x'; reset role; --")).toThrow('needs the id of one');
    expect(begin('')).toThrow('needs the id of one');
  });
});

describe('the role of tenants', () => {
  it('cannot log in, owns nothing, and sees nothing without a project', async () => {
    const { rows } = await app.ctx.db.execute(sql`
      select rolcanlogin, rolsuper, rolbypassrls from pg_roles where rolname = ${TENANT_ROLE}`);
    expect(rows).toEqual([{ rolcanlogin: false, rolsuper: false, rolbypassrls: false }]);
    await app.ctx.db.transaction(async (tx) => {
      await tx.execute(sql.raw(`set local role ${TENANT_ROLE}`));
      for (const name of ['sources', 'documents', 'conversations', 'messages', 'leads', 'projects'])
        expect((await tx.execute(sql.raw(`select from ${name}`))).rowCount).toBe(0);
    });
    expect(beginForTenant('begin read only', '01900000-0000-7000-8000-000000000000')).toBe(
      "begin read only; set local role botbase_tenant; set local app.project_id = '01900000-0000-7000-8000-000000000000'",
    );
  });
});
