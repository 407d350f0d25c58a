import { readdir } from 'node:fs/promises';
import { join, relative } from 'node:path';

/** Files in the local storage of a data directory that no key leads to, partial ones too. */
export async function listOrphanFiles(dataDir: string, keys: ReadonlySet<string>): Promise<string[]> {
  const folder = join(dataDir, 'files');
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
    .filter((file) => !keys.has(file));
}
