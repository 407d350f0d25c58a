import { execFile } from 'node:child_process';
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { eventually } from '../eventually.js';
import { type Chaos, countRows, startChaos } from './chaos-cluster.js';
import { note } from './recovery-times.js';
import { findBroken } from './service-faults.js';

const execute = promisify(execFile);

const MIB = 1024 * 1024;
const DISK_MIB = 10;
/** Each half of what is left: the second at once with the first does not fit. */
const FILE_BYTES = 3 * MIB;
const isRoot = process.getuid?.() === 0;

let chaos: Chaos;
let files: string;
let isMounted = false;

beforeAll(async () => {
  if (!isRoot) return;
  chaos = await startChaos();
  files = join(chaos.cluster.dataDir, 'files');
  await mkdir(files, { recursive: true });
  isMounted = await execute('mount', ['-t', 'tmpfs', '-o', `size=${DISK_MIB}m`, 'tmpfs', files]).then(
    () => true,
    () => false,
  );
  if (!isMounted) note('skipped: the disk that runs full, since nothing can be mounted here');
});
afterAll(async () => {
  if (isMounted) await execute('umount', ['-l', files]);
  if (isRoot) await chaos.close();
});

const listFiles = async () =>
  (await readdir(files, { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map(({ name }) => name);

async function upload(side: number, name: string, bytes: number) {
  const form = new FormData();
  // Its words are few: what is measured is the disk.
  form.set('file', new Blob([`A ship named ${name}.\n`, ' '.repeat(bytes)]), `${name}.txt`);
  const account = chaos.accounts[side % 2 === 0 ? 0 : 1];
  const url = chaos.urls[side % 2 === 0 ? 0 : 1];
  const reply = await account.send(url, 'POST', `${account.project}/sources`, { body: form });
  if (reply.status < 300) account.accepted.sourceIds.push(String(reply.json()['id']));
  return reply;
}

it.runIf(isRoot)(
  'refuses uploads that a full disk does not hold, leaves nothing of them, and recovers',
  async ({ skip }) => {
    if (!isMounted) skip();
    const { cluster, accounts, urls } = chaos;
    const replies = await Promise.all(
      Array.from({ length: 10 }, (_, index) => upload(index, `crowd-${index}`, FILE_BYTES)),
    );
    const stored = replies.filter(({ status }) => status < 300);
    const refused = replies.filter(({ status }) => status >= 300);
    expect(new Set(refused.map(({ status }) => status))).toEqual(new Set([503]));
    for (const { headers } of refused) {
      expect(headers.get('content-type')).toContain('application/problem+json');
      expect(headers.get('retry-after')).toMatch(/^[1-9]\d*$/);
    }
    expect(stored.length).toBeLessThanOrEqual(DISK_MIB / 3);
    // The accounts' own sources are files too, of the time before.
    expect(await countRows(cluster, `sources where origin ? 'fileKey'`)).toBe(
      accounts.length + stored.length,
    );
    expect(await listFiles()).toHaveLength(stored.length);

    // The last byte is taken by another program: chat goes on, readiness says what is wrong.
    const ballast = join(files, 'ballast');
    await writeFile(ballast, Buffer.alloc(DISK_MIB * MIB)).catch(() => {});
    expect((await upload(0, 'late', 1_000)).status).toBe(503);
    const body = { type: 'text', name: 'Words', text: 'Words are kept in a file as well.' };
    expect((await accounts[0].send(urls[1], 'POST', `${accounts[0].project}/sources`, { body })).status).toBe(
      503,
    );
    for (const [index, url] of urls.entries()) {
      expect((await accounts[index === 0 ? 0 : 1].ask(url)).status).toBe(200);
    }
    await rm(ballast);
    const { status } = await eventually('an upload to be taken again', async () => {
      const reply = await upload(1, 'after', 1_000);
      return reply.status < 300 ? reply : null;
    });
    expect(status).toBe(202);
    expect((await findBroken(chaos)).filter((line) => !line.includes('ballast'))).toEqual([]);
    expect(await countRows(cluster, `sources where status <> 'ready'`)).toBe(0);
  },
);

it.skipIf(isRoot)('a disk that runs full: only root can mount one', () => {});
