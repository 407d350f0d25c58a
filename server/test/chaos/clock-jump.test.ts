import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { eventually } from '../eventually.js';
import { type Chaos, countRows, startChaos } from './chaos-cluster.js';
import { slowerThan, startTraffic } from './traffic.js';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const LOAD_PER_SECOND = 15;
const ROUND_MS = 4_000;

/** Shifts the wall clock of a process by what stands in a file, which it reads again at SIGUSR2; timers stay. */
const SHIFTED_CLOCK = `
import { readFileSync } from 'node:fs';
const file = process.env.CLOCK_FILE;
let shiftMs = 0;
const read = () => { if (file) shiftMs = Number(readFileSync(file, 'utf8')); };
const RealDate = Date;
globalThis.Date = class Date extends RealDate {
  constructor(...values) { super(...(values.length === 0 ? [RealDate.now() + shiftMs] : values)); }
  static now() { return RealDate.now() + shiftMs; }
};
read();
process.on('SIGUSR2', read);
`;

let chaos: Chaos;
let directory: string;
let clockFile: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'botbase-clock-'));
  clockFile = join(directory, 'shift');
  const preload = join(directory, 'shifted-clock.mjs');
  await writeFile(clockFile, '0');
  await writeFile(preload, SHIFTED_CLOCK);
  chaos = await startChaos({ settings: { NODE_OPTIONS: `--import ${preload}`, CLOCK_FILE: clockFile } });
});
afterAll(async () => {
  await chaos.close();
  await rm(directory, { recursive: true, force: true });
});

/** On all processes: what jumps is the machine's clock. The database has one of its own, which stays. */
async function jump(shiftMs: number): Promise<void> {
  await writeFile(clockFile, String(shiftMs));
  for (const node of chaos.cluster.nodes) node.signal('SIGUSR2');
  await delay(500);
}

async function expectNormal(): Promise<void> {
  const traffic = startTraffic(chaos, {
    perSecond: LOAD_PER_SECOND,
    acts: ['ask', 'read', 'add', 'stream', 'login'],
  });
  await delay(ROUND_MS);
  await traffic.stop();
  expect([...new Set(traffic.samples.map(({ outcome }) => outcome))].toSorted()).toEqual([
    '200',
    '200 done',
    '202',
  ]);
  expect(slowerThan(traffic.samples, 10_000)).toEqual([]);
}

const until = async (accepted: number) =>
  eventually('all sources to be ready', async () =>
    (await countRows(chaos.cluster, `sources where status = 'ready'`)) === accepted ? true : null,
  );

it('a clock that jumps an hour ahead, and back, loses and doubles nothing', async () => {
  const { cluster, accounts } = chaos;
  for (const shiftMs of [0, HOUR_MS, 0]) {
    await jump(shiftMs);
    await expectNormal();
    // What waits in the queue when the clock goes back would wait for its own time.
    await until(accounts.flatMap(({ accepted }) => accepted.sourceIds).length);
  }
  expect(await chaos.findBroken()).toEqual([]);
  const embedded = `embeddings group by chunk_id having count(*) > 1`;
  expect(await countRows(cluster, `(select chunk_id from ${embedded}) as doubled`)).toBe(0);
});

it('a clock that jumps forty days ahead ends nobody’s token: time is what the database says', async () => {
  const { accounts, urls } = chaos;
  const [account] = accounts;
  await jump(40 * DAY_MS);
  for (const url of urls) {
    expect((await account.send(url, 'GET', '/v1/auth/me')).status).toBe(200);
    expect((await account.ask(url)).status).toBe(200);
    const body = { type: 'text', name: 'Later', text: `Later, at ${url}.` };
    const added = await account.send(url, 'POST', `${account.project}/sources`, { body });
    expect(added.status).toBe(202);
    account.accepted.sourceIds.push(String(added.json()['id']));
  }
  await until(accounts.flatMap(({ accepted }) => accepted.sourceIds).length);
  await jump(0);
  await expectNormal();
  expect(await chaos.findBroken()).toEqual([]);
});
