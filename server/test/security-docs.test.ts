import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
const rowsOf = (document: string) =>
  document.split('\n').filter((line) => /^\| (?!Advisory|Item|Threat|-)/.test(line));
const cellsOf = (row: string) => row.split('|').map((cell) => cell.trim());

/** What a document says of tests: the file, and the name of the test where it is given. */
function namedTests(document: string): { file: string; name: string }[] {
  return [...document.matchAll(/`([\w/.-]+\.test\.ts)`(?: › ([^;|]+))?/g)].map(
    ([, file = '', name = '']) => ({
      file,
      name: name.split('. ')[0]?.trim() ?? '',
    }),
  );
}

describe.each(['docs/vulnerabilities.md', 'docs/asvs.md', 'SECURITY.md'])('%s', (path) => {
  it('names tests that there are', () => {
    const tests = namedTests(read(path));
    expect(tests.length).toBeGreaterThan(10);
    const missing = tests.filter(({ file, name }) => !read(file).includes(name));
    expect(missing).toEqual([]);
  });
});

describe('the counts', () => {
  it.each([
    [
      'docs/vulnerabilities.md',
      /(\d+) rows: (\d+) covered by a test, (\d+) in part, (\d+) not covered, (\d+) about/,
      ['covered', 'in part', 'not covered', 'no such feature'],
    ],
    [
      'docs/asvs.md',
      /(\d+) items: (\d+) met, (\d+) in part, (\d+) not met, (\d+) not/,
      ['met', 'in part', 'not met', 'not applicable'],
    ],
  ] as const)('of %s are those of its table', (path, pattern, states) => {
    const document = read(path);
    const stated = pattern.exec(document.replaceAll('\n', ' '))?.slice(1).map(Number);
    const rows = rowsOf(document).map(cellsOf);
    const counts = states.map((state) => rows.filter((cells) => cells.includes(state)).length);
    expect(stated).toEqual([rows.length, ...counts]);
  });
});
