import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createEmbedder } from '#providers/embedders/registry.js';
import { type TestApp, createTestApp } from '#test/create-test-app.js';
import { type FakeSite, htmlPage, startFakeSite } from '#test/fakes/fake-site.js';

let app: TestApp;
let token: string;
let projectId: string;
let site: FakeSite;

beforeAll(async () => {
  app = await createTestApp({ environment: { CRAWLER_ALLOW_PRIVATE_NETWORKS: 'true' } });
  ({ token } = await app.register('Ada', 'pro'));
  projectId = await app.createProject(token);
  site = await startFakeSite();
});
afterAll(async () => {
  await site.close();
  await app.close();
});

const path = () => `/v1/projects/${projectId}/sources/preview`;
async function preview(body: unknown) {
  const reply = await app.request('POST', path(), { token, body });
  await expectNothingKept();
  return reply;
}
async function previewFile(name: string, content: string | Uint8Array, as = token) {
  const form = Buffer.concat([
    Buffer.from(`--x\r\ncontent-disposition: form-data; name="file"; filename="${name}"\r\n\r\n`),
    Buffer.from(content),
    Buffer.from('\r\n--x--\r\n'),
  ]);
  const headers = { 'content-type': 'multipart/form-data; boundary=x' };
  const reply = await app.request('POST', path(), { token: as, body: form, headers });
  await expectNothingKept();
  return reply;
}
/** No row that a source would have, and no file. */
async function expectNothingKept(): Promise<void> {
  const tables = ['sources', 'documents', 'document_chunks', 'embeddings', 'source_pages', 'jobs'];
  for (const table of tables) {
    const { rows } = await app.ctx.db.execute(
      sql`select count(*)::int as count from ${sql.identifier(table)} where project_id = ${projectId}`,
    );
    expect([table, rows]).toEqual([table, [{ count: 0 }]]);
  }
  const keys: string[] = [];
  for await (const { key } of app.ctx.storage.list(`projects/${projectId}/`)) keys.push(key);
  expect(keys).toEqual([]);
}
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
      pagesLeft: 10_000,
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

  it('reads an uploaded file, and keeps nothing of it', async () => {
    const { status, body } = await previewFile('tea.csv', 'Tea,Minutes\r\nGreen,3');
    expect(status).toBe(200);
    expect(body).toMatchObject({
      pages: [{ url: null, title: 'tea.csv', status: 'indexed', bytes: 20, chunkCount: 1 }],
      totals: { pages: 1, bytes: 20, chunks: 1 },
    });
    for (const [name, content, reason] of [
      ['empty.txt', '', 'empty'],
      ['picture.png', Buffer.from('89504e470d0a1a0a0000000d49484452', 'hex'), 'unsupported_type'],
      ['broken.docx', Buffer.from('504b030414000000080000002100', 'hex'), 'malformed_file'],
    ] as const) {
      expect(await previewFile(name, content)).toMatchObject({
        status: 422,
        body: { code: 'unusable_content', errors: [{ message: reason }] },
      });
    }
  });

  it('of one page takes it as it is, whatever it says to crawlers', async () => {
    const head = '<meta name="robots" content="noindex"><link rel="canonical" href="/other">';
    site.pages.set('/one', htmlPage('One', prose('one'), { head, links: ['/linked'] }));
    site.pages.set('/moved', { status: 302, headers: { location: '/one' } });
    const before = site.visits.length;
    for (const address of ['/one', '/moved']) {
      const { body } = await preview({ type: 'url', url: `${site.origin}${address}` });
      expect(body).toMatchObject({
        pages: [{ title: 'One', status: 'indexed', reason: null, language: 'en', chunkCount: 1 }],
        totals: { pages: 1, chunks: 1 },
        truncated: false,
      });
    }
    expect(site.visits.slice(before)).toEqual(['/one', '/moved', '/one']);
  });

  it('says what embedding would cost, and embeds nothing', async () => {
    const text = prose('price of words').repeat(200);
    const { body: free } = await preview({ type: 'text', name: 'Text', text });
    expect(free.totals).toMatchObject({ cost: '0', currency: 'USD' });
    app.ctx.embedder = createEmbedder({
      provider: 'openai-compatible',
      baseUrl: `${site.origin}/v1`,
      apiKey: null,
      model: 'text-embedding-3-small',
      dimensions: 8,
      timeoutMs: { question: 1_000, passages: 1_000 },
      tryTimeoutMs: 1_000,
    });
    const { body } = await preview({ type: 'text', name: 'Text', text });
    app.ctx.embedder = null;
    const { tokens, chunks, cost } = body.totals;
    expect([tokens, chunks]).toEqual([free.totals.tokens, free.totals.chunks]);
    expect(chunks).toBeGreaterThan(1);
    expect(cost).toBe(((tokens * 0.02) / 1_000_000).toFixed(9));
    expect(Number(cost)).toBeGreaterThan(0);
    expect(site.visits).not.toContain('/v1/embeddings');
  });

  it('says of a start that robots may not read that there is nothing, and does not read it', async () => {
    site.pages.set('/no', htmlPage('No', prose('no')));
    const { status, body } = await preview({ type: 'url', url: `${site.origin}/no`, crawl: {} });
    expect(status).toBe(200);
    expect(body).toMatchObject({
      pages: [{ url: `${site.origin}/no`, status: 'skipped', reason: 'robots' }],
      totals: { pages: 0, chunks: 0, cost: '0' },
      truncated: false,
    });
    expect(site.visits).not.toContain('/no');
  });

  it('tells the same as the indexing will', async () => {
    const pairs = Array.from({ length: 5 }, (_, index) => ({
      question: `What is number ${index}?`,
      answer: `It is the number ${index}.`,
    }));
    const text = `# Tea\n\n${prose('tea').repeat(60)}\n\n# Coffee\n\n${prose('coffee').repeat(60)}`;
    for (const source of [
      { type: 'qa', name: 'Questions', pairs },
      { type: 'text', name: 'Text', text },
      { type: 'url', url: `${site.origin}/` },
      { type: 'url', url: `${site.origin}/`, crawl: { maxPages: 10 } },
    ]) {
      const { body } = await preview(source);
      const elsewhere = await app.createProject(token);
      const indexed = await app.addSource(token, elsewhere, source);
      expect(body.totals).toMatchObject({ chunks: indexed.chunkCount, pages: indexed.documentCount });
    }
  });

  it('is for those who may add sources, and takes what they may add', async () => {
    const body = { type: 'text', name: 'Tea', text: 'Green tea.' };
    const join = async (role: string) => {
      const member = await app.register();
      await app.ctx.db.execute(
        sql`insert into project_members (project_id, user_id, role) values (${projectId}, ${member.userId}, ${role})`,
      );
      return member.token;
    };
    const stranger = await app.register();
    const statuses = async (as: string) => [
      (await app.request('POST', path(), { token: as, body })).status,
      (await previewFile('tea.txt', 'Green tea.', as)).status,
    ];
    expect((await app.request('POST', path(), { body })).status).toBe(401);
    expect(await statuses(stranger.token)).toEqual([404, 404]);
    expect(await statuses(await join('viewer'))).toEqual([403, 403]);
    expect(await statuses(await join('editor'))).toEqual([200, 200]);
    for (const wrong of [
      { type: 'text' },
      { ...body, unknown: 1 },
      { ...body, type: 'song' },
      { type: 'url', url: 'ftp://example.com/' },
      { type: 'qa', name: 'Questions', pairs: [] },
      { type: 'qa', name: 'Questions', pairs: [{ question: ' ', answer: 'A' }] },
      [body],
    ])
      expect((await preview(wrong)).status).toBe(400);
    expect((await app.request('POST', path(), { token })).status).toBe(400);
    expect(
      (await preview({ type: 'qa', name: 'Q', pairs: [{ question: '\u200b', answer: 'A' }] })).body,
    ).toMatchObject({
      code: 'unusable_content',
      errors: [{ message: 'empty' }],
    });
  });
});
