import { lstat, mkdir, mkdtemp, readlink, realpath, rm, stat, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

import { afterEach, beforeEach, expect, it } from 'vitest';

import { prepareSocketDirectory } from './socket-directory.js';

let base: string;
const links: string[] = [];

beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), 'sockets-'));
});

afterEach(async () => {
  for (const link of links.splice(0)) await rm(link, { recursive: true });
  await rm(base, { recursive: true });
});

async function longDataDir(): Promise<string> {
  const dataDir = join(base, 'd'.repeat(150 - base.length - 1));
  await mkdir(dataDir);
  return dataDir;
}

it('is the run directory itself where its path is short enough, for its owner alone', async () => {
  const directory = await prepareSocketDirectory(base);

  expect(directory).toBe(join(base, 'run'));
  expect((await stat(directory)).mode & 0o777).toBe(0o700);
});

it('is the same short link to the run directory each time where the path is long', async () => {
  const dataDir = await longDataDir();

  const link = await prepareSocketDirectory(dataDir);
  links.push(link);

  expect(Buffer.byteLength(join(link, '.s.PGSQL.5432'))).toBeLessThanOrEqual(100);
  expect((await lstat(link)).isSymbolicLink()).toBe(true);
  expect(await realpath(link)).toBe(await realpath(join(dataDir, 'run')));
  expect(await prepareSocketDirectory(dataDir)).toBe(link);
});

it('does not follow a link of that name that leads elsewhere', async () => {
  const dataDir = await longDataDir();
  const usualLink = await prepareSocketDirectory(dataDir);
  links.push(usualLink);
  await rm(usualLink);
  await symlink(base, usualLink);

  const directory = await prepareSocketDirectory(dataDir);
  links.push(dirname(directory));

  expect(directory).not.toBe(usualLink);
  expect(await realpath(directory)).toBe(await realpath(join(dataDir, 'run')));
  expect((await stat(dirname(directory))).mode & 0o777).toBe(0o700);
  expect(await readlink(usualLink)).toBe(base);
});
