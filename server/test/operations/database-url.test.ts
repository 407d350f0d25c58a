import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';

const SCRIPT = fileURLToPath(new URL('../../../scripts/database-url.sh', import.meta.url));

/** @returns the address for command lines, and the password beside it */
async function readAddress(url: string): Promise<string[]> {
  const show = `set -euo pipefail; . "$0"; printf '%s\\n%s' "$database" "\${PGPASSWORD-none}"`;
  const env = { PATH: process.env['PATH'], DATABASE_URL: url };
  const { stdout } = await promisify(execFile)('bash', ['-c', show, SCRIPT], { env });
  return stdout.split('\n');
}

describe('scripts/database-url.sh', () => {
  it.each([
    ['plain1', 'plain1'],
    ['a%40b%2Fc%25d', 'a@b/c%d'],
    ['%e2%82%ac', '€'],
    [String.raw`a\nb\x41\c\\d`, String.raw`a\nb\x41\c\\d`],
    [String.raw`%5Cn\%41&`, String.raw`\n\A&`],
  ])('takes the password %s out of the address', async (written, password) => {
    expect(await readAddress(`postgres://botbase:${written}@db:5432/botbase?sslmode=require`)).toEqual([
      'postgres://botbase@db:5432/botbase?sslmode=require',
      password,
    ]);
  });

  it('leaves an address without a password as it is', async () => {
    expect(await readAddress('postgres://botbase@db/botbase')).toEqual([
      'postgres://botbase@db/botbase',
      'none',
    ]);
  });
});
