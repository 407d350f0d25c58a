import { existsSync, readFileSync } from 'node:fs';

import { describe, expect, it } from 'vitest';

import { serveOnLoopback as serve } from '#test/fakes/loopback-server.js';

import { isPublicAddress } from './address-guard.js';
import { createPageFetcher } from './page-fetcher.js';

const vectorsFile = new URL('../../../../../shared/data/corpora/ssrf/vectors.json', import.meta.url);
const VECTOR_PORT = '65500';
const never = new AbortController().signal;

/** Ways to write an address inside that a reader of addresses may stumble over. */
const ADDRESSES = [
  'http://127.0.0.1:PORT/',
  'http://127.0.0.1.:PORT/',
  'http://127.1:PORT/',
  'http://2130706433:PORT/',
  'http://0x7f.1:PORT/',
  'http://0:PORT/',
  'http://[::1]:PORT/',
  'http://[::ffff:127.0.0.1]:PORT/',
  'http://[::ffff:7f00:1]:PORT/',
  'http://[64:ff9b::7f00:1]:PORT/',
  'http://[::127.0.0.1]:PORT/',
  'http://localhost:PORT/',
  'http://localhost.:PORT/',
  'http://inner.example:PORT/',
  'http://inner.example.:PORT/',
  'http://public.example@127.0.0.1:PORT/',
  'http://public.example\\@127.0.0.1:PORT/',
  'http://127.0.0.1:PORT\\@public.example/',
  '//127.0.0.1:PORT/',
  '\\\\127.0.0.1:PORT\\',
  'http://%31%32%37.0.0.1:PORT/',
  'http://１２７.0.0.1:PORT/',
];

/** 127.0.0.2 plays the internet; every name leads inside. */
function createGuardedFetcher() {
  return createPageFetcher(
    { allowPrivateNetworks: false, maxBytes: 1_000, timeoutMs: 10_000, maxRedirects: 5, userAgent: 'x' },
    {
      resolveHost: () => Promise.resolve([{ address: '127.0.0.1', family: 4 }]),
      isPublicAddress: (address) => address === '127.0.0.2' || isPublicAddress(address),
    },
  );
}

const reasonOf = (fetching: Promise<unknown>) =>
  fetching.then(
    () => 'fetched',
    (error: { reason?: string }) => error.reason,
  );

// 127.0.0.2 answers on Linux without being set up.
describe.skipIf(process.platform !== 'linux')('an address inside', () => {
  it.each([301, 302, 303, 307, 308])(
    'is not dialled, be it asked for or the target of a %i',
    async (status) => {
      const decoy = await serve((_request, response) => response.end('secret'));
      let location = '';
      const start = await serve(
        (_request, response) => response.writeHead(status, { location }).end(),
        '127.0.0.2',
      );
      const fetcher = createGuardedFetcher();
      for (const address of ADDRESSES) {
        location = Buffer.from(address.replace('PORT', String(decoy.port))).toString('latin1');
        const url = address.replace('PORT', String(decoy.port));
        const asked = await reasonOf(fetcher.fetch({ url }, never));
        const led = await reasonOf(fetcher.fetch({ url: start.url }, never));
        expect(`${url} ${asked} ${led}`).toMatch(/(?: (?:blocked_address|invalid_url)){2}$/);
      }
      expect(decoy.connections).toBe(0);
      expect(start.requests).toHaveLength(ADDRESSES.length);
    },
  );

  it.skipIf(!existsSync(vectorsFile))(
    'is not dialled for any of the shared SSRF vectors (skipped where they are absent)',
    async () => {
      const decoy = await serve((_request, response) => response.end('secret'));
      const vectors = (JSON.parse(readFileSync(vectorsFile, 'utf8')) as { url: string; why: string }[])
        .filter(({ why }) => !why.includes('needs the local'))
        .map(({ url }) => url.replaceAll(VECTOR_PORT, String(decoy.port)));
      let location = '';
      const start = await serve(
        (_request, response) => response.writeHead(302, { location }).end(),
        '127.0.0.2',
      );
      const fetcher = createGuardedFetcher();
      for (const url of vectors) {
        expect([url, await reasonOf(fetcher.fetch({ url }, never))]).not.toContain('fetched');
        location = Buffer.from(url.replaceAll(/[\t\r\n]/g, '')).toString('latin1');
        expect([url, await reasonOf(fetcher.fetch({ url: start.url }, never))]).not.toContain('fetched');
      }
      expect(vectors.length).toBeGreaterThan(40);
      expect(decoy.connections).toBe(0);
    },
  );

  it('is not dialled when a name has changed its mind between two connections of one visit', async () => {
    let questions = 0;
    const page = await serve(
      (_request, response) => response.writeHead(302, { location: '/next', connection: 'close' }).end(),
      '127.0.0.2',
    );
    const decoy = await serve((_request, response) => response.end('secret'), '127.0.0.1', page.port);
    const fetcher = createPageFetcher(
      { allowPrivateNetworks: false, maxBytes: 1_000, timeoutMs: 10_000, maxRedirects: 5, userAgent: 'x' },
      {
        resolveHost: () => {
          questions += 1;
          return Promise.resolve([{ address: questions % 2 === 1 ? '127.0.0.2' : '127.0.0.1', family: 4 }]);
        },
        isPublicAddress: (address) => address === '127.0.0.2',
      },
    );
    for (let visit = 0; visit < 100; visit += 1) {
      const url = `http://flips.example:${page.port}/`;
      expect(await reasonOf(fetcher.fetch({ url }, never))).toBe('blocked_address');
    }
    expect([questions, page.requests.length, decoy.connections]).toEqual([200, 100, 0]);
  });
});
