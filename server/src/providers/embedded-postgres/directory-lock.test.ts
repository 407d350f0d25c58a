import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { link, mkdtemp, readdir, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, expect, it } from 'vitest';

import { takeDirectoryLock } from './directory-lock.js';

const contenderScript = new URL('../../../test/fixtures/embedded-lock-contender.ts', import.meta.url);

let directory: string;
const contenders: ChildProcess[] = [];

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'lock-'));
});

afterEach(async () => {
  for (const contender of contenders.splice(0)) contender.kill('SIGKILL');
  await rm(directory, { recursive: true });
});

async function startContender(): Promise<ChildProcess> {
  const contender = fork(contenderScript, { execArgv: ['--import', 'tsx', '--conditions=botbase-source'] });
  contenders.push(contender);
  await once(contender, 'message');
  return contender;
}

async function ask(contender: ChildProcess, request: object | string): Promise<unknown> {
  const answered = once(contender, 'message');
  contender.send(request);
  const [answer] = await answered;
  return answer;
}

/** What a process leaves behind that was killed: a socket that nobody listens on. */
async function leaveDeadSocket(name: string): Promise<void> {
  const server = createServer().listen(join(directory, 'dying'));
  await once(server, 'listening');
  await link(join(directory, 'dying'), join(directory, name));
  await new Promise((resolve) => server.close(resolve));
}

it('is won by exactly one of several processes at once, beside sockets of dead ones', async () => {
  const processes = await Promise.all(Array.from({ length: 6 }, startContender));

  for (let round = 0; round < 25; round += 1) {
    const entrants = processes.slice(0, 2 + (round % 5));
    for (const name of ['lock-00000000', 'lock-7fffffff', 'lock-ffffffff']) await leaveDeadSocket(name);

    const contend = () =>
      Promise.all(entrants.map((entrant) => ask(entrant, { take: directory, waitMs: 200 })));
    let results = await contend();
    // On a busy machine the time of all of them may run out before one of them has looked twice.
    while (!results.includes('won')) results = await contend();

    expect(results.filter((result) => result === 'won')).toHaveLength(1);
    expect(await readdir(directory)).toHaveLength(1);
    await Promise.all(entrants.map((entrant) => ask(entrant, 'release')));
  }
  expect(await readdir(directory)).toEqual([]);
});

it('is kept while its process lives and free as soon as that is killed', async () => {
  const owner = await startContender();
  expect(await ask(owner, { take: directory, waitMs: 0 })).toBe('won');
  expect(await takeDirectoryLock(directory, 0)).toBeNull();

  const waiting = takeDirectoryLock(directory, 30_000);
  owner.kill('SIGKILL');
  const lock = await waiting;

  expect(lock).not.toBeNull();
  await lock?.release();
});

it('is kept while its process is stopped', async () => {
  const owner = await startContender();
  await ask(owner, { take: directory, waitMs: 0 });

  owner.kill('SIGSTOP');

  expect(await takeDirectoryLock(directory, 0)).toBeNull();
});
