import { gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { crawlSite } from '#test/crawl-site.js';
import { type TestApp, createTestApp } from '#test/create-test-app.js';
import { type FakePage, type FakeSite, htmlPage, startFakeSite } from '#test/fakes/fake-site.js';

let app: TestApp;
let token: string;
let projectId: string;
const sites: FakeSite[] = [];

beforeAll(async () => {
  app = await createTestApp({ environment: { CRAWLER_ALLOW_PRIVATE_NETWORKS: 'true' } });
  ({ token } = await app.register('Ada', 'pro'));
  projectId = await app.createProject(token);
});
afterAll(() => app.close());
afterEach(async () => {
  for (const site of sites.splice(0)) await site.close();
});

async function openSite(pages: Record<string, FakePage> = {}): Promise<FakeSite> {
  const site = await startFakeSite(pages);
  sites.push(site);
  return site;
}

const crawl = (site: FakeSite, settings: Record<string, unknown> = {}, path = '/') =>
  crawlSite(app, token, site, { crawl: settings, path, projectId });

const prose = (subject: string) =>
  `Everything that there is to know about the ${subject} stands on this page.`;

describe('a crawl', () => {
  it('follows links within the site, and every page ends with a status', async () => {
    const site = await openSite({
      '/': htmlPage('Home', prose('home'), {
        links: ['/a', '/b?utm_source=x', '/missing', 'https://elsewhere.example/'],
      }),
      '/a': htmlPage('Apples', prose('apples'), { links: ['/a/deep', '/', '#top'] }),
      '/a/deep': htmlPage('Deep', prose('roots')),
      '/b': htmlPage('Bananas', prose('bananas'), { links: ['/picture.png'] }),
    });
    const { source, pages, search } = await crawl(site);
    expect(source).toMatchObject({
      status: 'ready',
      documentCount: 4,
      progress: { stage: 'done', done: 7, total: 7 },
      lastSync: { added: 4, changed: 0, gone: 0, unchanged: 0, skipped: 2, failed: 1 },
    });
    expect(await pages()).toEqual({
      '/': 'indexed',
      '/a': 'indexed',
      '/b': 'indexed',
      '/a/deep': 'indexed',
      '/missing': 'failed http_404',
      '/picture.png': 'skipped unsupported_type',
      'https://elsewhere.example/': 'skipped out_of_scope',
    });
    expect((await search('roots'))[0]).toMatchObject({ path: '/a/deep' });
  });

  it('says who it is', async () => {
    const site = await openSite({ '/': htmlPage('Home', prose('home')) });
    await crawl(site);
    expect(new Set(site.headers.map((headers) => headers['user-agent']))).toEqual(
      new Set([expect.stringMatching(/^Botbase\/\S+ \(.+\)$/)]),
    );
  });

  it('finds pages in sitemaps, in an index of packed ones too', async () => {
    const site = await openSite();
    site.pages.set('/', htmlPage('Home', prose('home')));
    for (const name of ['x', 'y', 'z']) site.pages.set(`/${name}`, htmlPage(name, prose(`letter ${name}`)));
    site.pages.set('/robots.txt', {
      headers: { 'content-type': 'text/plain' },
      body: `User-agent: *\nAllow: /\nSitemap: ${site.origin}/maps/index.xml\n`,
    });
    site.pages.set('/maps/index.xml', {
      headers: { 'content-type': 'application/xml' },
      body: `<sitemapindex xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">
        <sitemap><loc>${site.origin}/maps/1.xml.gz</loc></sitemap>
        <sitemap><loc>http://127.0.0.1:9/none.xml</loc></sitemap></sitemapindex>`,
    });
    site.pages.set('/maps/1.xml.gz', {
      headers: { 'content-type': 'application/gzip' },
      body: gzipSync(`<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">
        <url><loc>${site.origin}/x</loc><lastmod>2026-01-01</lastmod></url>
        <url><loc>${site.origin}/y</loc></url><url><loc>https://elsewhere.example/z</loc></url></urlset>`),
    });
    const { pages } = await crawl(site);
    expect(await pages()).toEqual({ '/': 'indexed', '/x': 'indexed', '/y': 'indexed' });
    const without = await crawl(site, { sitemap: false });
    expect(await without.pages()).toEqual({ '/': 'indexed' });
  });

  it('obeys robots.txt, noindex and nofollow, in the page and in its headers', async () => {
    const site = await openSite({
      '/robots.txt': {
        headers: { 'content-type': 'text/plain' },
        body: 'User-agent: botbase\nDisallow: /private\n\nUser-agent: *\nDisallow: /\n',
      },
      '/': htmlPage('Home', prose('home'), { links: ['/private/a', '/hidden', '/header', '/leaf'] }),
      '/private/a': htmlPage('Private', prose('secret garden')),
      '/hidden': htmlPage('Hidden', prose('hidden garden'), {
        head: '<meta name="robots" content="noindex">',
        links: ['/behind'],
      }),
      '/behind': htmlPage('Behind', prose('hedge')),
      '/header': { headers: { 'x-robots-tag': 'noindex, nofollow' }, body: htmlPage('H', prose('header')) },
      '/leaf': htmlPage('Leaf', prose('leaf'), {
        head: '<meta name="robots" content="nofollow">',
        links: ['/unseen'],
      }),
      '/unseen': htmlPage('Unseen', prose('unseen')),
    });
    const { pages } = await crawl(site);
    expect(await pages()).toEqual({
      '/': 'indexed',
      '/private/a': 'skipped robots',
      '/hidden': 'skipped noindex',
      '/behind': 'indexed',
      '/header': 'skipped noindex',
      '/leaf': 'indexed',
    });
    expect(site.visits).not.toContain('/private/a');
  });

  it.each([500, 503, 429])('reads nothing where robots.txt answers %i', async (status) => {
    const site = await openSite({ '/robots.txt': { status }, '/': htmlPage('Home', prose('home')) });
    const { source, pages } = await crawl(site);
    expect(source).toMatchObject({ status: 'failed', error: { code: 'robots' }, documentCount: 0 });
    expect(await pages()).toEqual({ '/': 'skipped robots' });
    expect(site.visits.filter((path) => path !== '/robots.txt')).toEqual([]);
  });

  it('keeps the distance between visits that robots.txt asks for', async () => {
    const site = await openSite({
      '/robots.txt': { headers: { 'content-type': 'text/plain' }, body: 'User-agent: *\nCrawl-delay: 5' },
      '/': htmlPage('Home', prose('home'), { links: ['/a', '/b'] }),
      '/a': htmlPage('A', prose('letter a')),
      '/b': htmlPage('B', prose('letter b')),
    });
    const { source, pages, read } = await crawl(site);
    expect(source.status).toBe('processing');
    const visited = async () => Object.values(await pages()).filter((status) => status === 'indexed').length;
    expect(await visited()).toBe(1);
    for (const count of [1, 2]) {
      app.clock.advance(4_900);
      await app.runJobs();
      expect(await visited()).toBe(count);
      app.clock.advance(101);
      await app.runJobs();
    }
    expect(await read()).toMatchObject({ status: 'ready', documentCount: 3 });
  });

  it('stays within its patterns, depth and number of pages', async () => {
    const site = await openSite({
      '/': htmlPage('Home', prose('home'), { links: ['/docs/a', '/blog/a'] }),
      '/docs/a': htmlPage('A', prose('letter a'), { links: ['/docs/b', '/docs/a?print=1'] }),
      '/docs/b': htmlPage('B', prose('letter b'), { links: ['/docs/c'] }),
      '/docs/c': htmlPage('C', prose('letter c')),
      '/blog/a': htmlPage('Blog', prose('blog')),
    });
    const limited = await crawl(site, { include: ['/docs/*'], exclude: ['print=1'], maxDepth: 2 });
    expect(await limited.pages()).toEqual({
      '/': 'indexed',
      '/docs/a': 'indexed',
      '/docs/b': 'indexed',
      '/docs/c': 'skipped too_deep',
      '/docs/a?print=1': 'skipped out_of_scope',
      '/blog/a': 'skipped out_of_scope',
    });
    const few = await crawl(site, { maxPages: 2 });
    expect(few.source).toMatchObject({ status: 'ready', documentCount: 2 });
    const statuses = Object.values(await few.pages()).toSorted();
    expect(statuses).toEqual([
      'indexed',
      'indexed',
      'skipped page_limit',
      'skipped page_limit',
      'skipped page_limit',
    ]);
  });

  it('takes a page with the text of another, and one with another canonical address, only once', async () => {
    const site = await openSite({
      '/': htmlPage('Home', prose('home'), {
        links: ['/a', '/a?session_id=8f7d6c5b4a39281706f5e4d3', '/a?view=x', '/c', '/lost'],
      }),
      '/a': htmlPage('A', prose('letter a')),
      '/a?view=x': htmlPage('A', prose('letter a')),
      '/c': htmlPage('C', prose('letter c'), { head: '<link rel="canonical" href="/c2">' }),
      '/c2': htmlPage('C2', prose('second letter c'), { head: '<link rel="canonical" href="/c2#top">' }),
      '/lost': htmlPage('Lost', prose('lost letter'), { head: '<link rel="canonical" href="/nowhere">' }),
    });
    const { pages, path } = await crawl(site);
    const found = await pages();
    expect(new Set([found['/a'], found['/a?view=x']])).toEqual(new Set(['indexed', 'skipped duplicate_of']));
    expect(found).toMatchObject({
      '/c': 'skipped canonical',
      '/c2': 'indexed',
      // Its canonical page is not there: better this one than none.
      '/lost': 'indexed',
      '/nowhere': 'failed http_404',
    });
    const { body } = await app.request('GET', `${path}/pages?status=skipped`, { token });
    const details = body.data.map(({ reason, detail }: { reason: string; detail: string }) => [
      reason,
      detail,
    ]);
    expect(details).toContainEqual(['canonical', `${site.origin}/c2`]);
  });

  it('follows redirects as far as they stay, and ends in no loop', async () => {
    const site = await openSite({
      '/': { status: 301, headers: { location: '/home' } },
      '/home': htmlPage('Home', prose('home'), { links: ['/old', '/out', '/loop1', '/refresh'] }),
      '/old': { status: 302, headers: { location: '/new' } },
      '/new': htmlPage('New', prose('new')),
      '/out': { status: 302, headers: { location: 'https://elsewhere.example/' } },
      '/loop1': { status: 302, headers: { location: '/loop2' } },
      '/loop2': { status: 302, headers: { location: '/loop1' } },
      '/refresh': htmlPage('Moved', 'Gone to a new home', {
        head: '<meta http-equiv="refresh" content="0; url=/target">',
      }),
      '/target': htmlPage('Target', prose('target')),
    });
    const { pages } = await crawl(site);
    expect(await pages()).toEqual({
      '/home': 'indexed',
      '/old': 'skipped redirected',
      '/new': 'indexed',
      '/out': 'skipped redirected',
      'https://elsewhere.example/': 'skipped out_of_scope',
      '/loop1': 'skipped redirected',
      '/loop2': 'skipped redirected',
      '/refresh': 'skipped redirected',
      '/target': 'indexed',
    });
  });

  it('takes a page that says with status 200 that it is not there for what it is', async () => {
    const site = await openSite({
      '/': htmlPage('Home', prose('home'), { links: ['/a', '/gone/1', '/gone/2'] }),
    });
    site.pages.set('/a', htmlPage('A', prose('letter a')));
    const missing = (path: string) =>
      htmlPage('Not found', `Sorry, we could not find the page ${path} that you asked for. Try the search.`);
    const get = site.pages.get.bind(site.pages);
    site.pages.get = (path) =>
      get(path) ?? (/^\/(robots|sitemap)/.test(path) ? { status: 404 } : missing(path));
    const { pages } = await crawl(site);
    expect(await pages()).toEqual({
      '/': 'indexed',
      '/a': 'indexed',
      '/gone/1': 'skipped soft_404',
      '/gone/2': 'skipped soft_404',
    });
  });

  it('ends on a site without an end', async () => {
    const site = await openSite();
    const get = site.pages.get.bind(site.pages);
    site.pages.get = (path) => {
      const number = Number(/^\/calendar\/(\d+)$/.exec(path)?.[1] ?? (path === '/' ? 0 : Number.NaN));
      if (Number.isNaN(number)) return get(path);
      const links = [
        `/calendar/${number + 1}`,
        `/calendar/${number + 2}`,
        `${path}/x/x/x/x`.replace('//', '/'),
      ];
      return htmlPage(`Day ${number}`, prose(`day ${number}`), { links });
    };
    const { source } = await crawl(site, { maxPages: 20, maxDepth: 50 });
    expect(source).toMatchObject({ status: 'ready', documentCount: 20 });
  });

  it('reads the files that pages link to, in any charset, and leaves others alone', async () => {
    const site = await openSite({
      '/': htmlPage('Home', prose('home'), { links: ['/notes.txt', '/table.csv', '/latin', '/blob'] }),
      '/notes.txt': {
        headers: { 'content-type': 'text/plain' },
        body: 'The lighthouse is painted in ochre.',
      },
      '/table.csv': {
        headers: { 'content-type': 'text/csv' },
        body: 'City,River\nRome,Tiber\nParis,Seine\n',
      },
      '/latin': {
        headers: { 'content-type': 'text/html' },
        body: Buffer.from(
          '<html><head><meta charset="iso-8859-1"><title>Caf\xe9</title></head><body><p>The caf\xe9 opens its doors at nine o clock every morning.</p></body></html>',
          'latin1',
        ),
      },
      '/blob': {
        headers: { 'content-type': 'application/octet-stream' },
        body: Buffer.from([0, 1, 2, 255, 254, 0, 7]),
      },
    });
    const { pages, search } = await crawl(site);
    expect(await pages()).toEqual({
      '/': 'indexed',
      '/notes.txt': 'indexed',
      '/table.csv': 'indexed',
      '/latin': 'indexed',
      '/blob': 'skipped unsupported_type',
    });
    expect((await search('ochre lighthouse'))[0]?.path).toBe('/notes.txt');
    expect((await search('Tiber'))[0]?.path).toBe('/table.csv');
    expect((await search('café'))[0]?.text).toContain('café opens');
  });

  it('leaves out what recurs on the pages of a site', async () => {
    const frame = (title: string, text: string, links: string[] = []) =>
      `<html><head><title>${title}</title></head><body>
        <div><p>We use small biscuits to remember you. Do you agree to all of our biscuits today?</p></div>
        <div><h1>${title}</h1><p>${text}</p></div>
        <div><p>Acme Rockets Limited, 12 Canyon Road, registered in Arizona under number 4711.</p>
        ${links.map((href) => `<a href="${href}">${href}</a>`).join(' ')}</div></body></html>`;
    const names = ['anvil', 'magnet', 'spring', 'rocket', 'tunnel', 'glue', 'boulder'];
    const site = await openSite({
      '/': frame(
        'Catalogue',
        prose('catalogue'),
        names.map((name) => `/${name}`),
      ),
    });
    for (const name of names) site.pages.set(`/${name}`, frame(name, prose(name)));
    const { source, search } = await crawl(site);
    expect(source.documentCount).toBe(8);
    expect((await search('magnet'))[0]).toMatchObject({ path: '/magnet' });
    const { body } = await app.request(
      'GET',
      `/v1/projects/${projectId}/documents?limit=100&sourceId=${source.id}`,
      { token },
    );
    for (const { id } of body.data) {
      const document = await app.request('GET', `/v1/projects/${projectId}/documents/${id}`, { token });
      expect(document.body.content).toContain('Everything that there is to know');
      expect(document.body.content).not.toMatch(/biscuits|Canyon Road/);
    }
  });

  it('tries a page again that fails, and leaves a host alone for as long as it asks', async () => {
    const site = await openSite({
      '/': htmlPage('Home', prose('home'), { links: ['/busy', '/broken'] }),
      '/busy': { status: 429, headers: { 'retry-after': '60' } },
      '/broken': { status: 500 },
    });
    const { source, pages, read } = await crawl(site, { sitemap: false });
    expect(source.status).toBe('processing');
    site.pages.set('/busy', htmlPage('Busy', prose('bees')));
    const before = site.visits.length;
    app.clock.advance(59_000);
    await app.runJobs();
    expect(site.visits).toHaveLength(before);
    for (let attempt = 0; attempt < 5; attempt += 1) {
      app.clock.advance(61_000);
      await app.runJobs();
    }
    expect(await read()).toMatchObject({ status: 'ready', documentCount: 2 });
    expect(await pages()).toEqual({ '/': 'indexed', '/busy': 'indexed', '/broken': 'failed http_500' });
  });

  it('fails with the reason where nothing can be read', async () => {
    const site = await openSite({ '/empty': '<html><body><script>draw()</script></body></html>' });
    expect((await crawl(site)).source).toMatchObject({ status: 'failed', error: { code: 'http_404' } });
    const empty = await crawl(site, {}, '/empty');
    expect(empty.source).toMatchObject({ status: 'failed', error: { code: 'empty' } });
    expect(await empty.pages()).toEqual({ '/empty': 'skipped empty' });
  });
});
