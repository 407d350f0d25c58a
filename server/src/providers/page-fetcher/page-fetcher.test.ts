import { gzipSync } from 'node:zlib';

import { describe, expect, it } from 'vitest';

import { serveOnLoopback as serve } from '#test/fakes/loopback-server.js';

import { createPageFetcher, type PageFetcherOptions, type PageNetwork } from './page-fetcher.js';

const MEBIBYTE = 1024 * 1024;
const never = new AbortController().signal;

function createFetcher(overrides: Partial<PageFetcherOptions> = {}, network?: PageNetwork) {
  return createPageFetcher(
    {
      allowPrivateNetworks: true,
      maxBytes: MEBIBYTE,
      timeoutMs: 10_000,
      maxRedirects: 3,
      userAgent: 'Botbase-Test/1.0',
      ...overrides,
    },
    network,
  );
}

const failure = (reason: string, retryable = false) =>
  expect.objectContaining({ name: 'SourceError', reason, retryable }) as Error;

describe('createPageFetcher', () => {
  it('gives body, media type and the address after redirects', async () => {
    let agent: string | undefined;
    const { url } = await serve((request, response) => {
      agent = request.headers['user-agent'];
      if (request.url === '/old') response.writeHead(308, { location: '/n%C3%A9w?x=1#part' }).end('moved');
      else response.writeHead(200, { 'content-type': 'text/html; charset=latin1' }).end(`at ${request.url}`);
    });
    const page = await createFetcher().fetch({ url: `${url}/old#top` }, never);
    expect(page.url).toBe(`${url}/n%C3%A9w?x=1`);
    expect(page.mediaType).toBe('text/html; charset=latin1');
    expect(Buffer.from(page.body).toString()).toBe('at /n%C3%A9w?x=1');
    expect(agent).toBe('Botbase-Test/1.0');
  });

  it.each([
    [404, false],
    [403, false],
    [429, true],
    [500, true],
    [503, true],
    [304, false],
  ])('fails with http_%i', async (status, retryable) => {
    const { url } = await serve((_request, response) => response.writeHead(status).end());
    await expect(createFetcher().fetch({ url }, never)).rejects.toEqual(failure(`http_${status}`, retryable));
  });

  it('dials no private address, by literal or by name', async () => {
    const decoy = await serve((_request, response) => response.end('secret'));
    const { port } = new URL(decoy.url);
    const fetcher = createFetcher(
      { allowPrivateNetworks: false },
      {
        resolveHost: () =>
          Promise.resolve([
            { address: '127.0.0.3', family: 4 },
            { address: '127.0.0.1', family: 4 },
          ]),
        isPublicAddress: (address) => address !== '127.0.0.1',
      },
    );
    for (const host of ['127.0.0.1', 'localhost', 'name.example']) {
      await expect(fetcher.fetch({ url: `http://${host}:${port}/` }, never)).rejects.toEqual(
        failure('blocked_address'),
      );
    }
    expect(decoy.connections).toBe(0);
  });

  // 127.0.0.2 answers on Linux without being set up: one loopback address plays the internet, the other the inside.
  describe.skipIf(process.platform !== 'linux')(
    'with 127.0.0.1 as the internet and 127.0.0.2 as the inside',
    () => {
      const isPublicAddress = (address: string) => address === '127.0.0.1';
      const inside: PageNetwork = {
        resolveHost: () => Promise.resolve([{ address: '127.0.0.2', family: 4 }]),
        isPublicAddress,
      };

      it.each([301, 302, 303, 307, 308])('checks the target of a %i before it dials it', async (status) => {
        const decoy = await serve((_request, response) => response.end('secret'), '127.0.0.2');
        const { port } = new URL(decoy.url);
        let location = '';
        const { url } = await serve((_request, response) => response.writeHead(status, { location }).end());
        const fetcher = createFetcher({ allowPrivateNetworks: false }, inside);
        for (location of [
          decoy.url,
          `//127.0.0.2:${port}/`,
          `http://inside.example:${port}/`,
          'http://localhost/',
        ]) {
          await expect(fetcher.fetch({ url }, never)).rejects.toEqual(failure('blocked_address'));
        }
        for (location of ['file:///etc/passwd', 'gopher://127.0.0.2/', 'http://a:b@127.0.0.1/']) {
          await expect(fetcher.fetch({ url }, never)).rejects.toEqual(failure('invalid_url'));
        }
        expect(decoy.connections).toBe(0);
      });

      it('connects to the address that it checked, though the name changes its mind', async () => {
        const page = await serve((_request, response) =>
          response.setHeader('connection', 'close').end('public'),
        );
        const { port } = new URL(page.url);
        let questions = 0;
        const fetcher = createFetcher(
          { allowPrivateNetworks: false },
          {
            resolveHost: () => {
              questions += 1;
              return Promise.resolve([
                { address: questions % 2 === 1 ? '127.0.0.1' : '127.0.0.2', family: 4 },
              ]);
            },
            isPublicAddress,
          },
        );
        const decoy = await serve((_request, response) => response.end('secret'), '127.0.0.2', Number(port));
        const outcomes: string[] = [];
        for (let attempt = 0; attempt < 100; attempt += 1) {
          outcomes.push(
            await fetcher.fetch({ url: `http://rebind.example:${port}/` }, never).then(
              (fetched) => Buffer.from(fetched.body).toString(),
              (error: { reason: string }) => error.reason,
            ),
          );
        }
        expect(outcomes).toEqual(Array.from({ length: 50 }, () => ['public', 'blocked_address']).flat());
        expect(questions).toBe(100);
        expect(decoy.connections).toBe(0);
      });
    },
  );

  it('ends a chain of redirects', async () => {
    const seen = await serve((_request, response) => response.writeHead(302, { location: '/again' }).end());
    await expect(createFetcher({ maxRedirects: 3 }).fetch({ url: seen.url }, never)).rejects.toEqual(
      failure('too_many_redirects'),
    );
  });

  it('reads no more than the limit, whatever the length says', async () => {
    const { url } = await serve((request, response) => {
      if (request.url === '/declared') response.setHeader('content-length', 2 * MEBIBYTE);
      response.write(Buffer.alloc(MEBIBYTE));
      response.end(Buffer.alloc(request.url === '/exact' ? 0 : MEBIBYTE));
    });
    await expect(createFetcher().fetch({ url: `${url}/declared` }, never)).rejects.toEqual(
      failure('too_large'),
    );
    await expect(createFetcher().fetch({ url: `${url}/chunked` }, never)).rejects.toEqual(
      failure('too_large'),
    );
    expect((await createFetcher().fetch({ url: `${url}/exact` }, never)).body.byteLength).toBe(MEBIBYTE);
  });

  it('stops a gzip bomb at the limit of what it unfolds to', async () => {
    const bomb = gzipSync(Buffer.alloc(200 * MEBIBYTE));
    const { url } = await serve((_request, response) =>
      response.setHeader('content-encoding', 'gzip').setHeader('content-type', 'text/html').end(bomb),
    );
    const before = process.memoryUsage().arrayBuffers;
    await expect(createFetcher().fetch({ url }, never)).rejects.toEqual(failure('too_large'));
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(50 * MEBIBYTE);
  });

  it('gives up at the time limit in every part: name, headers, body', async () => {
    const { url } = await serve((request, response) => {
      if (request.url === '/body') response.write('a');
    });
    const silent: PageNetwork = {
      resolveHost: () => new Promise(() => undefined),
      isPublicAddress: () => true,
    };
    const limits = { timeoutMs: 200 };
    await expect(createFetcher(limits, silent).fetch({ url: 'http://name.example/' }, never)).rejects.toEqual(
      failure('timeout', true),
    );
    await expect(createFetcher(limits).fetch({ url: `${url}/headers` }, never)).rejects.toEqual(
      failure('timeout', true),
    );
    await expect(createFetcher(limits).fetch({ url: `${url}/body` }, never)).rejects.toEqual(
      failure('timeout', true),
    );
  });

  it('ends with the reason of the signal when that fires', async () => {
    const controller = new AbortController();
    const { url } = await serve(() => controller.abort(new Error('the job was cancelled')));
    await expect(createFetcher().fetch({ url }, controller.signal)).rejects.toThrow('the job was cancelled');
  });

  it('tells what cannot be reached from what may be reached later', async () => {
    const { url } = await serve((request) => request.socket.destroy());
    await expect(createFetcher().fetch({ url }, never)).rejects.toEqual(failure('fetch_failed', true));
    const nowhere: PageNetwork = {
      resolveHost: () => Promise.reject(Object.assign(new Error('no such name'), { code: 'ENOTFOUND' })),
      isPublicAddress: () => true,
    };
    await expect(createFetcher({}, nowhere).fetch({ url: 'http://name.example/' }, never)).rejects.toEqual(
      failure('fetch_failed', false),
    );
  });

  it('refuses headers without end, and files that hold no text', async () => {
    const { url } = await serve((request, response) => {
      if (request.url === '/headers') response.setHeader('x-padding', 'a'.repeat(100_000));
      response.setHeader('content-type', 'image/png').end('x');
    });
    await expect(createFetcher().fetch({ url: `${url}/headers` }, never)).rejects.toEqual(
      failure('too_large'),
    );
    await expect(createFetcher().fetch({ url: `${url}/image` }, never)).rejects.toEqual(
      failure('unsupported_type'),
    );
  });
});
