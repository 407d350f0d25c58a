import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { setTimeout as delay } from 'node:timers/promises';
import { readProcessResources } from '../faults/process-resources.js';
import { eventually } from '../eventually.js';
import { countRows } from './chaos-cluster.js';
import { note, recordRecovery } from './recovery-times.js';
import { type ChaosOnRedis, findBroken, startChaosOnRedis } from './service-faults.js';
import { HANG_MS, findUnserved, slowerThan, startTraffic } from './traffic.js';

const AWAY_MS = 15_000;
const WARM_UP_MS = 5_000;
const LOAD_PER_SECOND = 20;
const BACK_MS = 15_000;
const JOBS_AFTERWARDS = 40;
const MIB = 1024 * 1024;
/** Memory that a process may hold more of afterwards: what a leak of each command or error would exceed. */
const MAX_GROWTH_BYTES = 80 * MIB;

let chaos: ChaosOnRedis;

beforeAll(async () => {
  chaos = await startChaosOnRedis();
});
afterAll(() => chaos.close());

/** Each way in which Redis can be away, and how it comes back. */
const absences: { name: string; leave: () => Promise<void>; comeBack: () => Promise<void> }[] = [
  {
    name: 'down',
    leave: () => chaos.redis.server.stop(),
    comeBack: () => chaos.redis.server.start(),
  },
  {
    name: 'stopped (SIGSTOP)',
    leave: () => chaos.redis.server.kill('SIGSTOP'),
    comeBack: () => chaos.redis.server.kill('SIGCONT'),
  },
  {
    name: 'behind a network that swallows what is sent',
    leave: () => chaos.redis.proxy.set([{ type: 'timeout', timeoutMs: null }]),
    comeBack: () => chaos.redis.proxy.set([]),
  },
  {
    name: 'behind a network that breaks connections',
    leave: () => chaos.redis.proxy.set([{ type: 'reset_peer', afterMs: 0 }]),
    comeBack: () => chaos.redis.proxy.set([]),
  },
];

const queueOf = async (url: string) => {
  const health = (await (await fetch(`${url}/health`)).json()) as { parts: { queue: { status: string } } };
  return health.parts.queue.status;
};

describe.each(absences)('while Redis is $name', ({ name, leave, comeBack }) => {
  it('everything works, nothing hangs, and no process ends or logs without end', async () => {
    const { cluster, accounts, urls } = chaos;
    const ringing = recordRecovery(`Redis back (it was ${name}) -> ${JOBS_AFTERWARDS} new jobs done`);
    const recovery = recordRecovery(`Redis back (it was ${name}) -> all processes use it`);
    const traffic = startTraffic(chaos, {
      perSecond: LOAD_PER_SECOND,
      acts: ['ask', 'read', 'add', 'stream', 'login'],
    });
    await delay(WARM_UP_MS);
    const processes = cluster.nodes.map((node) => node.processId());
    const before = await Promise.all(processes.map(readProcessResources));
    const linesBefore = warningsOf(cluster.logLines());
    await leave();
    await delay(AWAY_MS);
    for (const url of urls) {
      expect(await queueOf(url)).toBe('degraded');
      expect((await fetch(`${url}/health/ready`)).status).toBe(200);
    }
    await comeBack();
    const backAt = performance.now();
    await Promise.all(
      cluster.nodes.map(async ({ url }) => {
        await eventually('its queue to be well', async () => ((await queueOf(url)) === 'ok' ? true : null));
        expect(recovery.add(backAt)).toBeLessThan(BACK_MS);
      }),
    );
    await traffic.stop();
    // Rung for again: without a bell a worker takes no more than a job in ten seconds.
    const sourceIds = await Promise.all(
      Array.from({ length: JOBS_AFTERWARDS }, (_, index) =>
        accounts[0].addText(urls[0], `${name} ${index}`, `After it was ${name}: ${index}.`),
      ),
    );
    await eventually('the jobs that were added afterwards', async () => {
      const ready = `sources where status = 'ready' and id = any ($1)`;
      return (await countRows(cluster, ready, [sourceIds])) === JOBS_AFTERWARDS ? true : null;
    });
    expect(ringing.add(backAt)).toBeLessThan(2 * BACK_MS);
    recovery.print();
    ringing.print();
    note(`Redis ${name}: ${JSON.stringify(traffic.summary())}`);
    expect(findUnserved(traffic.samples)).toEqual([]);
    expect(slowerThan(traffic.samples, HANG_MS)).toEqual([]);
    expect(await findBroken(chaos)).toEqual([]);
    expect(await countRows(cluster, `sources where status <> 'ready'`)).toBe(0);

    // No process has ended, and each has said a few times what is wrong, not at every try.
    expect(cluster.nodes.map((node) => node.processId())).toEqual(processes);
    const told = warningsOf(cluster.logLines()).slice(linesBefore.length);
    expect(told.length).toBeLessThan(10 * processes.length);
    const after = await Promise.all(processes.map(readProcessResources));
    const growth = after.map(
      ({ residentBytes }, index) => residentBytes - (before[index]?.residentBytes ?? 0),
    );
    note(`Redis ${name}: growth in MiB ${growth.map((bytes) => Math.round(bytes / MIB)).join(', ')}`);
    expect(growth.filter((bytes) => bytes > MAX_GROWTH_BYTES)).toEqual([]);
  });
});

function warningsOf(lines: string[]): string[] {
  return lines.filter((line) => /"level":"(warn|error|fatal)"/.test(line));
}
