// One project with very many chunks: how long a search takes, and what the process needs of memory.
import { clientOf, signUp } from '../botbase.mjs';
import { watchMemory } from '../ingest/processes.mjs';
import { keepFigures, mebibytes, printTable } from '../ingest/report.mjs';
import { readCollections } from './collections.mjs';
import { listEngines, mergeIndex, openEngine, scopeOf, watchOthers, watchSearches } from './engine.mjs';
import { fullTextSearches, loadFullText } from './full-text.mjs';
import { mixSentences } from './large-corpus.mjs';
import { chooseQueries, countSearches, latencyCell, measureLatency } from './latency.mjs';
import { addSources } from './load-project.mjs';

const COLLECTION = 'squad2dev';
const QUERIES_PER_ROUND = 40;
const never = new AbortController().signal;

/** On each engine, loaded through its API. */
export async function runLargeRow({ chunkCount, rounds }) {
  const [collection] = readCollections([COLLECTION]);
  const corpus = mixSentences(collection, chunkCount);
  const timed = chooseQueries(collection.queries, { rounds, perRound: QUERIES_PER_ROUND });
  const figures = [];
  for (const name of listEngines()) {
    const engine = await openEngine(name);
    try {
      figures.push({ engine: name, ...(await measureEngine(engine, { corpus, timed })) });
      printEngine(figures.at(-1), { chunkCount, rounds });
    } finally {
      await engine.close();
    }
  }
  await keepFigures('retrieval-large', figures);
}

async function measureEngine(engine, { corpus, timed }) {
  const loading = await engine.withServer((server) => load(server, corpus));
  const merging = performance.now();
  const merged = await engine.withContext((ctx) => mergeIndex(engine, ctx));
  const mergeSeconds = secondsSince(merging);
  const others = await watchOthers(engine);
  const { http, memory, cpuMs } = await engine.withServer(async (server) => {
    const client = clientOf(server.url, loading.client);
    const watch = await watchMemory(server.processId);
    const cpuOf = await watchSearches(engine, server);
    const latency = await measureLatency(
      { http: (query) => client.send('POST', '/search', { query }) },
      timed,
    );
    return { http: latency.http, cpuMs: cpuOf(countSearches(timed)), memory: watch.stop() };
  });
  const inProcess = await engine.withContext(async (ctx) => {
    const collection = { name: 'large', language: 'en', documents: corpus.passages };
    await loadFullText(ctx.db, [collection]);
    const scope = scopeOf(engine, loading.client.projectId);
    const botbase = (query) => engine.product.retrievePassages(ctx, scope, { query }, never);
    const { any, all } = fullTextSearches(ctx.db, collection);
    return measureLatency({ botbase, any, all }, timed);
  });
  const { seconds, memory: loadMemory } = loading;
  return {
    seconds,
    loadMemory,
    merged,
    mergeSeconds,
    memory,
    cpuMs,
    others: others(),
    latency: { http, ...inProcess },
  };
}

async function load(server, { sources, passages }) {
  const client = await signUp(server.url);
  const watch = await watchMemory(server.processId);
  const startedAt = performance.now();
  await addSources(client, sources, (source) => source);
  const seconds = secondsSince(startedAt);
  const chunkCount = await countChunks(client);
  if (chunkCount !== passages.length) throw new Error(`There are ${chunkCount} chunks.`);
  return { client, seconds, memory: watch.stop() };
}

async function countChunks(client) {
  let count = 0;
  for (let cursor = ''; cursor !== null;) {
    const page = await client.send('GET', `/sources?limit=100${cursor && `&cursor=${cursor}`}`);
    count += page.data.reduce((sum, { chunkCount }) => sum + chunkCount, 0);
    cursor = page.nextCursor;
  }
  return count;
}

function printEngine(figures, { chunkCount, rounds }) {
  const { engine, seconds, loadMemory, merged, mergeSeconds, memory, cpuMs, others, latency } = figures;
  const shareOf = ({ mainBytes, bytes }) => `${mebibytes(mainBytes)} MiB (${mebibytes(bytes)} with children)`;
  console.log(
    [
      `\n${engine}: ${chunkCount} chunks indexed in ${seconds.toFixed(0)} s (${(chunkCount / seconds).toFixed(0)}/s)`,
      `${merged} segments merged in ${mergeSeconds.toFixed(0)} s`,
      `memory at most ${shareOf(peakOf(loadMemory))} while indexing, ${shareOf(peakOf(memory))} while searching`,
      `a search over HTTP takes ${cpuMs.toFixed(1)} ms of CPU, PostgreSQL's included`,
      others,
    ].join('; '),
  );
  const names = {
    http: 'Botbase, everything included',
    botbase: 'Botbase without HTTP',
    any: 'full text, any word',
    all: 'full text, all words',
  };
  const rows = Object.entries(names).map(([name, title]) => [
    title,
    latencyCell(latency[name], 'p50'),
    latencyCell(latency[name], 'p95'),
  ]);
  printTable(
    `ms of one search among ${chunkCount} chunks on ${engine}, ${rounds} round(s) of ${QUERIES_PER_ROUND}`,
    [['search', 'p50', 'p95'], ...rows],
  );
}

const peakOf = ({ peakBytes, peakOfMainBytes }) => ({ bytes: peakBytes, mainBytes: peakOfMainBytes });
const secondsSince = (startedAt) => (performance.now() - startedAt) / 1000;
