import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createPageFetcher } from '#providers/page-fetcher/page-fetcher.js';
import { crawlSite } from '#test/crawl-site.js';
import { type TestApp, createTestApp } from '#test/create-test-app.js';
import { type FakeSite, htmlPage, startFakeSite } from '#test/fakes/fake-site.js';

// 127.0.0.2 answers on Linux without being set up: one loopback address plays the internet, the other the inside.
describe.skipIf(process.platform !== 'linux')('a site that points into the network of the server', () => {
  const decoy = createServer((_request, response) => response.end('secret'));
  let connections = 0;
  let inside: string;
  let app: TestApp;
  let token: string;
  let site: FakeSite;

  beforeAll(async () => {
    decoy.on('connection', () => (connections += 1));
    decoy.listen(0, '127.0.0.2');
    await once(decoy, 'listening');
    const { port } = decoy.address() as AddressInfo;
    inside = `127.0.0.2:${port}`;
    site = await startFakeSite();
    let questions = 0;
    const pages = createPageFetcher(
      {
        allowPrivateNetworks: false,
        maxBytes: 1_000_000,
        timeoutMs: 10_000,
        maxRedirects: 5,
        userAgent: 'Botbase-Test/1.0',
      },
      {
        // One name is of the inside, the others change their mind from one question to the next.
        resolveHost: (name) => {
          questions += 1;
          const isInside = name === 'inside.example' || questions % 2 === 1;
          return Promise.resolve([{ address: isInside ? '127.0.0.2' : '127.0.0.1', family: 4 }]);
        },
        isPublicAddress: (address) => address === '127.0.0.1',
      },
    );
    app = await createTestApp({ overrides: { pages } });
    ({ token } = await app.register());
  });
  afterAll(async () => {
    await app.close();
    await site.close();
    decoy.close();
  });

  const text = (subject: string) => `All that there is to say about the ${subject} is said on this page.`;

  it('is read without a single connection to it, wherever its address stands', async () => {
    const targets = [
      `http://${inside}/`,
      `http://flip.example:${inside.split(':')[1]}/`,
      `http://[::ffff:7f00:2]:${inside.split(':')[1]}/`,
      'http://localhost/',
      'http://169.254.169.254/latest/meta-data/',
    ];
    const [target = ''] = targets;
    site.pages.set('/robots.txt', {
      headers: { 'content-type': 'text/plain' },
      body: `User-agent: *\nAllow: /\n${targets.map((url) => `Sitemap: ${url}sitemap.xml`).join('\n')}\nSitemap: ${site.origin}/map.xml`,
    });
    site.pages.set('/map.xml', {
      headers: { 'content-type': 'application/xml' },
      body: `<urlset>${[...targets, `${site.origin}/mapped`].map((url) => `<url><loc>${url}</loc></url>`).join('')}</urlset>`,
    });
    site.pages.set(
      '/',
      htmlPage('Home', text('home'), { links: [...targets, '/r', '/m', '/c', '/img', '/frame'] }),
    );
    site.pages.set('/mapped', htmlPage('Mapped', text('map')));
    site.pages.set('/r', { status: 302, headers: { location: target } });
    site.pages.set(
      '/m',
      htmlPage('Refresh', text('refresh'), { head: `<meta http-equiv="refresh" content="0;url=${target}">` }),
    );
    site.pages.set(
      '/c',
      htmlPage('Canonical', text('canon'), { head: `<link rel="canonical" href="${target}">` }),
    );
    site.pages.set(
      '/img',
      htmlPage('Image', text('image'), {
        body: `<img src="${target}a.png"><img srcset="${target}b.png 2x">`,
      }),
    );
    site.pages.set(
      '/frame',
      htmlPage('Frame', text('frame'), { body: `<iframe src="${target}"></iframe><base href="${target}">` }),
    );
    const crawled = await crawlSite(app, token, site);
    expect(crawled.source).toMatchObject({ status: 'ready' });
    expect(await crawled.pages()).toMatchObject({
      '/': 'indexed',
      '/mapped': 'indexed',
      '/r': 'failed blocked_address',
      '/m': 'skipped redirected',
      '/c': 'indexed',
      '/img': 'indexed',
      '/frame': 'indexed',
      [target]: 'skipped out_of_scope',
    });
    expect(connections).toBe(0);
  });

  it('ends with the reason where the address itself is inside', async () => {
    const projectId = await app.createProject(token);
    for (const crawl of [undefined, {}]) {
      for (const url of [`http://${inside}/`, `http://inside.example:${inside.split(':')[1]}/`]) {
        const body = { type: 'url', url, ...(crawl === undefined ? {} : { crawl }) };
        const preview = await app.request('POST', `/v1/projects/${projectId}/sources/preview`, {
          token,
          body,
        });
        expect(preview).toMatchObject({ status: 422, body: { errors: [{ message: 'blocked_address' }] } });
        expect(await app.addSource(token, projectId, body)).toMatchObject({
          status: 'failed',
          error: { code: 'blocked_address' },
        });
      }
    }
    expect(connections).toBe(0);
  });
});
