import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type TestApp, createTestApp } from '#test/create-test-app.js';
import { type FakeSite, htmlPage, startFakeSite } from '#test/fakes/fake-site.js';

let app: TestApp;
let token: string;
let projectId: string;
let site: FakeSite;

beforeAll(async () => {
  app = await createTestApp({ environment: { CRAWLER_ALLOW_PRIVATE_NETWORKS: 'true' } });
  ({ token } = await app.register());
  projectId = await app.createProject(token);
  site = await startFakeSite();
});
afterAll(async () => {
  await site.close();
  await app.close();
});

const path = () => `/v1/projects/${projectId}/sources/preview`;
const preview = (body: unknown) => app.request('POST', path(), { token, body });
const prose = (subject: string) =>
  `Everything that there is to know about the ${subject} stands on this page.`;

describe('a preview', () => {
  it('tells what a text and questions would bring', async () => {
    const { status, body } = await preview({
      type: 'text',
      name: 'Tea',
      text: 'Green tea takes three minutes.',
    });
    expect(status).toBe(200);
    expect(body).toEqual({
      pages: [
        {
          url: null,
          title: 'Tea',
          status: 'indexed',
          reason: null,
          detail: null,
          bytes: 30,
          characters: 30,
          language: 'en',
          chunkCount: 1,
          tokens: 6,
          cost: '0',
        },
      ],
      totals: { pages: 1, bytes: 30, characters: 30, chunks: 1, tokens: 6, cost: '0', currency: 'USD' },
      truncated: false,
    });
    const pairs = [{ question: 'When do you open?', answer: 'At nine.' }];
    expect((await preview({ type: 'qa', name: 'FAQ', pairs })).body.totals).toMatchObject({
      pages: 1,
      chunks: 1,
    });
  });

  it('tells what the pages of a site would bring, and why some would not', async () => {
    site.pages.set('/robots.txt', {
      headers: { 'content-type': 'text/plain' },
      body: 'User-agent: *\nDisallow: /no',
    });
    site.pages.set(
      '/',
      htmlPage('Home', prose('home'), { links: ['/a', '/b', '/no', '/hidden', '/missing'] }),
    );
    site.pages.set('/a', htmlPage('A', prose('letter a')));
    site.pages.set('/b', htmlPage('A', prose('letter a')));
    site.pages.set('/hidden', htmlPage('H', prose('h'), { head: '<meta name="robots" content="noindex">' }));
    const { status, body } = await preview({ type: 'url', url: `${site.origin}/`, crawl: {} });
    expect(status).toBe(200);
    const told = body.pages.map(({ url, status: page, reason }: Record<string, string>) => [
      url?.replace(site.origin, ''),
      page,
      reason,
    ]);
    expect(told).toContainEqual(['/', 'indexed', null]);
    expect(told).toContainEqual(['/hidden', 'skipped', 'noindex']);
    expect(told).toContainEqual(['/missing', 'failed', 'http_404']);
    const twins = told.filter(([url]: string[]) => url === '/a' || url === '/b');
    expect(new Set(twins.map(([, page, reason]: string[]) => `${page} ${reason}`))).toEqual(
      new Set(['indexed null', 'skipped duplicate_of']),
    );
    expect(body).toMatchObject({ totals: { pages: 2 }, truncated: false });
    expect(site.visits).not.toContain('/no');
  });

  it('stops after fifty pages, and says so', async () => {
    const links = Array.from({ length: 60 }, (_, index) => `/p${index}`);
    site.pages.set('/many', htmlPage('Many', prose('many'), { links }));
    for (const link of links) site.pages.set(link, htmlPage(link, prose(`page ${link}`)));
    const { body } = await preview({ type: 'url', url: `${site.origin}/many`, crawl: { maxPages: 1000 } });
    expect(body.pages).toHaveLength(50);
    expect(body.truncated).toBe(true);
    const few = await preview({ type: 'url', url: `${site.origin}/many`, crawl: { maxPages: 3 } });
    expect(few.body).toMatchObject({ totals: { pages: 3 }, truncated: false });
  });

  it('says why there is nothing to see', async () => {
    expect(await preview({ type: 'url', url: `${site.origin}/absent` })).toMatchObject({
      status: 422,
      body: { code: 'unusable_content', errors: [{ message: 'http_404' }] },
    });
    expect(await preview({ type: 'url', url: `${site.origin}/absent`, crawl: {} })).toMatchObject({
      status: 422,
    });
    expect(await preview({ type: 'url', url: site.origin, crawl: { render: true } })).toMatchObject({
      status: 501,
    });
  });

  it('leaves nothing behind', async () => {
    expect((await preview({ type: 'url', url: `${site.origin}/`, crawl: {} })).status).toBe(200);
    const { rows } = await app.ctx.db.execute(sql`
      select (select count(*)::int from sources) as sources, (select count(*)::int from documents) as documents,
        (select count(*)::int from source_pages) as pages,
        (select count(*)::int from jobs where status in ('queued', 'running')) as jobs`);
    expect(rows).toEqual([{ sources: 0, documents: 0, pages: 0, jobs: 0 }]);
    const keys: string[] = [];
    for await (const { key } of app.ctx.storage.list('projects/')) keys.push(key);
    expect(keys).toEqual([]);
  });

  it('reads an uploaded file, and keeps nothing of it', async () => {
    const form = [
      '--x',
      'content-disposition: form-data; name="file"; filename="tea.csv"',
      'content-type: text/csv',
      '',
      'Tea,Minutes',
      'Green,3',
      '--x--',
      '',
    ].join('\r\n');
    const { status, body } = await app.request('POST', path(), {
      token,
      body: Buffer.from(form),
      headers: { 'content-type': 'multipart/form-data; boundary=x' },
    });
    expect(status).toBe(200);
    expect(body).toMatchObject({
      pages: [{ title: 'tea.csv', status: 'indexed', bytes: 20, chunkCount: 1 }],
      totals: { pages: 1 },
    });
    for await (const { key } of app.ctx.storage.list('projects/')) expect(key).toBe('none is there');
  });

  it('is for those who may add sources', async () => {
    const body = { type: 'text', name: 'Tea', text: 'Green tea.' };
    expect((await app.request('POST', path(), { body })).status).toBe(401);
    const stranger = await app.register();
    expect((await app.request('POST', path(), { token: stranger.token, body })).status).toBe(404);
    expect((await preview({ type: 'text' })).status).toBe(400);
    expect((await preview({ ...body, unknown: 1 })).status).toBe(400);
  });
});
