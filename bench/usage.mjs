// What metering costs a turn of a conversation, and how many turns a second one account and a hundred accounts get, on a
// PostgreSQL server. A turn stores a question and the place of its answer, and then the answer's end, in two transactions
// under row-level security, as chat does; there is no model and no HTTP. Build first; the database is Botbase's or empty.
//
//   DATABASE_URL=postgres://… node bench/usage.mjs [rounds] [turns a round] [turns at once]
import { randomUUID } from 'node:crypto';
import { loadavg } from 'node:os';

const [rounds = 5, turns = 2000, atOnce = 16] = process.argv.slice(2).map(Number);
const ACCOUNTS = 100;
const COST = '0.000123456';
const dist = (path) => import(`../server/dist/${path}.js`);
const [
  { openDatabase },
  { createLogger },
  { createMetrics },
  { inProjectTransaction },
  scopes,
  reserve,
  settle,
  tables,
] = await Promise.all(
  [
    'app/open-database',
    'platform/logger',
    'platform/metrics',
    'platform/transaction',
    'platform/scope',
    'features/usage/reserve-message',
    'features/usage/settle-message',
    'db/schema/conversations',
  ].map(dist),
);
const { eq, and, sql } = await import('drizzle-orm');

const database = await openDatabase(
  { database: { url: process.env.DATABASE_URL, poolSize: atOnce }, dataDir: '/nowhere' },
  createLogger('error'),
  createMetrics(),
);
const ctx = {
  db: database.db,
  clock: { now: () => new Date() },
  processId: randomUUID(),
  afterCommit: () => {},
};
const accounts = await makeAccounts();

async function makeAccounts() {
  const made = [];
  for (let index = 0; index < ACCOUNTS; index += 1) {
    const [userId, projectId, conversationId] = [randomUUID(), randomUUID(), randomUUID()];
    await ctx.db.execute(sql`insert into users (id, email, password_hash, name, plan)
      values (${userId}, ${`${userId}@example.com`}, '', 'Bench', 'pro')`);
    await ctx.db.execute(sql`insert into projects (id, owner_id, name, fallback_message)
      values (${projectId}, ${userId}, 'Bench', '')`);
    await ctx.db.execute(sql`insert into project_members (project_id, user_id, role)
      values (${projectId}, ${userId}, 'owner')`);
    await ctx.db.execute(
      sql`insert into conversations (id, project_id) values (${conversationId}, ${projectId})`,
    );
    const scope = scopes.mintProjectScope(scopes.systemCaller, projectId, 'owner');
    made.push({ userId, conversationId, scope });
  }
  return made;
}

let statements = 0;

async function turn({ userId, conversationId, scope }, isMetered) {
  const { projectId } = scope;
  const messageId = randomUUID();
  const both = { projectId, conversationId };
  const end = { status: 'complete', content: 'Five days.', model: 'gpt-5-mini', cost: COST };
  const reservation = await inProjectTransaction(ctx, scope, async (tx) => {
    await tx.db.insert(tables.messages).values([
      { ...both, id: randomUUID(), role: 'user', content: 'How long?', status: 'complete' },
      { ...both, id: messageId, role: 'assistant', content: '', status: 'streaming', tier: 'mini' },
    ]);
    if (!isMetered) return null;
    const place = { messageId, userId, tier: 'mini', fallbackMessage: '' };
    return reserve.reserveMessage(tx, scope, place);
  });
  await inProjectTransaction(ctx, scope, (tx) =>
    isMetered
      ? settle.settleMessage(tx, scope, { messageId, reservation, end })
      : tx.db
          .update(tables.messages)
          .set(end)
          .where(
            and(
              eq(tables.messages.projectId, projectId),
              eq(tables.messages.id, messageId),
              eq(tables.messages.status, 'streaming'),
            ),
          )
          .returning(),
  );
  statements += 1;
}

/** @returns turns a second */
async function round(spread, isMetered) {
  let next = 0;
  const startedAt = performance.now();
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      while (next < turns) {
        next += 1;
        await turn(accounts[next % spread], isMetered);
      }
    }),
  );
  return (turns * 1000) / (performance.now() - startedAt);
}

/** @returns milliseconds of a turn on its own */
async function alone(isMetered) {
  const startedAt = performance.now();
  for (let count = 0; count < turns / 4; count += 1) await turn(accounts[count % ACCOUNTS], isMetered);
  return ((performance.now() - startedAt) * 4) / turns;
}

const results = new Map();
const note = (name, value) => results.set(name, [...(results.get(name) ?? []), value]);
console.log(
  `load before: ${loadavg()
    .map((value) => value.toFixed(1))
    .join(' ')}`,
);
for (const account of accounts) await turn(account, true);
for (let count = 0; count < rounds; count += 1) {
  note('one account, not metered', await round(1, false));
  note('one account, metered', await round(1, true));
  note('100 accounts, not metered', await round(ACCOUNTS, false));
  note('100 accounts, metered', await round(ACCOUNTS, true));
  note('alone, not metered', await alone(false));
  note('alone, metered', await alone(true));
}
for (const [name, values] of results) {
  const sorted = values.toSorted((a, b) => a - b);
  const unit = name.startsWith('alone') ? 'ms a turn' : 'turns/s';
  const shown = (value) => (unit === 'turns/s' ? value.toFixed(0) : value.toFixed(2));
  console.log(
    `${name}: ${shown(sorted[Math.floor(sorted.length / 2)])} ${unit} (${shown(sorted[0])}–${shown(sorted.at(-1))})`,
  );
}
const [wrong] = (
  await ctx.db
    .execute(sql`select count(*)::int as count from usage_periods p where used_messages_mini + reserved_messages_mini
    <> (select count(*) from billing_events where period_id = p.id and type = 'message')`)
).rows;
console.log(`${statements} turns; counters that are not what the ledger comes to: ${wrong.count}`);
console.log(
  `load after: ${loadavg()
    .map((value) => value.toFixed(1))
    .join(' ')}`,
);
await database.close();
