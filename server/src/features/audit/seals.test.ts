import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { newId } from '#kernel/ids.js';
import { describeVerification } from '#app/audit-command.js';
import { schedules } from '#app/schedules.js';
import { type TestContext, createTestContext } from '#test/create-test-context.js';
import { hourText, verifyAuditLog } from './verify-audit-log.js';

const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;

let context: TestContext;
/** The beginning of the hour that is not over. */
let thisHour: number;

beforeAll(async () => {
  context = await createTestContext({ environment: { AUDIT_RETENTION_DAYS: '1' } });
});
afterAll(() => context.close());
beforeEach(async () => {
  await tamper(sql`truncate audit_logs, audit_seals`);
  thisHour = Math.floor(Date.now() / HOUR_MS) * HOUR_MS;
  // Twenty minutes past, whatever the hour is when this runs.
  context.clock.advance(thisHour + 20 * MINUTE_MS - context.clock.now().getTime());
});

const hour = (hoursAgo: number) => new Date(thisHour - hoursAgo * HOUR_MS);

async function addEntry(time: Date, action = 'test.act'): Promise<string> {
  const id = newId();
  await context.ctx.db.execute(sql`
    insert into audit_logs (id, actor_type, action, resource_type, changes, created_at)
    values (${id}, 'user', ${action}, 'test', '{"b": 1, "a": {"before": 0.10, "after": "ä"}}', ${time})`);
  return id;
}

/** Each hour from `hoursAgo` to the last one that is over gets two entries. */
async function fill(hoursAgo: number): Promise<string[]> {
  const ids: string[] = [];
  for (let ago = hoursAgo; ago > 0; ago -= 1) {
    ids.push(await addEntry(hour(ago)));
    ids.push(await addEntry(new Date(hour(ago).getTime() + HOUR_MS - 1)));
  }
  return ids;
}

async function run(name: 'seal-audit-log' | 'delete-old-audit-entries'): Promise<number> {
  const task = schedules.find((candidate) => candidate.name === name);
  if (task === undefined) throw new Error(`no task ${name}`);
  return task.run(context.ctx, new AbortController().signal);
}

/** As somebody with all rights on the database does it. */
async function tamper(statement: ReturnType<typeof sql>): Promise<void> {
  await context.ctx.db.transaction(async (tx) => {
    await tx.execute(`set local session_replication_role = 'replica'`);
    await tx.execute(statement);
  });
}

const faults = async () => (await verifyAuditLog(context.ctx)).faults;

describe('seals', () => {
  it('are made of every hour that is over, each on the one before, and hold', async () => {
    await addEntry(hour(4));
    await fill(2);
    await addEntry(hour(0));
    expect(await run('seal-audit-log')).toBe(4);
    expect(await run('seal-audit-log')).toBe(0);
    const { rows } = await context.ctx.db.execute(
      'select number::int, extract(epoch from period_start)::int as start, entry_count, length(seal_hash) as length from audit_seals order by number',
    );
    expect(rows).toEqual(
      [1, 0, 2, 2].map((count, index) => ({
        number: index + 1,
        start: hour(4 - index).getTime() / 1_000,
        entry_count: count,
        length: 64,
      })),
    );
    const verification = await verifyAuditLog(context.ctx);
    expect(verification).toMatchObject({
      seals: 4,
      entries: 5,
      unsealedEntries: 2,
      sealedFrom: hour(4),
      deletedBefore: null,
      faults: [],
    });
    expect(describeVerification(verification)).toContain('The audit log is as it was sealed.');
    expect(context.logLines.join('')).toContain(verification.lastSeal?.sealHash);
  });

  it('wait ten minutes after the end of an hour', async () => {
    await fill(1);
    context.clock.advance(-11 * MINUTE_MS);
    expect(await run('seal-audit-log')).toBe(0);
    context.clock.advance(MINUTE_MS);
    expect(await run('seal-audit-log')).toBe(1);
  });

  it('are not there before there is an entry, and nothing is wrong then', async () => {
    expect(await run('seal-audit-log')).toBe(0);
    const verification = await verifyAuditLog(context.ctx);
    expect(verification).toMatchObject({ seals: 0, lastSeal: null, faults: [] });
    expect(describeVerification(verification)).toContain('Nothing is sealed yet');
  });
});

describe('the verification names the hour', () => {
  let ids: string[];
  beforeEach(async () => {
    ids = await fill(4);
    await run('seal-audit-log');
  });

  it('of a changed entry', async () => {
    expect(await faults()).toEqual([]);
    await tamper(sql`update audit_logs set changes = '{"a": 2}' where id = ${ids[2]}`);
    expect(await faults()).toEqual([`${hourText(hour(3))}: an entry was changed, or replaced.`]);
  });

  it('of an entry whose time was changed by a microsecond', async () => {
    await tamper(
      sql`update audit_logs set created_at = created_at + interval '1 microsecond' where id = ${ids[0]}`,
    );
    expect(await faults()).toEqual([`${hourText(hour(4))}: an entry was changed, or replaced.`]);
  });

  it('of a deleted entry', async () => {
    await tamper(sql`delete from audit_logs where id = ${ids[5]}`);
    expect(await faults()).toEqual([`${hourText(hour(2))}: 1 entry missing of 2.`]);
  });

  it('of entries that came afterwards, before the first hour too', async () => {
    await addEntry(hour(2));
    await addEntry(hour(9));
    expect(await faults()).toEqual([
      `${hourText(hour(2))}: 1 entry added after it was sealed, or come late.`,
      `Before the first sealed hour, ${hourText(hour(4))}: 1 entry.`,
    ]);
  });

  it('behind a seal that is gone, the first and the last too', async () => {
    await tamper(sql`delete from audit_seals where number = 2`);
    expect(await faults()).toEqual([
      `${hourText(hour(2))}: seals before this one are missing, from ${hourText(hour(3))} on.`,
    ]);
    await tamper(sql`delete from audit_seals where number <> 3`);
    expect(await faults()).toEqual([
      `${hourText(hour(2))}: seals before this one are missing, from the beginning on.`,
      `From ${hourText(hour(1))} on: seals up to 4 are missing that the log says were made.`,
      `Before the first sealed hour, ${hourText(hour(2))}: 4 entries.`,
    ]);
  });

  it('of a seal that was changed to fit a changed entry', async () => {
    await tamper(sql`update audit_logs set action = 'x' where id = ${ids[2]}`);
    await tamper(sql`update audit_seals set entries_hash = repeat('0', 64) where number = 2`);
    expect(await faults()).toEqual([
      `${hourText(hour(3))}: the chain is broken: seal 2 or the one before it was changed.`,
      `${hourText(hour(3))}: an entry was changed, or replaced.`,
    ]);
  });

  it('of a last seal that was made anew', async () => {
    await tamper(sql`delete from audit_seals where number = 4`);
    await tamper(sql`delete from audit_logs where id = ${ids[7]}`);
    expect(await run('seal-audit-log')).toBe(1);
    expect(await faults()).toEqual([
      `${hourText(hour(1))}: seal 4 is not the one that was made at the time.`,
    ]);
    expect(describeVerification(await verifyAuditLog(context.ctx))).toContain('NOT AS IT WAS SEALED');
  });
});

describe('retention', () => {
  it('deletes whole hours that are sealed, and the chain holds', async () => {
    await fill(27);
    expect(await run('delete-old-audit-entries')).toBe(0);
    expect(await run('seal-audit-log')).toBe(27);
    // A day and twenty minutes ago lies in the hour that began a day ago: three hours are older.
    expect(await run('delete-old-audit-entries')).toBe(6);
    expect(await run('delete-old-audit-entries')).toBe(0);
    const verification = await verifyAuditLog(context.ctx);
    expect(verification).toMatchObject({ seals: 27, entries: 48, deletedBefore: hour(24), faults: [] });
    expect(describeVerification(verification)).toContain(`Entries before ${hourText(hour(24))} were deleted`);
    await tamper(sql`delete from audit_logs where created_at = ${hour(24)}`);
    expect(await faults()).toEqual([`${hourText(hour(24))}: 1 entry missing of 2.`]);
  });

  it('cannot be pretended for what is younger', async () => {
    const ids = await fill(3);
    await run('seal-audit-log');
    await tamper(sql`delete from audit_logs where id = ${ids[0]}`);
    const changes = JSON.stringify({ before: hour(1).toISOString(), days: 1 });
    await tamper(sql`
      insert into audit_logs (id, actor_type, action, resource_type, changes)
      values (${newId()}, 'system', 'audit.retention', 'audit_log', ${changes}::jsonb)`);
    expect(await faults()).toHaveLength(2);
  });
});
