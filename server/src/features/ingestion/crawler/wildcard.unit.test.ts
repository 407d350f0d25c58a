import { describe, expect, it } from 'vitest';

import { matchesWildcard } from './wildcard.js';

describe('a wildcard pattern', () => {
  it.each([
    ['', '/', true],
    ['/fish', '/fishheads/yummy.html', true],
    ['/fish', '/Fish', false],
    ['/fish/', '/fish', false],
    ['*', '', true],
    ['/*.php', '/index?f=filename.php/', true],
    ['/*.php$', '/filename.php', true],
    ['/*.php$', '/filename.php?a', false],
    ['/*.php$', '/a.php/b.php', true],
    ['/a*b*c', '/acb', false],
    ['/a**c', '/abc', true],
    ['/a*$', '/abc', true],
    ['/$', '/', true],
    ['/$', '/a', false],
    ['$', '', true],
    ['$', '/', false],
    ['/a$b', '/a$bc', true],
    ['/*aba$', '/ab', false],
    ['/ab*ba$', '/aba', false],
    ['*/docs/*', '/en/docs/', true],
  ])('%s on %s: %s', (pattern, text, expected) => {
    expect(matchesWildcard(pattern, text)).toBe(expected);
  });

  it('does not go back, however many stars there are', () => {
    const text = 'a'.repeat(100_000);
    expect(matchesWildcard(`${'*a'.repeat(1_000)}b$`, text)).toBe(false);
    expect(matchesWildcard(`${'*a'.repeat(1_000)}$`, text)).toBe(true);
  });
});
