import { createServer } from 'node:http';
import { readFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ingestSourceJob } from '#features/ingestion/ingestion.jobs.js';
import { type TestApp, createTestApp } from '#test/create-test-app.js';
import { createEmbedder } from '#providers/embedders/registry.js';
import { startFakeOpenAI } from '#test/fakes/fake-openai.js';
import { createInstantWaits } from '#test/fakes/instant-waits.js';

const HANDBOOK = new URL('../../../../handbook/', import.meta.url);

let app: TestApp;
let token: string;
let projectId: string;

beforeAll(async () => {
  app = await createTestApp({
    environment: { CRAWLER_ALLOW_PRIVATE_NETWORKS: 'true', MAX_UPLOAD_BYTES: '2000000' },
  });
  ({ token } = await app.register());
  projectId = await app.createProject(token);
});
afterAll(() => app.close());

const get = (path: string) => app.request('GET', `/v1/projects/${projectId}${path}`, { token });

async function documentOf(sourceId: string) {
  const { body } = await get(`/documents?sourceId=${sourceId}`);
  return (await get(`/documents/${body.data[0].id}`)).body;
}

async function chunksOf(documentId: string) {
  return (await get(`/documents/${documentId}/chunks?limit=100`)).body.data;
}

describe('a text', () => {
  it('is queued, then ready, with chunks that are slices of its document', async () => {
    const text = `# Guide\n\n${Array.from({ length: 80 }, (_, index) => `Rule ${index} says that cups of size ${index} are washed by hand.`).join(' ')}`;
    const created = await app.request('POST', `/v1/projects/${projectId}/sources`, {
      token,
      body: { type: 'text', name: 'Guide', text },
    });
    expect(created.status).toBe(202);
    expect(created.body).toMatchObject({
      type: 'text',
      name: 'Guide',
      status: 'queued',
      error: null,
      lastSyncedAt: null,
    });
    await app.runJobs();
    const source = (await get(`/sources/${created.body.id}`)).body;
    expect(source).toMatchObject({
      status: 'ready',
      documentCount: 1,
      progress: { stage: 'done', done: 1, total: 1 },
    });
    const document = await documentOf(source.id);
    expect(document.content).toBe(text);
    const chunks = await chunksOf(document.id);
    expect(chunks.length).toBe(source.chunkCount);
    expect(chunks.length).toBeGreaterThan(2);
    for (const chunk of chunks) expect(document.content.slice(chunk.start, chunk.end)).toBe(chunk.content);
  });

  it('that holds only blanks fails with a reason', async () => {
    const source = await app.addSource(token, projectId, { type: 'text', name: 'Blank', text: ' \n\t ' });
    expect(source).toMatchObject({ status: 'failed', error: { code: 'empty' } });
  });
});

describe('files', () => {
  it.each([
    ['handbook.pdf', 'application/pdf'],
    ['handbook.docx', 'application/vnd.openxmlformats-officedocument.wordprocessingml.document'],
    ['handbook.md', 'text/markdown'],
  ])('%s is read, with what citations need', async (name, type) => {
    const content = await readFile(new URL(name, HANDBOOK));
    const { status, body } = await app.upload(token, projectId, { name, content, type });
    expect(status).toBe(202);
    await app.runJobs();
    const source = (await get(`/sources/${body.id}`)).body;
    expect(source).toMatchObject({ status: 'ready', type: 'file', name, error: null });
    const document = await documentOf(source.id);
    const chunks = await chunksOf(document.id);
    for (const chunk of chunks) expect(document.content.slice(chunk.start, chunk.end)).toBe(chunk.content);
    if (name === 'handbook.pdf') {
      expect(new Set(chunks.map(({ page }: { page: number }) => page))).toEqual(new Set([1, 2, 3]));
    } else {
      expect(chunks.some(({ heading }: { heading: string | null }) => heading?.includes('warranty'))).toBe(
        true,
      );
    }
  });

  it.each([
    ['a PDF that is not one', 'broken.pdf', '%PDF-1.7 and then nothing that makes sense', 'malformed_file'],
    [
      'a DOCX that is not one',
      'broken.docx',
      Buffer.from([0x50, 0x4b, 3, 4, 1, 2, 3, 4, 5]),
      'malformed_file',
    ],
    ['a picture', 'photo.png', Buffer.from('89504e470d0a1a0a0000000d49484452', 'hex'), 'unsupported_type'],
    ['an empty file', 'empty.txt', '', 'empty'],
  ])('%s fails with a reason of its own, and nothing of it is found', async (_what, name, content, code) => {
    const { body } = await app.upload(token, projectId, { name, content });
    await app.runJobs();
    const source = (await get(`/sources/${body.id}`)).body;
    expect(source.status).toBe('failed');
    expect(source.error.code).toBe(code);
    expect(source.error.message.length).toBeGreaterThan(20);
    expect(source.chunkCount).toBe(0);
  });

  it('over the limit are refused as they arrive, and nothing of them stays', async () => {
    const before = (await get('/sources')).body.data.length;
    const reply = await app.upload(token, projectId, { name: 'big.txt', content: 'x'.repeat(2_000_001) });
    expect(reply.status).toBe(413);
    expect(reply.body.code).toBe('payload_too_large');
    expect((await get('/sources')).body.data).toHaveLength(before);
  });

  it('are uploaded once under one Idempotency-Key', async () => {
    const headers = { 'idempotency-key': 'upload-1' };
    const file = { name: 'note.txt', content: 'The kettle is red.', fields: { name: 'Note' } };
    const first = await app.upload(token, projectId, file, headers);
    const second = await app.upload(token, projectId, file, headers);
    expect(second.body).toEqual(first.body);
    expect((await app.upload(token, projectId, { ...file, content: 'Other' }, headers)).status).toBe(422);
    await app.runJobs();
  });

  it('never name a path: the stored key is made by the server', async () => {
    const { body } = await app.upload(token, projectId, {
      name: '../../../etc/passwd',
      content: 'A harmless text.',
    });
    expect(body.name).toBe('passwd');
    expect(
      existsSync(join(app.dataDir, 'files', 'projects', projectId, 'sources', body.id, 'original')),
    ).toBe(true);
    await app.runJobs();
  });
});

describe('pages', () => {
  it('are fetched, read and cited by their address', async () => {
    const server = createServer((request, response) => {
      if (request.url === '/moved') return response.writeHead(302, { location: '/page' }).end();
      if (request.url !== '/page') return response.writeHead(404).end();
      return response
        .writeHead(200, { 'content-type': 'text/html' })
        .end(
          '<title>Opening hours</title><nav>Home Shop</nav><main><h1>Opening hours</h1><p>The shop in Harbour Street opens at 8:15 on weekdays and closes at 18:30.</p></main>',
        );
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const page = await app.addSource(token, projectId, { type: 'url', url: `${base}/moved` });
    expect(page).toMatchObject({ status: 'ready', url: `${base}/moved`, documentCount: 1 });
    const document = await documentOf(page.id);
    expect(document).toMatchObject({ title: 'Opening hours', url: `${base}/page` });
    expect(document.content).toContain('opens at 8:15 on weekdays');
    const missing = await app.addSource(token, projectId, { type: 'url', url: `${base}/nothing` });
    expect(missing).toMatchObject({ status: 'failed', error: { code: 'http_404' } });
    server.close();
  });

  it('on private addresses are refused by default', async () => {
    const guarded = await createTestApp();
    const { token: other } = await guarded.register();
    const project = await guarded.createProject(other);
    for (const url of [
      'http://127.0.0.1:1/',
      'http://[::ffff:7f00:1]:1/',
      'http://localhost:1/',
      'http://2130706433:1/',
    ]) {
      const source = await guarded.addSource(other, project, { type: 'url', url });
      expect(source).toMatchObject({ status: 'failed', error: { code: 'blocked_address' } });
    }
    await guarded.close();
  });
});

describe('deleting', () => {
  it('takes a source out of every read at once, and its file with it', async () => {
    const text = 'The password of the cellar is marmalade.';
    const source = await app.addSource(token, projectId, { type: 'text', name: 'Cellar', text });
    const document = await documentOf(source.id);
    const search = () =>
      app.request('POST', `/v1/projects/${projectId}/search`, { token, body: { query: 'cellar marmalade' } });
    expect((await search()).body.results[0].text).toBe(text);
    expect(
      (await app.request('DELETE', `/v1/projects/${projectId}/sources/${source.id}`, { token })).status,
    ).toBe(204);
    expect((await get(`/sources/${source.id}`)).status).toBe(404);
    expect((await get(`/documents/${document.id}`)).status).toBe(404);
    expect((await search()).body.results).toEqual([]);
    await app.runJobs();
    expect(existsSync(join(app.dataDir, 'files', 'projects', projectId, 'sources', source.id))).toBe(false);
    const { rows } = await app.ctx.db.execute(
      `select (select count(*)::int from document_chunks where document_id = '${document.id}') as chunks,
        (select count(*)::int from lexical_segments where document_id = '${document.id}') as segments`,
    );
    expect(rows).toEqual([{ chunks: 0, segments: 0 }]);
  });

  it('takes a project with all it holds', async () => {
    const doomed = await app.createProject(token);
    await app.addSource(token, doomed, { type: 'text', name: 'X', text: 'Some text that is about to go.' });
    expect((await app.request('DELETE', `/v1/projects/${doomed}`, { token })).status).toBe(204);
    expect((await app.request('GET', `/v1/projects/${doomed}`, { token })).status).toBe(404);
    await app.runJobs();
    expect(existsSync(join(app.dataDir, 'files', 'projects', doomed))).toBe(false);
  });
});

describe('a re-sync', () => {
  const words = ['amber', 'birch', 'cedar', 'dune', 'ember', 'fjord'];
  const section = (word: string, fact: string) =>
    `# About ${word}\n\n${`The ${word} room is described here at some length, so that it has a chunk of its own. `.repeat(16)}${fact}\n\n`;
  let page = '';
  const server = createServer((_request, response) => {
    response.writeHead(200, { 'content-type': 'text/markdown' }).end(page);
  });

  it('does nothing when nothing changed, embeds only what changed, and swaps versions at once', async () => {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const fake = await startFakeOpenAI({ dimensions: 32 });
    const embedding = await createTestApp({
      environment: {
        OPENAI_BASE_URL: fake.baseUrl,
        OPENAI_EMBEDDING_DIMENSIONS: '32',
        CRAWLER_ALLOW_PRIVATE_NETWORKS: 'true',
      },
    });
    const owner = await embedding.register();
    const project = await embedding.createProject(owner.token);
    const embeddedTexts = () =>
      fake.requests
        .filter(({ path }) => path.endsWith('/embeddings'))
        .flatMap(({ body }) => (body as { input: string[] }).input);
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/rooms.md`;

    page = words.map((word) => section(word, `It has ${word.length} windows.`)).join('');
    const source = await embedding.addSource(owner.token, project, { type: 'url', url });
    expect(source.status).toBe('ready');
    const firstCount = embeddedTexts().length;
    expect(firstCount).toBe(source.chunkCount);

    const sync = async () => {
      const path = `/v1/projects/${project}/sources/${source.id}`;
      expect((await embedding.request('POST', `${path}/sync`, { token: owner.token })).status).toBe(202);
      await embedding.runJobs();
      return (await embedding.request('GET', path, { token: owner.token })).body;
    };
    expect((await sync()).status).toBe('ready');
    expect(embeddedTexts()).toHaveLength(firstCount);

    page = page.replace('It has 5 windows.\n\n# About birch', 'It has 77 skylights.\n\n# About birch');
    const changed = await sync();
    expect(changed).toMatchObject({ status: 'ready', chunkCount: source.chunkCount });
    const anew = embeddedTexts().slice(firstCount);
    expect(anew).toHaveLength(1);
    expect(anew[0]).toContain('77 skylights');
    const { rows } = await embedding.ctx.db.execute(
      `select (select count(*)::int from document_chunks) as chunks, (select count(*)::int from embeddings) as vectors,
        (select count(distinct version)::int from lexical_segments) as versions`,
    );
    expect(rows).toEqual([{ chunks: source.chunkCount, vectors: source.chunkCount, versions: 1 }]);
    const { body } = await embedding.request('POST', `/v1/projects/${project}/search`, {
      token: owner.token,
      body: { query: 'How many skylights?', topK: 1 },
    });
    expect(body.results[0].text).toContain('77 skylights');
    expect(body.results[0].scores.semantic).toBeGreaterThan(0);
    await embedding.close();
    await fake.close();
    server.close();
  });

  it('that fails keeps the version that was there', async () => {
    const fake = await startFakeOpenAI({ dimensions: 32 });
    const embedding = await createTestApp({
      environment: { OPENAI_BASE_URL: fake.baseUrl, OPENAI_EMBEDDING_DIMENSIONS: '32' },
    });
    const waits = createInstantWaits();
    embedding.ctx.embedder = createEmbedder({
      provider: 'openai-compatible',
      baseUrl: fake.baseUrl,
      apiKey: null,
      model: 'any-model',
      dimensions: 32,
      timeoutMs: { question: 20_000, passages: 20_000 },
      tryTimeoutMs: 20_000,
      resilience: waits,
    });
    const owner = await embedding.register();
    const project = await embedding.createProject(owner.token);
    fake.set({ mode: 'wrong_dimension' });
    const text = 'The lighthouse keeper is called Magnus.';
    const source = await embedding.addSource(owner.token, project, { type: 'text', name: 'Keeper', text });
    expect(source).toMatchObject({ status: 'failed', error: { code: 'embedding_failed' }, chunkCount: 0 });
    fake.set({ mode: 'server_error' });
    await embedding.request('POST', `/v1/projects/${project}/sources/${source.id}/sync`, {
      token: owner.token,
    });
    for (let attempt = 0; attempt < ingestSourceJob.maxAttempts; attempt += 1) {
      await embedding.runJobs();
      embedding.clock.advance(600_000);
    }
    const read = () =>
      embedding.request('GET', `/v1/projects/${project}/sources/${source.id}`, { token: owner.token });
    expect((await read()).body).toMatchObject({ status: 'failed', error: { code: 'embedding_failed' } });
    fake.set({ mode: 'normal' });
    await embedding.request('POST', `/v1/projects/${project}/sources/${source.id}/sync`, {
      token: owner.token,
    });
    // Time for the circuit of the endpoint to try it again.
    waits.advance(60_000);
    await embedding.runJobs();
    expect((await read()).body).toMatchObject({ status: 'ready', error: null, chunkCount: 1 });
    await embedding.close();
    await fake.close();
  });
});

describe('lists', () => {
  it('come newest first, page by page, filtered by status', async () => {
    const own = await app.createProject(token);
    for (const name of ['a', 'b', 'c', 'd', 'e']) {
      await app.addSource(token, own, { type: 'text', name, text: `Text of ${name}.` });
    }
    const list = (query: string) => app.request('GET', `/v1/projects/${own}/sources?${query}`, { token });
    const names: string[] = [];
    for (let cursor = ''; ;) {
      const { body } = await list(`limit=2${cursor === '' ? '' : `&cursor=${cursor}`}`);
      names.push(...body.data.map(({ name }: { name: string }) => name));
      if (body.nextCursor === null) break;
      cursor = body.nextCursor;
    }
    expect(names).toEqual(['e', 'd', 'c', 'b', 'a']);
    expect((await list('status=failed')).body.data).toEqual([]);
    expect((await list('status=ready&limit=100')).body.data).toHaveLength(5);
    expect((await list('limit=0')).status).toBe(400);
    expect((await list('cursor=nonsense')).status).toBe(400);
  });
});
