import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';

const CORPORA = fileURLToPath(new URL('../../../shared/data/corpora/', import.meta.url));
const BLOCK_BYTES = 512;

/** The path of a file of the shared test data, or null where it is not at hand. */
export function corpusOrNull(path: string): string | null {
  const file = `${CORPORA}${path}`;
  if (existsSync(file)) return file;
  process.stdout.write(`skipped: ../shared/data/corpora/${path} is not here\n`);
  return null;
}

/** The files of a gzipped tar archive (POSIX ustar), by name. */
export function readTarball(path: string): Map<string, Buffer> {
  const archive = gunzipSync(readFileSync(path));
  const files = new Map<string, Buffer>();
  for (let offset = 0; offset + BLOCK_BYTES <= archive.length;) {
    const name = fieldAt(archive, offset, 100);
    const bytes = Number.parseInt(fieldAt(archive, offset + 124, 12), 8) || 0;
    const type = fieldAt(archive, offset + 156, 1);
    const start = offset + BLOCK_BYTES;
    if (name !== '' && (type === '' || type === '0')) files.set(name, archive.subarray(start, start + bytes));
    offset = start + Math.ceil(bytes / BLOCK_BYTES) * BLOCK_BYTES;
  }
  return files;
}

function fieldAt(archive: Buffer, start: number, bytes: number): string {
  return archive
    .toString('latin1', start, start + bytes)
    .replace(/\0.*$/s, '')
    .trim();
}
