import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type TestContext, createTestContext } from '#test/create-test-context.js';
import { createGate } from '#test/gate.js';
import { startScheduler } from './scheduler.js';

const HOUR_MS = 3_600_000;

let test: TestContext;

beforeAll(async () => {
  test = await createTestContext();
});

beforeEach(() => test.ctx.db.execute(sql`delete from schedules`));

afterAll(() => test.close());

async function makeDue(name: string): Promise<void> {
  await test.ctx.db.execute(sql`update schedules set next_run_at = now() where name = ${name}`);
}

describe('startScheduler', () => {
  it('runs a due task once, however many look', async () => {
    let runs = 0;
    const shared = { name: 'shared', everyMs: HOUR_MS, run: async () => (runs += 1) };
    const looked = [1, 2, 3, 4].map((number) => ({ name: `own ${number}`, gate: createGate() }));
    const schedulers = looked.map(({ name, gate }) => {
      const own = { name, everyMs: HOUR_MS, run: async () => (gate.open(), 1) };
      return startScheduler(test.ctx, [shared, own]);
    });
    await Promise.all(looked.map(({ gate }) => gate.passed));
    await Promise.all(schedulers.map(({ stop }) => stop()));
    expect(runs).toBe(1);
  });

  it('runs it again when it is due again, also after a failure, and counts both', async () => {
    const second = createGate();
    let runs = 0;
    const scheduler = startScheduler(test.ctx, [
      {
        name: 'stumble',
        everyMs: HOUR_MS,
        run: async () => {
          runs += 1;
          if (runs === 2) {
            second.open();
            return 7;
          }
          await makeDue('stumble');
          throw new Error('the first run fails');
        },
      },
    ]);
    await second.passed;
    await scheduler.stop();
    const metrics = await test.ctx.metrics.registry.metrics();
    expect(metrics).toContain(
      'botbase_scheduled_task_duration_seconds_count{task="stumble",outcome="failed"} 1',
    );
    expect(metrics).toContain('botbase_scheduled_task_duration_seconds_count{task="stumble",outcome="ok"} 1');
    expect(metrics).toContain('botbase_scheduled_task_items_total{task="stumble"} 7');
    expect(test.logLines.some((line) => line.includes('a scheduled task failed'))).toBe(true);
  });

  it('aborts the run in hand when it stops', async () => {
    const begun = createGate();
    let reason: unknown;
    const scheduler = startScheduler(test.ctx, [
      {
        name: 'long',
        everyMs: HOUR_MS,
        run: async (_ctx, signal) => {
          begun.open();
          await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
          reason = signal.reason;
          return 0;
        },
      },
    ]);
    await begun.passed;
    await scheduler.stop();
    expect(reason).toMatchObject({ name: 'AbortError' });
  });
});
