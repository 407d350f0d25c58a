import { chmod, lstat, mkdir, mkdtemp, readlink, realpath, symlink } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';

import { sha256Hex } from '#kernel/hash.js';

/** The name that PostgreSQL clients look for in a socket directory, at port 5432. */
export const socketName = '.s.PGSQL.5432';

/** The kernel takes 107 bytes on Linux and 103 on macOS and cuts longer paths silently. */
const longestSocketPathBytes = 100;

/**
 * Makes the directory of the sockets, `<dataDir>/run`, for our user alone, and gives a path to it that is short
 * enough for a socket in it: the directory itself, or a link to it from the system's temporary directory.
 */
export async function prepareSocketDirectory(dataDir: string): Promise<string> {
  const runDirectory = join(dataDir, 'run');
  await mkdir(runDirectory, { recursive: true, mode: 0o700 });
  await chmod(runDirectory, 0o700);
  if (isShortEnough(runDirectory)) return runDirectory;

  const target = await realpath(runDirectory);
  const link = join(tmpdir(), `botbase-${sha256Hex(target).slice(0, 16)}`);
  if (await linkTo(target, link)) return requireShort(link, dataDir);
  // Someone else has that name: take a directory that nobody can have prepared.
  const privateLink = join(await mkdtemp(join(tmpdir(), 'botbase-')), 'run');
  await symlink(target, privateLink);
  return requireShort(privateLink, dataDir);
}

/** False when the name is taken by anything but our own link to the same place. */
async function linkTo(target: string, link: string): Promise<boolean> {
  try {
    await symlink(target, link);
    return true;
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
  }
  const existing = await lstat(link);
  const isOurs = existing.isSymbolicLink() && existing.uid === userInfo().uid;
  return isOurs && (await readlink(link)) === target;
}

function requireShort(directory: string, dataDir: string): string {
  if (isShortEnough(directory)) return directory;
  throw new Error(
    `No path to the database's socket is short enough: ${dataDir} is too long, and so is the temporary ` +
      `directory ${tmpdir()}. Set DATA_DIR to a shorter path.`,
  );
}

function isShortEnough(directory: string): boolean {
  return Buffer.byteLength(join(directory, socketName)) <= longestSocketPathBytes;
}
