import { createServer as createHttpServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createContext } from '#app/create-context.js';
import { createServer } from '#app/create-server.js';
import { ModelError } from '#kernel/model-error.js';
import type { Context } from '#platform/context.js';
import type { Embedder } from '#platform/ports/embedder.js';
import type { SearchCache } from '#platform/ports/search-cache.js';
import { mintProjectScope, systemCaller } from '#platform/scope.js';
import { type TestApp, createTestApp } from '#test/create-test-app.js';
import { embedByWords } from '#test/fakes/fake-embeddings.js';
import { type Gate, createGate } from '#test/gate.js';
import { retrievePassages } from './retrieve-passages.js';

const QUESTION = 'How long is the warranty of the grinder?';

let app: TestApp;
let token: string;
beforeAll(async () => {
  app = await createTestApp({ environment: { CRAWLER_ALLOW_PRIVATE_NETWORKS: 'true' } });
  ({ token } = await app.register('Ada', 'pro'));
});
afterAll(() => app.close());

async function createProject(texts: Record<string, string>) {
  const projectId = await app.createProject(token);
  const sourceIds: Record<string, string> = {};
  for (const [name, text] of Object.entries(texts)) {
    sourceIds[name] = (await app.addSource(token, projectId, { type: 'text', name, text })).id;
  }
  return { projectId, sourceIds };
}

const WARRANTY = {
  Warranty: 'The grinder has a warranty of two years.',
  Tea: 'Tea is steeped for a minute.',
};

const ask = (path: string, method = 'GET', body?: object) => app.request(method, path, { token, body });

async function search(projectId: string, query: string, settings: object = {}) {
  const { status, body } = await ask(`/v1/projects/${projectId}/search`, 'POST', { query, ...settings });
  expect(status).toBe(200);
  return body.results as { title: string; text: string }[];
}

/** How often the cache answered in each way while `act` ran. */
async function outcomes(act: () => Promise<unknown>): Promise<Record<string, number>> {
  const before = await counts();
  await act();
  const after = await counts();
  return Object.fromEntries(
    [...after]
      .map(([name, count]) => [name, count - (before.get(name) ?? 0)])
      .filter(([, count]) => count !== 0),
  );
}

async function counts(): Promise<Map<string, number>> {
  const { values } = await app.ctx.metrics.searchCacheRequests.get();
  return new Map(values.map(({ labels, value }) => [String(labels['outcome']), value]));
}

const withoutCache: SearchCache = {
  fetch: async (_key, signal, compute) => ({ value: (await compute(signal)).value, outcome: 'miss' }),
};

function retrieve(ctx: Context, projectId: string, query: string, signal = new AbortController().signal) {
  return retrievePassages(ctx, mintProjectScope(systemCaller, projectId, null), { query }, signal);
}

describe('a search that was made before', () => {
  it('is answered from the cache, with what the search would find', async () => {
    const { projectId } = await createProject(WARRANTY);
    const variants = [
      QUESTION,
      'HOW LONG IS THE WARRANTY OF THE GRINDER',
      ' how long  is the warranty of the grinder ?!',
      'how long is the ｗａｒｒａｎｔｙ of the grinder…',
    ];
    const found = await search(projectId, QUESTION);
    expect(found[0]?.text).toBe(WARRANTY.Warranty);
    for (const variant of variants) {
      expect(await outcomes(async () => expect(await search(projectId, variant)).toEqual(found))).toEqual({
        hit: 1,
      });
      const anew = await retrieve({ ...app.ctx, searchCache: withoutCache }, projectId, variant);
      const { passages, relevance } = await retrieve(app.ctx, projectId, QUESTION);
      expect(anew).toMatchObject({ passages, relevance, cache: 'miss' });
    }
  });

  it('is another one with another word, number or setting', async () => {
    const { projectId } = await createProject(WARRANTY);
    await search(projectId, QUESTION);
    const others = async () => {
      await search(projectId, 'How long is not the warranty of the grinder?');
      await search(projectId, 'How long is the warranty of the grinder 2?');
      await search(projectId, QUESTION, { topK: 1 });
      await search(projectId, QUESTION, { mode: 'keyword' });
      expect(await search(projectId, QUESTION, { minScore: 1 })).toEqual([]);
      await ask(`/v1/projects/${projectId}`, 'PATCH', { topK: 1, retrieval: 'semantic' });
      await search(projectId, QUESTION);
    };
    expect(await outcomes(others)).toEqual({ miss: 6 });
  });

  it('never answers for another project', async () => {
    const one = await createProject({ One: 'The warranty of the grinder is one year.' });
    const two = await createProject({ Two: 'The warranty of the grinder is two years.' });
    const empty = await createProject({});
    for (let round = 0; round < 2; round += 1) {
      expect((await search(one.projectId, QUESTION)).map(({ title }) => title)).toEqual(['One']);
      expect((await search(two.projectId, QUESTION)).map(({ title }) => title)).toEqual(['Two']);
      expect(await search(empty.projectId, QUESTION)).toEqual([]);
    }
  });
});

describe('a change of the index', () => {
  it('is seen by the next search: a source deleted, a document deleted, a source added', async () => {
    const { projectId, sourceIds } = await createProject({
      ...WARRANTY,
      Second: 'The warranty of the grinder is long.',
    });
    expect(await search(projectId, QUESTION)).toHaveLength(2);
    await ask(`/v1/projects/${projectId}/sources/${sourceIds['Second']}`, 'DELETE');
    expect((await search(projectId, QUESTION)).map(({ title }) => title)).toEqual(['Warranty']);
    const documents = await ask(`/v1/projects/${projectId}/documents?sourceId=${sourceIds['Warranty']}`);
    await ask(`/v1/projects/${projectId}/documents/${documents.body.data[0].id}`, 'DELETE');
    expect(await search(projectId, QUESTION)).toEqual([]);
    await app.addSource(token, projectId, { type: 'text', name: 'New', text: WARRANTY.Warranty });
    expect((await search(projectId, QUESTION)).map(({ title }) => title)).toEqual(['New']);
  });

  it('is seen when a page is read again with other content or another title', async () => {
    let page = '<title>Old</title><main><p>The warranty of the grinder is two years.</p></main>';
    const site = createHttpServer((_request, response) =>
      response.writeHead(200, { 'content-type': 'text/html' }).end(page),
    );
    await new Promise<void>((resolve) => site.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(site.address() as AddressInfo).port}/`;
    const { projectId } = await createProject({});
    const { id } = await app.addSource(token, projectId, { type: 'url', url });
    expect((await search(projectId, QUESTION)).map(({ title }) => title)).toEqual(['Old']);
    page = page.replace('Old', 'New').replace('two', 'five');
    await ask(`/v1/projects/${projectId}/sources/${id}/sync`, 'POST');
    await app.runJobs();
    const [found] = await search(projectId, QUESTION);
    expect(found).toMatchObject({ title: 'New', text: 'The warranty of the grinder is five years.' });
    site.close();
  });

  it('deletes nothing of another project: a search there is still kept', async () => {
    const kept = await createProject(WARRANTY);
    const changed = await createProject(WARRANTY);
    await search(kept.projectId, QUESTION);
    await ask(`/v1/projects/${kept.projectId}/sources/${changed.sourceIds['Warranty']}`, 'DELETE');
    await ask(`/v1/projects/${changed.projectId}/sources/${changed.sourceIds['Warranty']}`, 'DELETE');
    expect(await outcomes(() => search(kept.projectId, QUESTION))).toEqual({ hit: 1 });
  });
});

const EMBEDDING = { model: 'words', dimensions: 32, batchSize: 10 };

/** An embedder that says when it is called, waits for `until`, and fails where told to. */
function scriptedEmbedder(script: { called?: Gate; until?: Gate; isDown?: boolean } = {}) {
  const calls: { texts: readonly string[]; signal: AbortSignal }[] = [];
  const embedder: Embedder = {
    ...EMBEDDING,
    windowSize: 10,
    forModel: () => embedder,
    endpoint: { name: 'embeddings', circuit: () => 'closed' },
    embed: async (texts, _purpose, signal) => {
      calls.push({ texts, signal });
      script.called?.open();
      await script.until?.passed;
      if (script.isDown === true) throw new ModelError('unavailable', 'down');
      return { vectors: texts.map((text) => Float32Array.from(embedByWords(text, 32))), tokens: 1 };
    },
  };
  return { embedder, calls, script };
}

describe('searches with an embedding model', () => {
  it('are not kept when they went by words alone', async () => {
    const { projectId } = await createProject(WARRANTY);
    const { embedder, calls, script } = scriptedEmbedder({ isDown: true });
    const ctx = { ...app.ctx, embedder };
    expect((await retrieve(ctx, projectId, QUESTION)).isDegraded).toBe(true);
    script.isDown = false;
    expect((await retrieve(ctx, projectId, QUESTION)).isDegraded).toBe(false);
    script.isDown = true;
    expect((await retrieve(ctx, projectId, QUESTION)).isDegraded).toBe(false);
    expect(calls).toHaveLength(2);
  });

  it('are other ones for another model', async () => {
    const { projectId } = await createProject(WARRANTY);
    const { embedder, calls } = scriptedEmbedder();
    for (const model of ['one', 'two', 'one']) {
      await retrieve({ ...app.ctx, embedder: { ...embedder, model } }, projectId, QUESTION);
    }
    expect(calls).toHaveLength(2);
  });

  it('run once for all who ask at the same time, and go on without those who leave', async () => {
    const { projectId } = await createProject(WARRANTY);
    const called = createGate();
    const until = createGate();
    const joined = createGate();
    const { embedder, calls } = scriptedEmbedder({ called, until });
    let askers = 0;
    const searchCache: SearchCache = {
      fetch: (key, signal, compute) => {
        const result = app.ctx.searchCache.fetch(key, signal, compute);
        askers += 1;
        if (askers === 20) joined.open();
        return result;
      },
    };
    const ctx = { ...app.ctx, embedder, searchCache };
    const leaver = new AbortController();
    const told = outcomes(async () => {
      const left = retrieve(ctx, projectId, QUESTION, leaver.signal);
      await called.passed;
      const stayed = Array.from({ length: 19 }, () => retrieve(ctx, projectId, QUESTION.toUpperCase()));
      await joined.passed;
      leaver.abort(new Error('gone'));
      await expect(left).rejects.toThrow('gone');
      until.open();
      const results = await Promise.all(stayed);
      expect(results[0]?.passages[0]?.title).toBe('Warranty');
      expect(new Set(results.map(({ passages }) => passages)).size).toBe(1);
    });
    expect(await told).toEqual({ shared: 19 });
    expect(calls.map(({ texts }) => texts)).toEqual([['how long is the warranty of the grinder']]);
    expect(calls[0]?.signal.aborted).toBe(false);
  });
});

describe.skipIf(process.env['TEST_DATABASE_URL'] === undefined)('two processes on one database', () => {
  it('see each other’s changes at once', async () => {
    const { projectId, sourceIds } = await createProject(WARRANTY);
    const other = await createContext(app.ctx.config, { clock: app.clock, log: app.ctx.log });
    const server = await createServer(other.ctx);
    const searchThere = async () => {
      const headers = { authorization: `Bearer ${token}` };
      const url = `/v1/projects/${projectId}/search`;
      const reply = await server.inject({ method: 'POST', url, headers, payload: { query: QUESTION } });
      return reply.json<{ results: { title: string }[] }>().results.map(({ title }) => title);
    };
    expect(await searchThere()).toEqual(['Warranty']);
    expect(await searchThere()).toEqual(['Warranty']);
    await ask(`/v1/projects/${projectId}/sources/${sourceIds['Warranty']}`, 'DELETE');
    expect(await searchThere()).toEqual([]);
    await server.close();
    await other.close();
  });
});
