// Tenants of 100 to 100,000 chunks in one table of vectors: what the product's own search finds of the ten nearest, how
// many rows it gives and how long it takes, beside the bare statements: exact, and by an HNSW index.
import { createRequire } from 'node:module';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { quantile } from '../botbase.mjs';
import { createDatabase, pg } from '../ingest/database.mjs';
import { keepFigures, printTable } from '../ingest/report.mjs';
import { MODEL, RARE_LANGUAGE, addTenant } from './tenants-data.mjs';

const SIZES = { server: [100, 1_000, 10_000, 100_000], embedded: [100, 1_000, 10_000, 20_000] };
const QUESTIONS = 40;
/** What retrieval asks of its semantic leg. */
const LIMIT = 100;
const RECALL_AT = 10;
const EMBEDDING_MS = 5;
const SETTINGS = {
  'hnsw.iterative_scan': 'relaxed_order',
  'hnsw.ef_search': '400',
  enable_sort: 'off',
  jit: 'off',
};
const never = new AbortController().signal;

const require = createRequire(new URL('../../server/package.json', import.meta.url));
const { sql } = require('drizzle-orm');
const { drizzle } = require('drizzle-orm/node-postgres');

/** @param share of the chunks of each tenant */
export async function runTenantsRow({ rounds, share }) {
  const hasServer = (process.env.DATABASE_URL ?? process.env.TEST_DATABASE_URL) !== undefined;
  for (const engine of hasServer ? ['embedded', 'server'] : ['embedded']) {
    await runEngine(engine, { rounds, share });
  }
}

async function runEngine(engine, { rounds, share }) {
  const product = await loadProduct();
  const server = engine === 'server' ? await createDatabase() : null;
  const dataDir = await mkdtemp(join(tmpdir(), 'botbase-bench-'));
  const config = { database: { url: server?.url ?? null, poolSize: 4 }, dataDir };
  const database = await product.openDatabase(config, product.createLogger('error'), product.createMetrics());
  const { db } = database;
  const ctx = { db, config, embedder: createEmbedder() };
  try {
    await product.fitVectorStorage(ctx, 'any');
    const loading = performance.now();
    const tenants = [];
    for (const [at, size] of SIZES[engine].entries()) {
      const chunkCount = Math.round(size * share);
      tenants.push(await addTenant({ db, product, seed: at + 1, chunkCount, questionCount: QUESTIONS }));
    }
    const loaded = performance.now();
    const indexCount = await product.keepVectorIndexes(ctx, never);
    const built = performance.now();
    await db.execute(sql`vacuum analyze`);
    console.log(
      `\n${engine}: vectors stored in ${seconds(loading, loaded)} s, ${indexCount} index(es) in ${seconds(loaded, built)} s`,
    );
    const raw = await openRawSession(ctx, indexCount > 0);
    const figures = [];
    for (const tenant of tenants) figures.push(await measure({ ctx, product, raw, tenant, rounds }));
    await raw.close();
    printTable(
      `tenant-knn on ${engine}: the nearest ${LIMIT} of ${MODEL.dimensions} numbers, ${QUESTIONS} questions, ${rounds} round(s)`,
      [
        [
          'chunks',
          'arm',
          `recall@${RECALL_AT}`,
          `recall@${LIMIT}`,
          'rows',
          'p50 ms',
          'p95 ms',
          'p95 to exact SQL',
        ],
        ...figures.flatMap((arms) => arms.map((arm) => rowOf(arm, arms[0]))),
      ],
    );
    await keepFigures(`tenant-knn-${engine}`, figures);
  } finally {
    await database.close();
    await server?.drop();
    await rm(dataDir, { recursive: true, force: true });
  }
}

async function loadProduct() {
  const files = [
    'app/open-database.js',
    'db/schema/columns.js',
    'features/ingestion/ingestion.queries.js',
    'features/retrieval/fit-vector-storage.js',
    'features/retrieval/keep-vector-indexes.js',
    'features/retrieval/vector-search.js',
    'kernel/ids.js',
    'platform/logger.js',
    'platform/metrics.js',
    'platform/scope.js',
  ];
  const modules = await Promise.all(files.map((file) => import(`../../server/dist/${file}`)));
  return Object.assign({ sql }, ...modules);
}

/**
 * Gives the vector that it is told, after a while: searching alone is measured, from when the vector is there. What is
 * looked up meanwhile costs nobody time, as with an endpoint.
 */
function createEmbedder() {
  const state = { next: null, readyAt: 0 };
  const embed = async () => {
    await pause(EMBEDDING_MS);
    state.readyAt = performance.now();
    return { vectors: [state.next], tokens: 0 };
  };
  return { ...MODEL, state, embed };
}

/** A session that always goes by the index, for the bare statement. */
async function openRawSession({ db, config }, hasIndex) {
  if (!hasIndex) return { byIndex: null, close: async () => {} };
  const set = async (on) => {
    for (const [name, value] of Object.entries(SETTINGS)) {
      await on.execute(sql`select set_config(${name}, ${value}, false)`);
    }
  };
  const reset = async (on) => {
    for (const name of Object.keys(SETTINGS)) await on.execute(sql.raw(`reset ${name}`));
  };
  if (config.database.url === null) {
    // All there share one session.
    const byIndex = async (run) => {
      await set(db);
      try {
        return await run(db);
      } finally {
        await reset(db);
      }
    };
    return { byIndex, close: async () => {} };
  }
  const client = new pg.Client({ connectionString: config.database.url });
  await client.connect();
  const session = drizzle(client);
  await set(session);
  return { byIndex: (run) => run(session), close: () => client.end() };
}

async function measure({ ctx, product, raw, tenant, rounds }) {
  const { scope } = tenant;
  const size = sql.raw(String(MODEL.dimensions));
  const search = (filter) => async (vector) => {
    const { state } = ctx.embedder;
    state.next = vector;
    const found = await product.vectorSearch(ctx, scope, { query: '', limit: LIMIT, filter }, never);
    return { ms: performance.now() - state.readyAt, ids: found.map(({ chunkId }) => chunkId) };
  };
  const statement = (vector, order) => sql`
    select chunk_id as id from embeddings
    where project_id = ${scope.projectId} and model = ${MODEL.model} and dimensions = ${MODEL.dimensions}
    order by ${order(product.encodeVector(vector))} limit ${LIMIT}`;
  const bare = (order) => (vector) => (on) => timed(on, statement(vector, order));
  const exact = bare((vector) => sql`embedding <=> ${vector}::vector`);
  const halfvec = bare((vector) => sql`embedding::halfvec(${size}) <=> ${vector}::vector::halfvec(${size})`);
  const bit = bare(
    (vector) => sql`binary_quantize(embedding)::bit(${size}) <~> binary_quantize(${vector}::vector)`,
  );
  const byIndex = ctx.config.database.url === null ? bit : halfvec;
  const arms = [
    { name: 'SQL, exact', run: (vector) => exact(vector)(ctx.db) },
    ...(raw.byIndex === null ? [] : [{ name: 'SQL, HNSW', run: (vector) => raw.byIndex(byIndex(vector)) }]),
    { name: 'Botbase', run: search(undefined) },
    {
      name: 'Botbase, a tenth matches',
      run: search({ languages: [RARE_LANGUAGE] }),
      truth: (vector) =>
        timed(
          ctx.db,
          sql`select e.chunk_id as id from embeddings e join document_chunks c on c.id = e.chunk_id
            join documents d on d.id = c.document_id
            where e.project_id = ${scope.projectId} and e.model = ${MODEL.model} and e.dimensions = ${MODEL.dimensions}
              and d.language = ${RARE_LANGUAGE}
            order by e.embedding <=> ${product.encodeVector(vector)}::vector limit ${LIMIT}`,
        ),
    },
  ].map((arm) => ({ truth: (vector) => exact(vector)(ctx.db), ...arm, chunks: tenant.chunkCount, runs: [] }));
  const truths = new Map();
  for (const arm of arms) {
    for (const [at, vector] of tenant.questions.entries()) {
      truths.set(`${arm.name}/${at}`, (await arm.truth(vector)).ids);
    }
  }
  for (let round = 0; round < rounds; round += 1) {
    for (const [at, vector] of tenant.questions.entries()) {
      for (const arm of arms) {
        const { ms, ids } = await arm.run(vector);
        const truth = truths.get(`${arm.name}/${at}`);
        arm.runs.push({ ms, rows: ids.length, wanted: truth.length, ...recallOf(ids, truth) });
      }
    }
  }
  return arms.map(({ name, chunks, runs }) => ({ name, chunks, runs }));
}

async function timed(on, statement) {
  const startedAt = performance.now();
  const { rows } = await on.execute(statement);
  return { ms: performance.now() - startedAt, ids: rows.map(({ id }) => id) };
}

function recallOf(ids, truth) {
  const share = (found, wanted) =>
    wanted.length === 0 ? 1 : wanted.filter((id) => found.includes(id)).length / wanted.length;
  return { nearest: share(ids.slice(0, RECALL_AT), truth.slice(0, RECALL_AT)), all: share(ids, truth) };
}

function rowOf(arm, exact) {
  const mean = (figure) => arm.runs.reduce((sum, run) => sum + figure(run), 0) / arm.runs.length;
  const timeOf = ({ runs }, part) =>
    quantile(
      runs.map(({ ms }) => ms).toSorted((a, b) => a - b),
      part,
    );
  return [
    arm.chunks,
    arm.name,
    mean(({ nearest }) => nearest).toFixed(3),
    mean(({ all }) => all).toFixed(3),
    `${mean(({ rows }) => rows).toFixed(0)} of ${mean(({ wanted }) => wanted).toFixed(0)}`,
    timeOf(arm, 0.5).toFixed(2),
    timeOf(arm, 0.95).toFixed(2),
    (timeOf(arm, 0.95) / timeOf(exact, 0.95)).toFixed(2),
  ];
}

const seconds = (from, to) => ((to - from) / 1000).toFixed(1);
