import { randomBytes } from 'node:crypto';
import { chmod, readdir, rename, rm } from 'node:fs/promises';
import { connect, createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

/** As long as `.s.PGSQL.5432` at most, so that a directory that is short enough for that one is so for these. */
const lockPrefix = 'lock-';
const unboundPrefix = 'temp-';
const retryMs = 50;

export interface DirectoryLock {
  /** Lets the next one in. To be called when nothing in the directory is used any more. */
  release: () => Promise<void>;
}

/**
 * Takes the lock of a directory for this process, or gives null when another one still has it after `waitMs`.
 *
 * A lock is a listening unix socket in the directory: the kernel closes it with its process however that ends,
 * and it means the same in every container, which a process id does not. Who wants the lock first shows its own
 * socket under a name that is never used twice, and only then looks for others: of two at once at least one
 * sees the other, and who sees a live one does not hold the lock. Of several that wait the one with the smallest
 * name stays and the others withdraw, so one of them wins. A socket that refuses connections is of a dead
 * process, and its name may be removed by anyone: no live one will ever have it.
 * This holds for processes on one kernel; a network file system is not guarded.
 */
export async function takeDirectoryLock(directory: string, waitMs: number): Promise<DirectoryLock | null> {
  const deadline = performance.now() + waitMs;
  for (;;) {
    if ((await liveLocks(directory)).length === 0) {
      const lock = await contend(directory, deadline);
      if (lock !== null) return lock;
    }
    if (performance.now() > deadline) return null;
    await delay(retryMs);
  }
}

async function contend(directory: string, deadline: number): Promise<DirectoryLock | null> {
  const own = await showSocket(directory);
  for (;;) {
    const others = (await liveLocks(directory)).filter((name) => name !== own.name);
    if (others.length === 0) return { release: own.hide };
    const isFirst = others.every((name) => own.name < name);
    if (!isFirst || performance.now() > deadline) {
      await own.hide();
      return null;
    }
    await delay(retryMs);
  }
}

/** Shows a socket of ours under its name. It listens before it has the name: until then it would look dead. */
async function showSocket(directory: string): Promise<{ name: string; hide: () => Promise<void> }> {
  const id = randomBytes(4).toString('hex');
  const name = `${lockPrefix}${id}`;
  const unboundPath = join(directory, `${unboundPrefix}${id}`);
  const server = createServer((socket) => socket.destroy());
  await listen(server, unboundPath);
  await chmod(unboundPath, 0o600);
  await rename(unboundPath, join(directory, name));

  async function hide() {
    await rm(join(directory, name), { force: true });
    await new Promise((resolve) => server.close(resolve));
  }
  return { name, hide };
}

/** The names of the sockets whose processes live; those of dead ones are removed. */
async function liveLocks(directory: string): Promise<string[]> {
  const names = (await readdir(directory)).filter((name) => name.startsWith(lockPrefix));
  const states = await Promise.all(names.map((name) => probe(join(directory, name))));
  const dead = names.filter((_, index) => states[index] === 'dead');
  await Promise.all(dead.map((name) => rm(join(directory, name), { force: true })));
  return names.filter((_, index) => states[index] === 'live');
}

/** Anything but a clear refusal counts as life: a process that is stopped or busy still has its files open. */
function probe(path: string): Promise<'live' | 'dead' | 'gone'> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.on('connect', () => {
      socket.destroy();
      resolve('live');
    });
    socket.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') resolve('gone');
      else resolve(error.code === 'ECONNREFUSED' ? 'dead' : 'live');
    });
  });
}

function listen(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, () => {
      server.off('error', reject);
      resolve();
    });
  });
}
