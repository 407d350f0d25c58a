// Each collection in a project of its own, asked all its questions: how good the rankings are and how long a search
// takes, beside PostgreSQL's full text search on the same database.
import { clientOf, signUp } from '../botbase.mjs';
import { keepFigures, printTable } from '../ingest/report.mjs';
import { copyData } from './copy-data.mjs';
import { listEngines, mergeIndex, openEngine, scopeOf, watchOthers, watchSearches } from './engine.mjs';
import { fullTextSearches, loadFullText } from './full-text.mjs';
import { knownBm25 } from './known-figures.mjs';
import { chooseQueries, countSearches, latencyCell, measureLatency } from './latency.mjs';
import { inParallel, loadProject, rankDocuments } from './load-project.mjs';
import { judge } from './quality.mjs';

const ASKED_AT_ONCE = 4;
const QUERIES_PER_ROUND = 50;
/** Of each collection, on the second engine: its code is the same, so that these must come out the same. */
const COMPARED_QUERIES = 150;
const COMPARED_DEPTH = 10;
const never = new AbortController().signal;

/** All questions on the first engine; the second one gets its data, and is asked some. */
export async function runCollectionsRow({ collections, rounds }) {
  const engines = await openAll(listEngines());
  try {
    const [first, second] = engines;
    const projects = await loadAll(first, collections);
    const figures = [await measureEngine(first, { collections, projects, rounds })];
    printQuality(figures[0]);
    if (second !== undefined) {
      const copyingFrom = performance.now();
      await first.withContext((from) => second.withContext((to) => copyData(from.db, to.db)));
      console.log(`\n${second.name}: data copied in ${seconds(copyingFrom)} s`);
      figures.push(await measureEngine(second, { collections, projects, rounds, most: COMPARED_QUERIES }));
      printComparison(figures[0], figures[1]);
    }
    for (const engine of figures) printLatency(engine, rounds);
    await keepFigures('retrieval', figures);
  } finally {
    for (const engine of engines) await engine.close();
  }
}

async function openAll(names) {
  const engines = [];
  for (const name of names) engines.push(await openEngine(name));
  return engines;
}

/** Through the API, then merged as the schedule does it from the first hour on. @returns the projects in order */
async function loadAll(engine, collections) {
  const startedAt = performance.now();
  const projects = await engine.withServer(async (server) => {
    const { token } = await signUp(server.url);
    const loaded = [];
    for (const collection of collections) loaded.push(await loadProject(server, token, collection));
    return loaded;
  });
  const loadedAt = performance.now();
  const merged = await engine.withContext((ctx) => mergeIndex(engine, ctx));
  console.log(
    `\n${engine.name}: loaded in ${seconds(startedAt, loadedAt)} s, ${merged} segments merged in ${seconds(loadedAt)} s`,
  );
  return projects;
}

/** @param most questions of each collection whose rankings are judged */
async function measureEngine(engine, { collections, projects, rounds, most = Infinity }) {
  const startedAt = performance.now();
  const others = await watchOthers(engine);
  const measured = collections.map((collection, at) => ({
    collection,
    project: projects[at],
    judged: spread(collection.queries, most),
    timed: chooseQueries(collection.queries, { rounds, perRound: QUERIES_PER_ROUND }),
  }));
  const overHttp = await engine.withServer((server) => measureServer(engine, server, measured));
  const inProcess = await engine.withContext((ctx) => measureContext(engine, ctx, measured));
  console.log(`${engine.name}: measured in ${seconds(startedAt)} s; ${others()}`);
  return {
    engine: engine.name,
    collections: collections.map(({ name, documents }, at) => ({
      name,
      documents: documents.length,
      found: idsOf(overHttp[at].rankings),
      quality: { botbase: judge(overHttp[at].rankings), ...inProcess[at].quality },
      cpuMs: overHttp[at].cpuMs,
      latency: { http: overHttp[at].latency.http, ...inProcess[at].latency },
    })),
  };
}

/** Through the API, as any client asks. */
async function measureServer(engine, server, measured) {
  const given = [];
  for (const { project, judged, timed } of measured) {
    const client = clientOf(server.url, project.client);
    const search = (query) => client.send('POST', '/search', { query });
    const cpuOf = await watchSearches(engine, server);
    const latency = await measureLatency({ http: search }, timed);
    const cpuMs = cpuOf(countSearches(timed));
    const rankings = await rankAll(judged, (query) => rankDocuments({ ...project, client }, query));
    given.push({ latency, cpuMs, rankings });
  }
  return given;
}

/** The same search without HTTP and accounts, in turn with that of PostgreSQL. */
async function measureContext(engine, ctx, measured) {
  await loadFullText(
    ctx.db,
    measured.map(({ collection }) => collection),
  );
  const given = [];
  for (const { collection, project, judged, timed } of measured) {
    const scope = scopeOf(engine, project.client.projectId);
    const { any, anyOfAnyLength, all } = fullTextSearches(ctx.db, collection);
    const botbase = (query) => engine.product.retrievePassages(ctx, scope, { query }, never);
    const latency = await measureLatency({ botbase, any, all }, timed);
    const quality = {
      any: better(judge(await rankAll(judged, any)), judge(await rankAll(judged, anyOfAnyLength))),
      all: judge(await rankAll(judged, all)),
    };
    given.push({ latency, quality });
  }
  return given;
}

async function rankAll(queries, rank) {
  return inParallel(queries, ASKED_AT_ONCE, async ({ id, text, relevant }) => ({
    id,
    relevant,
    ids: await rank(text),
  }));
}

const better = (one, other) => (one.ndcg >= other.ndcg ? one : other);

const idsOf = (rankings) => Object.fromEntries(rankings.map(({ id, ids }) => [id, ids]));

function spread(items, count) {
  if (items.length <= count) return items;
  return Array.from({ length: count }, (_, at) => items[Math.floor((at * items.length) / count)]);
}

function printQuality({ engine, collections }) {
  const head = [
    'collection',
    'documents / questions',
    'Botbase nDCG@10',
    'Recall@20',
    'MRR@10',
    'BM25 nDCG@10',
    'full text, any word',
    'Recall@20',
    'full text, all words',
    'without a hit',
  ];
  const rows = collections.map(({ name, documents, quality: { botbase, any, all } }) => [
    name,
    `${documents} / ${botbase.queries}`,
    botbase.ndcg.toFixed(3),
    botbase.recall.toFixed(3),
    botbase.reciprocalRank.toFixed(3),
    knownBm25(name),
    any.ndcg.toFixed(3),
    any.recall.toFixed(3),
    all.ndcg.toFixed(3),
    `${Math.round(all.withoutHit * 100)} %`,
  ]);
  printTable(`retrieval quality (${engine})`, [head, ...rows]);
}

/** Whether the second engine finds what the first one does. */
function printComparison(first, second) {
  const rows = second.collections.map(({ name, found }, at) => {
    const other = first.collections[at].found;
    const ids = Object.keys(found);
    const top = (ranking) => ranking.slice(0, COMPARED_DEPTH).join('\n');
    const same = ids.filter((id) => top(found[id]) === top(other[id]));
    return [name, `${same.length} of ${ids.length}`];
  });
  printTable(`questions with the same ${COMPARED_DEPTH} on ${first.engine} and ${second.engine}`, [
    ['collection', 'the same'],
    ...rows,
  ]);
}

function printLatency({ engine, collections }, rounds) {
  const head = [
    'collection',
    'Botbase p50',
    'p95',
    'CPU',
    'without HTTP p50',
    'p95',
    'any word p50',
    'p95',
    'all words p50',
    'Botbase to any word, p50',
  ];
  const ratio = ({ botbase, any }) => botbase.map(({ p50 }, round) => ({ ratio: p50 / any[round].p50 }));
  const rows = collections.map(({ name, latency, cpuMs }) => [
    name,
    latencyCell(latency.http, 'p50'),
    latencyCell(latency.http, 'p95'),
    cpuMs.toFixed(1),
    latencyCell(latency.botbase, 'p50'),
    latencyCell(latency.botbase, 'p95'),
    latencyCell(latency.any, 'p50'),
    latencyCell(latency.any, 'p95'),
    latencyCell(latency.all, 'p50'),
    latencyCell(ratio(latency), 'ratio'),
  ]);
  printTable(`ms of one search on ${engine}, ${rounds} round(s) of ${QUERIES_PER_ROUND} questions at most`, [
    head,
    ...rows,
  ]);
}

const seconds = (from, to = performance.now()) => ((to - from) / 1000).toFixed(1);
