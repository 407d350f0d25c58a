import { afterAll, beforeAll, expect, it } from 'vitest';
import { eventually } from '../eventually.js';
import { countRows } from './chaos-cluster.js';
import { recordRecovery } from './recovery-times.js';
import { type ChaosOnRedis, countRings, startChaosOnRedis } from './service-faults.js';
import { lockTable } from './table-lock.js';

const SOURCES = 200;
const ADDED_AT_ONCE = 20;
/** Both workers hold eight jobs each. */
const RUNNING = 16;
const FLUSHES = 5;
/** A ring that was lost otherwise is rung again after 30 s: this is what the marker in Redis is for. */
const RUNG_AGAIN_MS = 20_000;
const READY_MS = 60_000;

let chaos: ChaosOnRedis;

beforeAll(async () => {
  chaos = await startChaosOnRedis();
});
afterAll(() => chaos.close());

it('rings again for every queued job when Redis is emptied, and does each once', async () => {
  const { cluster, accounts, urls, redis } = chaos;
  const requeuing = recordRecovery(`FLUSHALL -> all re-queued, of ${SOURCES - RUNNING} jobs`);
  const textsBefore = countTexts();
  const lock = await lockTable(cluster.databaseUrl, 'document_chunks');
  const sourceIds: string[] = [];
  while (sourceIds.length < SOURCES) {
    const added = await Promise.all(
      Array.from({ length: ADDED_AT_ONCE }, (_, index) => {
        const number = sourceIds.length + index;
        const side = number % 2 === 0 ? 0 : 1;
        return accounts[side].addText(
          urls[side],
          `Crate ${number}`,
          `Crate ${number} holds ${number} lanterns.`,
        );
      }),
    );
    sourceIds.push(...added);
  }
  const untilRung = (since: Date) =>
    eventually('all queued jobs to be rung for', async () => {
      const waiting = `jobs where status = 'queued' and (rung_at is null or rung_at < $1)`;
      const running = await countRows(cluster, `jobs where status = 'running'`);
      return running === RUNNING && (await countRows(cluster, waiting, [since])) === 0 ? true : null;
    });
  await untilRung(new Date(0));
  for (let flush = 0; flush < FLUSHES; flush += 1) {
    const since = new Date();
    await redis.server.command('FLUSHALL');
    const flushedAt = performance.now();
    await untilRung(since);
    expect(requeuing.add(flushedAt)).toBeLessThan(RUNG_AGAIN_MS);
    expect(await countRings(redis.server)).toBe(SOURCES - RUNNING);
  }
  requeuing.print();
  await redis.server.command('FLUSHALL');
  await lock.release();
  await eventually(
    'all sources to be ready',
    async () => {
      const ready = `sources where status = 'ready' and id = any ($1)`;
      return (await countRows(cluster, ready, [sourceIds])) === SOURCES ? true : null;
    },
    READY_MS,
  );
  expect(await chaos.findBroken()).toEqual([]);
  expect(await countRows(cluster, 'jobs where attempts <> 1')).toBe(0);
  expect(countTexts() - textsBefore).toBe(SOURCES);
});

/** Texts that were sent to be embedded: several jobs share a call. */
function countTexts(): number {
  return chaos.openai.requests
    .filter(({ path }) => path.endsWith('/embeddings'))
    .reduce((sum, { body }) => sum + (body as { input: string[] }).input.length, 0);
}
