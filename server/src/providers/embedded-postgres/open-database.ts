import { existsSync } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { join } from 'node:path';

import { PGlite } from '@electric-sql/pglite';
import { vector } from '@electric-sql/pglite-pgvector';

/**
 * PGlite holds all of the pool in memory from the start; its own 128 MB make the process 90 MB larger, for a scan
 * of 10,000 vectors that takes 50 ms instead of 75 ms.
 */
const sharedBuffers = '64MB';
const keptLogLines = 10;

export function hasDatabase(directory: string): boolean {
  return existsSync(join(directory, 'PG_VERSION'));
}

/**
 * Makes an empty database. The caller holds the directory's lock, here and for `openDatabase`.
 * It is made beside its place and moved there whole: half of one, left by a crash, could never be opened.
 */
export async function createDatabase(directory: string): Promise<void> {
  const unfinished = `${directory}.unfinished`;
  await rm(unfinished, { recursive: true, force: true });
  const database = await openPglite(unfinished);
  await database.close();
  await rename(unfinished, directory);
}

/**
 * Opens the database with pgvector. A crash loses nothing that was committed; a loss of power may, since PGlite
 * leaves it to the system when to write to the disk.
 */
export async function openDatabase(directory: string): Promise<PGlite> {
  const database = await openPglite(directory);
  await database.exec('create extension if not exists vector');
  return database;
}

async function openPglite(directory: string): Promise<PGlite> {
  const logLines: string[] = [];
  let isOpen = false;
  try {
    const database = await PGlite.create(directory, {
      extensions: { vector },
      startParams: [...PGlite.defaultStartParams, '-c', `shared_buffers=${sharedBuffers}`],
      // Kept while it opens only: what PostgreSQL logs afterwards can hold what users wrote.
      onStderr: (line) => {
        if (!isOpen) logLines.push(line);
        return false;
      },
    });
    isOpen = true;
    return database;
  } catch (error) {
    const log = logLines.slice(-keptLogLines).join('\n');
    throw new Error(`The database in ${directory} cannot be opened.\n${log}`, { cause: error });
  }
}
