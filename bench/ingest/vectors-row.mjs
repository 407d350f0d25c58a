// 10,000 vectors of 1,536 numbers into the product's own table, with its keys and indexes: by the product's own
// statement, by COPY in the binary format, and by INSERT of vectors written as text. One connection each.
import { createRequire } from 'node:module';
import { signUp, startBotbase } from '../botbase.mjs';
import { encodeVector, int32, openCopy } from './copy-rows.mjs';
import { createRandom } from './corpus.mjs';
import { createDatabase, findPostmaster, pg } from './database.mjs';
import { meterCpu } from './processes.mjs';
import { keepFigures, over, printTable } from './report.mjs';

const ROWS = 10_000;
const DIMENSIONS = 1536;
/** As many as the product writes in a transaction. */
const ROWS_PER_TRANSACTION = 100;
const MODEL = 'text-embedding-3-small';
const COLUMNS = 'embeddings (id, project_id, chunk_id, model, dimensions, embedding)';
const MIGRATION_MS = 100;

const require = createRequire(new URL('../../server/package.json', import.meta.url));

export async function runVectorsRow({ rounds, share }) {
  const database = await createDatabase();
  try {
    const rows = await prepareRows(database, Math.round(ROWS * share));
    const client = new pg.Client({ connectionString: database.url });
    await client.connect();
    const arms = [
      { name: 'binary COPY, one', write: (all) => copyRows(client, all) },
      { name: 'binary COPY, 100 rows each', write: inBatches(client, (batch) => copyRows(client, batch)) },
      { name: 'Botbase, 100 rows each', write: inBatches(client, await productWrite(client)) },
      {
        name: 'INSERT unnest text, 100 rows each',
        write: inBatches(client, (batch) => insertTexts(client, batch)),
      },
    ];
    const runs = arms.map(() => []);
    for (let round = 0; round < rounds; round += 1) {
      for (const [at, { write }] of arms.entries()) runs[at].push(await measure(client, rows, write));
    }
    await client.end();
    const named = arms.map(({ name }, at) => ({ arm: name, runs: runs[at] }));
    printTable(`vector-write: ${rows.length} vectors of ${DIMENSIONS}, ${rounds} round(s)`, [
      ['arm', 'rows/s', 'of one COPY', 'CPU s client / PG', 'foreign'],
      ...named.map((arm) => [
        arm.arm,
        over(arm.runs, (run) => rows.length / run.seconds, 0),
        over(
          arm.runs.map((run, at) => runs[0][at].seconds / run.seconds),
          (ratio) => ratio,
          2,
        ),
        ['client', 'postgres'].map((name) => over(arm.runs, (run) => run.cpu[name], 2)).join(' / '),
        over(arm.runs, (run) => run.cpu.foreignShare, 2),
      ]),
    ]);
    await keepFigures('vector-write', named);
  } finally {
    await database.drop();
  }
}

/** A project with as many chunks, and vectors for them. */
async function prepareRows(database, count) {
  const server = await startBotbase({ DATABASE_URL: database.url });
  const { projectId, send } = await signUp(server.url);
  await send('POST', '/sources', { type: 'text', name: 'One', text: 'A text of one chunk.' });
  let document;
  while (document === undefined) {
    await new Promise((resolve) => setTimeout(resolve, MIGRATION_MS));
    [document] = await database.query('select id from documents where live_version > 0');
  }
  await server.stop();
  const chunks = await database.query(
    `insert into document_chunks (id, project_id, document_id, version, chunk_index, content, start_offset, end_offset,
       token_count, content_hash)
     select gen_random_uuid(), $1, $2, 2, number, 'text', 0, 4, 1, number::text from generate_series(1, $3::int) number
     returning id`,
    [projectId, document.id, count],
  );
  const random = createRandom(7);
  const fill = () => random() - 0.5;
  const { newId } = await import('../../server/dist/kernel/ids.js');
  return chunks.map(({ id: chunkId }) => ({
    id: newId(),
    projectId,
    chunkId,
    model: MODEL,
    dimensions: DIMENSIONS,
    embedding: Float32Array.from({ length: DIMENSIONS }, fill),
  }));
}

async function measure(client, rows, write) {
  await client.query('truncate embeddings');
  const cpuNow = meterCpu({ client: process.pid, postgres: await findPostmaster() });
  const startedAt = performance.now();
  await write(rows);
  const seconds = (performance.now() - startedAt) / 1000;
  return { seconds, cpu: cpuNow() };
}

function inBatches(client, write) {
  return async (rows) => {
    for (let start = 0; start < rows.length; start += ROWS_PER_TRANSACTION) {
      await client.query('begin');
      await write(rows.slice(start, start + ROWS_PER_TRANSACTION));
      await client.query('commit');
    }
  };
}

async function copyRows(client, rows) {
  const copy = await openCopy(client, COLUMNS);
  for (let start = 0; start < rows.length; start += ROWS_PER_TRANSACTION) {
    await copy.write(
      rows
        .slice(start, start + ROWS_PER_TRANSACTION)
        .map((row) => [
          uuid(row.id),
          uuid(row.projectId),
          uuid(row.chunkId),
          Buffer.from(row.model),
          int32(row.dimensions),
          encodeVector(Buffer.from(row.embedding.buffer)),
        ]),
    );
  }
  await copy.end();
}

const uuid = (text) => Buffer.from(text.replaceAll('-', ''), 'hex');

/** What the server itself calls for each batch. */
async function productWrite(client) {
  const { drizzle } = require('drizzle-orm/node-postgres');
  const { insertEmbeddings } = await import('../../server/dist/features/ingestion/ingestion.queries.js');
  const db = drizzle(client);
  return (batch) => insertEmbeddings(db, batch);
}

function insertTexts(client, rows) {
  return client.query(
    `insert into ${COLUMNS}
     select id, $2, chunk_id, $4, $5, vector::vector from unnest($1::uuid[], $3::uuid[], $6::text[]) as row (id, chunk_id, vector)`,
    [
      rows.map(({ id }) => id),
      rows[0].projectId,
      rows.map(({ chunkId }) => chunkId),
      MODEL,
      DIMENSIONS,
      rows.map(({ embedding }) => `[${embedding.join(',')}]`),
    ],
  );
}
