import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from 'node:zlib';

import { describe, expect, it } from 'vitest';

import { SourceError } from '#kernel/source-error.js';
import { serveOnLoopback as serve } from '#test/fakes/loopback-server.js';

import { createPageFetcher } from './page-fetcher.js';

const never = new AbortController().signal;
const LIMITS = { allowPrivateNetworks: true, maxBytes: 100_000, timeoutMs: 10_000, maxRedirects: 5 };
const fetcher = createPageFetcher({ ...LIMITS, userAgent: 'Botbase-Test/1.0' });
const textOf = (page: { body: Uint8Array }) => Buffer.from(page.body).toString();

describe('a page that was fetched before', () => {
  it('is told to be unchanged, by its etag or by its date', async () => {
    const { url } = await serve((request, response) => {
      const isKnown = request.headers['if-none-match'] === '"v1"' || 'if-modified-since' in request.headers;
      response.setHeader('etag', '"v1"').setHeader('last-modified', 'Mon, 05 Jan 2026 10:00:00 GMT');
      response.writeHead(isKnown ? 304 : 200).end(isKnown ? '' : 'text');
    });
    const page = await fetcher.fetch({ url }, never);
    expect(page).toMatchObject({
      isUnchanged: false,
      etag: '"v1"',
      lastModified: 'Mon, 05 Jan 2026 10:00:00 GMT',
    });
    for (const known of [{ etag: page.etag }, { lastModified: page.lastModified }]) {
      const again = await fetcher.fetch({ url, ...known }, never);
      expect(again).toEqual({ ...page, isUnchanged: true, mediaType: null, body: new Uint8Array() });
    }
  });

  it('keeps what a 304 leaves out', async () => {
    const { url } = await serve((_request, response) => response.writeHead(304).end());
    const known = { etag: 'W/"1"', lastModified: 'Mon, 05 Jan 2026 10:00:00 GMT' };
    expect(await fetcher.fetch({ url, ...known }, never)).toMatchObject({ isUnchanged: true, ...known });
  });

  it('is known by its etag after a redirect, and there not by its date', async () => {
    const seen: unknown[] = [];
    const { url } = await serve((request, response) => {
      const { 'if-none-match': etag, 'if-modified-since': date } = request.headers;
      seen.push([request.url, etag, date]);
      if (request.url === '/old') response.writeHead(301, { location: '/new' }).end();
      else response.end('new');
    });
    await fetcher.fetch({ url: `${url}/old`, etag: '"v1"', lastModified: 'yesterday' }, never);
    expect(seen).toEqual([
      ['/old', '"v1"', 'yesterday'],
      ['/new', '"v1"', undefined],
    ]);
  });

  it('is fetched anew where what is known of it is no header', async () => {
    const { url } = await serve((request, response) =>
      response.end(request.headers['if-none-match'] ?? 'none'),
    );
    expect(textOf(await fetcher.fetch({ url, etag: 'a\r\nx: y' }, never))).toBe('none');
    expect(textOf(await fetcher.fetch({ url, etag: 'a'.repeat(2_000) }, never))).toBe('none');
  });
});

describe('what a server says beside the page', () => {
  it('is kept: each value of X-Robots-Tag', async () => {
    const tags = ['googlebot: noindex, nofollow', 'unavailable_after: 25 Jun 2027 15:00:00 PST'];
    const { url } = await serve((_request, response) => response.setHeader('x-robots-tag', tags).end('x'));
    expect((await fetcher.fetch({ url }, never)).robotsTags).toEqual(tags);
  });

  it('does not lead elsewhere by Refresh', async () => {
    const seen = await serve((_request, response) => response.setHeader('refresh', '0; url=/b').end('a'));
    expect(textOf(await fetcher.fetch({ url: `${seen.url}/a` }, never))).toBe('a');
    expect(seen.requests).toEqual(['/a']);
  });

  it.each([
    [429, '7', 7_000],
    [503, 'Mon, 05 Jan 2026 10:02:00 GMT', 120_000],
    [503, 'Mon, 05 Jan 2026 09:00:00 GMT', 0],
    [429, '86400', 600_000],
    [429, '-5', null],
    [429, 'soon', null],
    [500, '7', null],
  ])('is heeded: %i with Retry-After %s', async (status, value, retryAfterMs) => {
    const { url } = await serve((_request, response) => {
      response.setHeader('date', 'Mon, 05 Jan 2026 10:00:00 GMT').setHeader('retry-after', value);
      response.writeHead(status).end();
    });
    const failure = { reason: `http_${status}`, retryable: true, retryAfterMs };
    await expect(fetcher.fetch({ url }, never)).rejects.toMatchObject(failure);
  });
});

describe('a redirect', () => {
  it('is followed where the caller allows it, who is asked before it is dialled', async () => {
    const asked: string[] = [];
    const target = await serve((_request, response) => response.end('there'));
    const { url } = await serve((_request, response) =>
      response.writeHead(302, { location: `${target.url}/x#part` }).end(),
    );
    const refusal = new SourceError('out_of_scope', 'another site');
    const mayFollow = (address: string) => {
      asked.push(address);
      if (asked.length > 1) throw refusal;
    };
    expect(textOf(await fetcher.fetch({ url, mayFollow }, never))).toBe('there');
    await expect(fetcher.fetch({ url, mayFollow }, never)).rejects.toBe(refusal);
    expect(asked).toEqual([`${target.url}/x`, `${target.url}/x`]);
    expect(target.requests).toEqual(['/x']);
  });

  it('that the caller’s own fault stops is that fault', async () => {
    const { url } = await serve((_request, response) => response.writeHead(302, { location: '/x' }).end());
    const mayFollow = () => Promise.reject(new TypeError('a bug'));
    await expect(fetcher.fetch({ url, mayFollow }, never)).rejects.toThrow(new TypeError('a bug'));
  });

  it('in a circle ends when it comes round', async () => {
    const seen = await serve((request, response) =>
      response.writeHead(302, { location: request.url === '/a' ? '/b' : '/a' }).end(),
    );
    await expect(fetcher.fetch({ url: `${seen.url}/a` }, never)).rejects.toMatchObject({
      reason: 'too_many_redirects',
    });
    expect(seen.requests).toEqual(['/a', '/b']);
  });

  it('has a body that may never end', async () => {
    const { url } = await serve((request, response) => {
      if (request.url === '/x') response.end('there');
      else response.writeHead(302, { location: '/x' }).write('<h1>moved');
    });
    expect(textOf(await fetcher.fetch({ url }, never))).toBe('there');
  });
});

describe('a body', () => {
  it.each([
    ['gzip', gzipSync('packed')],
    ['x-gzip', gzipSync('packed')],
    ['br', brotliCompressSync('packed')],
    ['deflate', deflateSync('packed')],
    ['deflate', deflateRawSync('packed')],
    ['deflate, br', brotliCompressSync(deflateSync('packed'))],
    ['GZIP', gzipSync('packed').subarray(0, -8)],
    ['utf-8', Buffer.from('packed')],
    ['identity', Buffer.from('packed')],
  ])('packed by %s is read', async (encoding, bytes) => {
    const { url } = await serve((request, response) => {
      expect(request.headers['accept-encoding']).toBe('gzip, br, deflate');
      response.setHeader('content-encoding', encoding).end(bytes);
    });
    expect(textOf(await fetcher.fetch({ url }, never))).toBe('packed');
  });

  it.each([
    ['gzip', gzipSync(Buffer.alloc(50_000_000))],
    ['br', brotliCompressSync(Buffer.alloc(50_000_000))],
    ['deflate', deflateSync(Buffer.alloc(50_000_000))],
    ['gzip, gzip', gzipSync(gzipSync(Buffer.alloc(50_000_000)))],
  ])('packed by %s that unfolds to more than the limit is not unfolded', async (encoding, bomb) => {
    const { url } = await serve((_request, response) =>
      response.setHeader('content-encoding', encoding).end(bomb),
    );
    const before = process.memoryUsage().arrayBuffers;
    await expect(fetcher.fetch({ url }, never)).rejects.toMatchObject({ reason: 'too_large' });
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(5_000_000);
  });

  it.each(['gzip', 'br', 'deflate', 'gzip, gzip, gzip'])(
    'that is not what %s gives fails for good',
    async (encoding) => {
      const { url } = await serve((_request, response) =>
        response.setHeader('content-encoding', encoding).end('\xff not packed at all'),
      );
      await expect(fetcher.fetch({ url }, never)).rejects.toMatchObject({
        reason: 'fetch_failed',
        retryable: false,
      });
    },
  );

  it('is read as far as the request allows, be it less or more than usual', async () => {
    const { url } = await serve((_request, response) => response.end(Buffer.alloc(150_000)));
    expect((await fetcher.fetch({ url, maxBytes: 150_000 }, never)).body.byteLength).toBe(150_000);
    await expect(fetcher.fetch({ url, maxBytes: 149_999 }, never)).rejects.toMatchObject({
      reason: 'too_large',
    });
  });

  it('without a type is read, and one that is cut off is worth another try', async () => {
    const { url } = await serve((request, response) => {
      if (request.url === '/plain') response.end('x');
      else response.writeHead(200, { 'content-length': 10 }).write('half', () => response.destroy());
    });
    expect(await fetcher.fetch({ url: `${url}/plain` }, never)).toMatchObject({ mediaType: null });
    await expect(fetcher.fetch({ url: `${url}/cut` }, never)).rejects.toMatchObject({
      reason: 'fetch_failed',
      retryable: true,
    });
  });

  it('that trickles is ended by the time limit', async () => {
    const { url } = await serve((_request, response) => {
      const dripping = setInterval(() => response.write('a'), 20);
      response.on('close', () => clearInterval(dripping));
    });
    const hurried = createPageFetcher({ ...LIMITS, timeoutMs: 200, userAgent: 'x' });
    await expect(hurried.fetch({ url }, never)).rejects.toMatchObject({ reason: 'timeout', retryable: true });
  });

  it('that was read leaves its connection for the next', async () => {
    const seen = await serve((_request, response) =>
      response.setHeader('content-encoding', 'gzip').end(gzipSync('packed')),
    );
    for (let visit = 0; visit < 5; visit += 1) await fetcher.fetch({ url: seen.url }, never);
    expect(seen.connections).toBe(1);
  });
});
