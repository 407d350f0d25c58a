import { describe, expect, it } from 'vitest';

import { createCrawlScope } from './crawl-scope.js';

const START = 'https://www.example.com/docs/';

function contained(patterns: { include?: string[]; exclude?: string[] }, urls: string[]): string[] {
  const scope = createCrawlScope(START, { include: [], exclude: [], ...patterns });
  return urls.filter((url) => scope.contains(url));
}

describe('the scope of a crawl', () => {
  it('is one host, with and without www, over http and https', () => {
    const inside = ['http://example.com/a', 'https://www.example.com/', 'https://EXAMPLE.com.:443/b#c'];
    const outside = [
      'https://docs.example.com/',
      'https://example.com:8443/',
      'http://example.org/',
      'mailto:a@b',
    ];
    expect(contained({}, [...inside, ...outside])).toEqual(inside);
  });

  it('keeps to the port of the start', () => {
    const scope = createCrawlScope('http://localhost:8080/', { include: [], exclude: [] });
    expect(scope.contains('http://localhost:8080/a')).toBe(true);
    expect(scope.contains('http://localhost/a')).toBe(false);
  });

  it('holds the start whatever the patterns say, and nothing when the start is no address', () => {
    expect(contained({ include: ['/none'], exclude: ['/docs/'] }, [START, `${START}a`])).toEqual([START]);
    expect(createCrawlScope('nowhere', { include: [], exclude: [] }).contains(START)).toBe(false);
  });

  it.each([
    ['/docs/', ['/docs/', '/docs/a', '/docs/a/b?page=2']],
    ['/docs/*/b', ['/docs/a/b?page=2']],
    ['/docs/**/b', ['/docs/a/b?page=2']],
    ['/docs/a$', ['/docs/a']],
    ['page=', ['/docs/a/b?page=2', '/blog?page=1']],
    ['.pdf$', ['/files/x.pdf']],
    ['https://www.example.com/docs/a', ['/docs/a', '/docs/a/b?page=2']],
    ['http://Example.com/*.pdf', ['/files/x.pdf']],
    ['https://other.example/', []],
    ['/über uns', ['/%C3%BCber%20uns']],
  ])('knows the pattern %s', (pattern, expected) => {
    const paths = [
      '/docs/',
      '/docs/a',
      '/docs/a/b?page=2',
      '/blog?page=1',
      '/files/x.pdf',
      '/%C3%BCber%20uns',
    ];
    const scope = createCrawlScope('https://example.com/start', { include: [pattern], exclude: [] });
    expect(paths.filter((path) => scope.contains(`https://example.com${path}`))).toEqual(expected);
  });

  it('takes out of what is included what is excluded, and passes over empty patterns', () => {
    const urls = ['https://example.com/docs/a', 'https://example.com/docs/print/a', 'https://example.com/b'];
    expect(contained({ include: ['/docs', ''], exclude: ['/print/', '/*/print/'] }, urls)).toEqual([urls[0]]);
    expect(contained({ include: [' '] }, urls)).toEqual(urls);
  });
});
