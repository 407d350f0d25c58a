import { type SQL, sql } from 'drizzle-orm';
import type { NodePgDatabase, NodePgQueryResultHKT } from 'drizzle-orm/node-postgres';
import type { PgDatabase } from 'drizzle-orm/pg-core';
import { sqlStateOf } from './database-errors.js';

/** Owns nothing and may log in nowhere: a transaction takes it, and is held to the policies of every table. */
export const TENANT_ROLE = 'botbase_tenant';
const POLICY = 'botbase_tenant_rows';
const SETTING = 'app.project_id';
const INSUFFICIENT_PRIVILEGE = '42501';

/**
 * One message, so that it costs no round trip more than `begin`.
 * @param begin with whatever it says of isolation and access
 * @param projectId a UUID: it is not quoted
 */
export function beginForTenant(begin: string, projectId: string): string {
  return `${begin}; set local role ${TENANT_ROLE}; set local ${SETTING} = '${projectId}'`;
}

/**
 * Runs one statement of a transaction as the owner of the tables, whom policies do not bind. For what an act within a
 * project has to know of the whole account that pays for it: a number, never rows. If the statement fails, so has the
 * transaction, and nothing goes on in it without the role.
 */
export async function executeAsOwner<Row extends Record<string, unknown>>(
  db: PgDatabase<NodePgQueryResultHKT>,
  statement: SQL,
): Promise<Row[]> {
  const { rows } = await db.execute<{ isTenant: boolean }>(
    sql`select current_user = ${TENANT_ROLE} as "isTenant"`,
  );
  const isTenant = rows[0]?.isTenant === true;
  if (isTenant) await db.execute(sql`set local role to default`);
  const result = await db.execute(statement);
  if (isTenant) await db.execute(sql.raw(`set local role ${TENANT_ROLE}`));
  return result.rows as Row[];
}

const PROJECT = `(select nullif(current_setting('${SETTING}', true), '')::uuid)`;

const isMember = (column: string) =>
  `${column} in (select member.user_id from public.project_members member where member.project_id = ${PROJECT})`;

/** What is a project's in the tables that have no `project_id`. */
const ROWS_OF: Record<string, string> = {
  projects: `id = ${PROJECT}`,
  users: isMember('id'),
  // What an account has and pays for: one of the members pays, and another one does after a transfer.
  subscriptions: isMember('user_id'),
  usage_periods: isMember('user_id'),
  credit_grants: isMember('user_id'),
  // Answers that were kept, of requests to the project's addresses.
  idempotency_keys: `strpos(lower(scope), (select ' /v1/projects/' || ${PROJECT})) > 0`,
};

/**
 * Brings row-level security up to date on a server: the role, its rights, and a policy for each table with a
 * `project_id` and for those of `ROWS_OF`, so that a table that is added tomorrow has one tomorrow. The owner of the
 * tables is not bound by them: what is no act within one project goes on as before, and so does a process of an earlier
 * version.
 * @returns false where the user of the database may not make the role: then it is off, and the scopes of queries alone
 * keep tenants apart
 */
export async function secureRows(db: NodePgDatabase): Promise<boolean> {
  try {
    await db.execute(sql.raw(MAKE_ROLE));
  } catch (error) {
    if (sqlStateOf(error) === INSUFFICIENT_PRIVILEGE) return false;
    throw error;
  }
  const { rows } = await db.execute<{ name: string; is_nullable: boolean }>(sql.raw(UNSECURED));
  for (const { name, is_nullable: isNullable } of rows) {
    const own = ROWS_OF[name] ?? `project_id = ${PROJECT}`;
    // An act in a project may note, and have done, what belongs to no project; of that it reads its own jobs back.
    const written = isNullable ? `project_id is null or ${own}` : own;
    const read = name === 'jobs' ? written : own;
    await db.transaction(async (tx) => {
      await tx.execute(
        sql.raw(`create policy ${POLICY} on public.${name} using (${read}) with check (${written})`),
      );
      await tx.execute(sql.raw(`alter table public.${name} enable row level security`));
    });
  }
  return true;
}

/**
 * No act within a project looks at a session, a key or a password, at what is between the program and Stripe or at its
 * own schedules, or changes what was noted of it, what plans are or what an account was billed.
 * Roles belong to the whole server, where others may make this one at the same moment.
 */
const MAKE_ROLE = `
do $$ begin
  if not exists (select from pg_roles where rolname = '${TENANT_ROLE}') then
    begin
      create role ${TENANT_ROLE} nologin noinherit;
    exception when duplicate_object or unique_violation then null;
    end;
  end if;
  if not pg_has_role(current_user, '${TENANT_ROLE}', 'member') then
    grant ${TENANT_ROLE} to current_user;
  end if;
end $$;
grant usage on schema public to ${TENANT_ROLE};
grant select, insert, update, delete on all tables in schema public to ${TENANT_ROLE};
revoke all on users, sessions, refresh_tokens, account_tokens, former_passwords, api_keys from ${TENANT_ROLE};
grant select (id, email, name, role, plan, email_verified_at, suspended_at, created_at, updated_at)
  on users to ${TENANT_ROLE};
revoke update, delete on audit_logs from ${TENANT_ROLE};
revoke all on audit_seals, schedules, invoices, stripe_events, stripe_meter_reports from ${TENANT_ROLE};
revoke insert, update on idempotency_keys from ${TENANT_ROLE};
revoke insert, update, delete on plans, add_ons, processes from ${TENANT_ROLE};
revoke delete on subscriptions, usage_periods, credit_grants from ${TENANT_ROLE}`;

const UNSECURED = `
select quote_ident(c.relname) as name, coalesce(not a.attnotnull, false) as is_nullable
from pg_class c
join pg_namespace n on n.oid = c.relnamespace and n.nspname = 'public'
left join pg_attribute a on a.attrelid = c.oid and not a.attisdropped and a.attname = 'project_id'
where c.relkind = 'r'
  and (a.attname is not null or c.relname in (${Object.keys(ROWS_OF)
    .map((name) => `'${name}'`)
    .join(', ')}))
  and not exists (select from pg_policy p where p.polrelid = c.oid and p.polname = '${POLICY}')
order by 1`;
