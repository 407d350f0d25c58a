import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { syncDueSources } from '#features/sources/sync-due-sources.js';
import { type CrawledSite, crawlSite } from '#test/crawl-site.js';
import { type TestApp, createTestApp } from '#test/create-test-app.js';
import { type FakeOpenAI, startFakeOpenAI } from '#test/fakes/fake-openai.js';
import { type FakeSite, htmlPage, startFakeSite } from '#test/fakes/fake-site.js';

let fake: FakeOpenAI;
let app: TestApp;
let token: string;
let projectId: string;
let site: FakeSite;
let crawled: CrawledSite;

beforeAll(async () => {
  fake = await startFakeOpenAI({ dimensions: 32 });
  app = await createTestApp({
    environment: {
      CRAWLER_ALLOW_PRIVATE_NETWORKS: 'true',
      OPENAI_BASE_URL: fake.baseUrl,
      OPENAI_EMBEDDING_DIMENSIONS: '32',
    },
  });
  ({ token } = await app.register());
  projectId = await app.createProject(token);
  site = await startFakeSite();
  site.pages.set(
    '/',
    htmlPage('Home', 'Seven rooms are let in this house, each with a name.', { links: rooms }),
  );
  for (const room of rooms) site.pages.set(room, roomPage(room, 'has a green carpet'));
  crawled = await crawlSite(app, token, site, { projectId, crawl: { sitemap: false } });
});
afterAll(async () => {
  await app.close();
  await fake.close();
  await site.close();
});

const rooms = ['/amber', '/birch', '/cedar', '/dune', '/ember', '/fjord'];

/** With an ETag that names its fact, so that a page that has not changed says so. */
function roomPage(room: string, fact: string) {
  const name = room.slice(1);
  return {
    headers: { etag: `"${name} ${fact}"` },
    body: htmlPage(`The ${name} room`, `The ${name} room ${fact}, and its window looks to the lake.`),
  };
}

function embeddedTexts(): string[] {
  return fake.requests
    .filter(({ path }) => path.endsWith('/embeddings'))
    .flatMap(({ body }) => (body as { input: string[] }).input);
}

async function countRows(): Promise<unknown> {
  const { rows } = await app.ctx.db.execute(sql`
    select (select count(*)::int from documents) as documents, (select count(*)::int from document_chunks) as chunks,
      (select count(*)::int from embeddings) as vectors, (select count(*)::int from lexical_segments) as segments`);
  return rows[0];
}

describe('a site that is read again', () => {
  it('costs nothing where nothing has changed', async () => {
    expect(crawled.source).toMatchObject({
      status: 'ready',
      documentCount: 7,
      lastSync: { added: 7, embeddedChunks: 7 },
    });
    const texts = embeddedTexts().length;
    expect(await crawled.sync()).toMatchObject({
      added: 0,
      changed: 0,
      gone: 0,
      unchanged: 7,
      failed: 0,
      embeddedChunks: 0,
      cost: '0',
    });
    expect(embeddedTexts()).toHaveLength(texts);
    expect(await countRows()).toEqual({ documents: 7, chunks: 7, vectors: 7, segments: 7 });
  });

  it('reads and embeds only what has changed, takes out what is gone, and answers from the new text', async () => {
    const texts = embeddedTexts().length;
    site.pages.set('/amber', roomPage('/amber', 'has a crimson ceiling'));
    site.pages.set('/new', roomPage('/new', 'smells of fresh paint'));
    site.pages.set(
      '/',
      htmlPage('Home', 'Seven rooms are let in this house, each with a name.', { links: [...rooms, '/new'] }),
    );
    site.pages.delete('/fjord');
    expect(await crawled.sync()).toMatchObject({
      added: 1,
      changed: 1,
      gone: 1,
      unchanged: 5,
      failed: 0,
      embeddedChunks: 2,
      embeddingTokens: expect.any(Number) as number,
      cost: expect.stringMatching(/^0\.0000\d+$/) as string,
      currency: 'USD',
    });
    const anew = embeddedTexts().slice(texts);
    expect(anew).toHaveLength(2);
    expect(anew.join('\n')).toMatch(/crimson ceiling[\s\S]*fresh paint|fresh paint[\s\S]*crimson ceiling/);
    expect((await crawled.search('crimson ceiling'))[0]).toMatchObject({ path: '/amber' });
    const found = await crawled.search('the fjord room');
    expect(found.map(({ path }) => path)).not.toContain('/fjord');
    expect(await crawled.pages()).toMatchObject({
      '/fjord': 'failed http_404',
      '/amber': 'indexed',
      '/birch': 'unchanged',
    });
    expect(await countRows()).toEqual({ documents: 7, chunks: 7, vectors: 7, segments: 7 });
  });

  it('keeps what it had of pages that fail', async () => {
    site.pages.set('/birch', { status: 500 });
    const sync = async () => {
      await app.request('POST', `${crawled.path}/sync`, { token });
      for (let attempt = 0; attempt < 4; attempt += 1) {
        await app.runJobs();
        app.clock.advance(600_000);
      }
      return crawled.read();
    };
    expect(await sync()).toMatchObject({
      status: 'ready',
      documentCount: 7,
      lastSync: { failed: 1, gone: 0 },
    });
    expect(await crawled.pages()).toMatchObject({ '/birch': 'failed http_500' });
    expect((await crawled.search('birch room carpet'))[0]).toMatchObject({ path: '/birch' });
    site.pages.set('/birch', roomPage('/birch', 'has a green carpet'));
    expect(await sync()).toMatchObject({ lastSync: { unchanged: 7, failed: 0 } });
  });

  it('reads a page whose owner was removed, though its double was left out before', async () => {
    site.pages.set('/twin', {
      body: htmlPage('The dune room', 'The dune room has a green carpet, and its window looks to the lake.'),
    });
    site.pages.set(
      '/',
      htmlPage('Home', 'Seven rooms are let in this house, each with a name.', {
        links: [...rooms, '/new', '/twin'],
      }),
    );
    await crawled.sync();
    expect(await crawled.pages()).toMatchObject({ '/dune': 'unchanged', '/twin': 'skipped duplicate_of' });
    site.pages.delete('/dune');
    const texts = embeddedTexts().length;
    expect(await crawled.sync()).toMatchObject({ gone: 1, added: 1, embeddedChunks: 1 });
    expect(embeddedTexts().length - texts).toBe(1);
    expect(await crawled.pages()).toMatchObject({ '/dune': 'failed http_404', '/twin': 'indexed' });
    expect((await crawled.search('dune room carpet'))[0]).toMatchObject({ path: '/twin' });
  });

  it('does not bring back a page whose document somebody deleted', async () => {
    const { body } = await app.request('GET', `${crawled.path}/pages?status=unchanged`, { token });
    const page = body.data.find(({ url }: { url: string }) => url.endsWith('/cedar'));
    const path = `/v1/projects/${projectId}/documents/${page.documentId}`;
    expect((await app.request('DELETE', path, { token })).status).toBe(204);
    expect(await crawled.sync()).toMatchObject({ added: 0, changed: 0 });
    expect(await crawled.pages()).toMatchObject({ '/cedar': 'skipped deleted' });
    expect((await crawled.search('cedar room')).map(({ path: found }) => found)).not.toContain('/cedar');
  });

  it('reuses the vectors of another source of the account, and leaves them to it when it goes', async () => {
    const texts = embeddedTexts().length;
    const other = await crawlSite(app, token, site, { crawl: { sitemap: false } });
    expect(other.source).toMatchObject({ status: 'ready' });
    // The page whose document was deleted is the only one that has no vector any more.
    expect(embeddedTexts().length - texts).toBe(1);
    await app.request('DELETE', crawled.path, { token });
    await app.runJobs();
    expect((await other.search('amber room ceiling'))[0]).toMatchObject({ path: '/amber' });
    const { token: stranger } = await app.register();
    const before = embeddedTexts().length;
    const foreign = await crawlSite(app, stranger, site, { crawl: { sitemap: false } });
    expect(embeddedTexts().length - before).toBe(foreign.source.chunkCount);
  });

  it('leaves nothing half-made of a page whose vectors are bad, and reads it the next time', async () => {
    const own = await crawlSite(app, token, site, { projectId, crawl: null, path: '/ember' });
    const before = await countRows();
    site.pages.set('/ember', roomPage('/ember', 'has a chandelier'));
    fake.set({ mode: 'wrong_dimension' });
    expect(await own.sync()).toMatchObject({ failed: 1, changed: 0, embeddedChunks: 0 });
    expect(await own.read()).toMatchObject({ status: 'ready', documentCount: 1, chunkCount: 1 });
    expect(await own.pages()).toEqual({ '/ember': 'failed embedding_failed' });
    expect(await countRows()).toEqual(before);
    fake.set({ mode: 'normal' });
    expect(await own.sync()).toMatchObject({ failed: 0, changed: 1, embeddedChunks: 1 });
    fake.set({ mode: 'wrong_dimension' });
    site.pages.set('/never', roomPage('/never', 'was never seen'));
    const never = await crawlSite(app, token, site, { projectId, crawl: null, path: '/never' });
    expect(never.source).toMatchObject({
      status: 'failed',
      error: { code: 'embedding_failed' },
      documentCount: 0,
    });
    expect(await countRows()).toEqual(before);
    fake.set({ mode: 'normal' });
  });

  it('happens by itself when its interval has run out, and as often as somebody asks', async () => {
    const own = await crawlSite(app, token, site, { projectId, crawl: null, path: '/ember' });
    const patch = (body: unknown) => app.request('PATCH', own.path, { token, body });
    expect((await patch({ syncEvery: 'sometimes' })).status).toBe(400);
    const { body: patched } = await patch({ syncEvery: '12h' });
    expect(patched).toMatchObject({ syncEvery: '12h' });
    const dueAt = Date.parse(patched.lastSyncedAt) + 12 * 3_600_000;
    expect(patched.nextSyncAt).toBe(new Date(dueAt).toISOString());
    app.clock.advance(dueAt - app.clock.now().getTime() - 1);
    expect(await syncDueSources(app.ctx)).toBe(0);
    app.clock.advance(1);
    site.pages.set('/ember', roomPage('/ember', 'has a stove'));
    expect(await syncDueSources(app.ctx)).toBe(1);
    await app.runJobs();
    expect(await own.read()).toMatchObject({
      status: 'ready',
      lastSync: { changed: 1 },
      nextSyncAt: new Date(dueAt + 12 * 3_600_000).toISOString(),
    });
    expect((await patch({ syncEvery: null })).body).toMatchObject({ syncEvery: null, nextSyncAt: null });
  });
});
