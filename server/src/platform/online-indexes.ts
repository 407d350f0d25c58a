import { sql } from 'drizzle-orm';
import pg from 'pg';
import type { Context } from './context.js';

/**
 * Indexes on tables that can be large when they come: built beside the work that goes on, never in a migration, which
 * would hold it up. Whoever uses one works without it too, only slower. Names and definitions never change: a new
 * definition gets a new name.
 */
const ONLINE_INDEXES = [
  {
    name: 'document_chunks_content_hash',
    // Equal texts of one account share what was paid for.
    on: 'document_chunks (content_hash)',
  },
  // How many pages an account has is counted with each new one.
  { name: 'documents_visible', on: 'documents (project_id) where live_version > 0' },
  // Hours of the audit log are sealed, verified and deleted by their time; its lists go by id.
  { name: 'audit_logs_created_at', on: 'audit_logs (created_at)' },
  { name: 'audit_logs_project_id', on: 'audit_logs (project_id, id)' },
  { name: 'audit_logs_actor_id', on: 'audit_logs (actor_id, id)' },
] as const;

const CONNECT_TIMEOUT_MS = 10_000;
/** Any number that nothing else in the database locks by. */
const BUILD_LOCK = 7_308_333;

/** Builds the indexes that are missing, or were left half-built by a process that died. @returns how many */
export async function buildOnlineIndexes(
  ctx: Pick<Context, 'db' | 'config'>,
  signal: AbortSignal,
): Promise<number> {
  const { url } = ctx.config.database;
  if (url === null) return buildEmbedded(ctx);
  return inBuildSession(url, signal, async (client) => {
    let count = 0;
    for (const { name, on } of ONLINE_INDEXES) {
      const { rows } = await client.query<{ isValid: boolean }>(
        'select indisvalid as "isValid" from pg_index where indexrelid = to_regclass($1)',
        [name],
      );
      if (rows[0]?.isValid === true) continue;
      if (rows[0]?.isValid === false) await client.query(`drop index concurrently if exists ${name}`);
      await client.query(`create index concurrently if not exists ${name} on ${on}`);
      count += 1;
    }
    return count;
  });
}

/**
 * Runs `act` on a connection of its own to a server, since a build takes longer than any statement of a request may;
 * not while another process has such a session. When this process stops, the statement in hand goes on without it.
 * @returns what `act` does; 0 where another process is at it
 */
export async function inBuildSession(
  url: string,
  signal: AbortSignal,
  act: (client: pg.Client) => Promise<number>,
): Promise<number> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: CONNECT_TIMEOUT_MS });
  client.on('error', () => {});
  // A run of the schedule that is late may go on: it is the only one.
  const stop = () => {
    if (!isLate(signal)) void client.end();
  };
  signal.addEventListener('abort', stop);
  await client.connect();
  try {
    await client.query('set statement_timeout = 0');
    const { rows: locks } = await client.query<{ isMine: boolean }>(
      'select pg_try_advisory_lock($1) as "isMine"',
      [BUILD_LOCK],
    );
    return locks[0]?.isMine === true ? await act(client) : 0;
  } finally {
    signal.removeEventListener('abort', stop);
    await client.end();
  }
}

function isLate({ reason }: AbortSignal): boolean {
  return reason instanceof DOMException && reason.name === 'TimeoutError';
}

/** The embedded database has no second connection to go on with; its tables are small enough to wait for. */
async function buildEmbedded(ctx: Pick<Context, 'db'>): Promise<number> {
  let count = 0;
  for (const { name, on } of ONLINE_INDEXES) {
    const { rows } = await ctx.db.execute(sql`select to_regclass(${name}) is not null as "isThere"`);
    if (rows[0]?.['isThere'] === true) continue;
    await ctx.db.execute(sql.raw(`create index if not exists ${name} on ${on}`));
    count += 1;
  }
  return count;
}
