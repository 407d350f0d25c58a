// What a search takes that goes under row-level security and one that does not: two builds on one PostgreSQL, each
// question asked of both in turn. Needs a build here, and another checkout with a build to compare with.
//
//   bash scripts/with-services.sh node bench/row-security-search.mjs OTHER_CHECKOUT [--rounds N] [--collection NAME]
import { fork } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { randomBytes } from 'node:crypto';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import pg from 'pg';
import { clientOf, readUsage, signUp, startBotbase } from './botbase.mjs';
import { readCollections } from './retrieval/collections.mjs';
import { chooseQueries, countSearches, latencyCell, measureLatency } from './retrieval/latency.mjs';
import { inParallel, loadProject } from './retrieval/load-project.mjs';

const QUERIES_PER_ROUND = 100;
/** Searches at once where it is asked how many a second there are. */
const AT_ONCE = 16;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: 'string', default: '5' },
    collection: { type: 'string', default: 'squad2dev' },
    /** Each build on an embedded database of its own, which has no row-level security: what the transactions cost. */
    embedded: { type: 'boolean', default: false },
  },
});
const [other] = positionals;
const rounds = Number(values.rounds);
if (other === undefined) throw new Error('which checkout is to be compared with?');

const models = fork(fileURLToPath(new URL('ingest/fake-embeddings.mjs', import.meta.url)));
const { port } = await new Promise((told) => models.once('message', told));
const database = values.embedded ? null : await makeDatabase();
const dataDir = await mkdtemp(join(tmpdir(), 'botbase-bench-'));
const settings = {
  OPENAI_BASE_URL: `http://127.0.0.1:${port}/v1`,
  OPENAI_API_KEY: 'bench',
  ...(database === null ? {} : { DATABASE_URL: database.url, DATA_DIR: dataDir }),
};
const [collection] = readCollections([values.collection]);
const servers = {};
try {
  servers.outside = await startBotbase({ ...settings, MAIN: join(resolve(other), 'server/dist/main.js') });
  servers.under = await startBotbase(settings);
  const clients = await loadBoth();
  const askOf = (name, body) => (query) => clients[name].send('POST', '/search', { query, ...body });
  for (const mode of ['keyword', 'hybrid']) await measure(mode, askOf);
} finally {
  for (const server of Object.values(servers)) await server.stop();
  models.disconnect();
  await database?.drop();
  await rm(dataDir, { recursive: true, force: true });
}

/** One project that both see, or the same in each. */
async function loadBoth() {
  const { outside, under } = servers;
  const load = async (server) => {
    const { token } = await signUp(server.url);
    return (await loadProject(server, token, collection)).client;
  };
  const first = await load(under);
  const second = values.embedded ? await load(outside) : clientOf(outside.url, first);
  return { outside: second, under: first };
}

async function measure(mode, askOf) {
  const timed = chooseQueries(collection.queries, { rounds, perRound: QUERIES_PER_ROUND });
  const arms = { outside: askOf('outside', { mode }), under: askOf('under', { mode }) };
  const found = [];
  for (const { text } of timed.warmUp) {
    const answers = await Promise.all(Object.values(arms).map((ask) => ask(text)));
    const scores = answers.map(({ results }) => results.map(({ title, score }) => `${title} ${score}`));
    found.push(new Set(scores.map(String)).size);
  }
  if (found.some((different) => different !== 1)) throw new Error('the two builds find different things');
  const figures = await measureLatency(arms, timed);
  console.log(`${mode}, ms of one search one after the other (${countSearches(timed)} questions)`);
  for (const [name, own] of Object.entries(figures))
    console.log(`  ${name}: p50 ${latencyCell(own, 'p50')}, p95 ${latencyCell(own, 'p95')}`);
  await measureRates(mode, arms);
}

/** Rounds of both in turn; each question is new to the process that is asked. */
async function measureRates(mode, arms) {
  const rates = Object.fromEntries(Object.keys(arms).map((name) => [name, []]));
  const cpu = Object.fromEntries(Object.keys(arms).map((name) => [name, []]));
  for (let round = 0; round < rounds; round += 1) {
    const asked = collection.queries.slice(0, 400).map(({ text }) => `${text} ${mode} ${round}`);
    for (const [name, ask] of Object.entries(arms)) {
      const before = await readUsage(servers[name].url);
      const startedAt = performance.now();
      await inParallel(asked, AT_ONCE, ask);
      const seconds = (performance.now() - startedAt) / 1000;
      const after = await readUsage(servers[name].url);
      rates[name].push({ rate: asked.length / seconds });
      cpu[name].push({ ms: ((after.cpuSeconds - before.cpuSeconds) * 1000) / asked.length });
    }
  }
  console.log(`${mode}, ${AT_ONCE} at once`);
  for (const name of Object.keys(arms))
    console.log(
      `  ${name}: ${latencyCell(rates[name], 'rate')} searches a second, ${latencyCell(cpu[name], 'ms')} ms of the server's CPU each`,
    );
}

async function makeDatabase() {
  const url = new URL(process.env.TEST_DATABASE_URL);
  const admin = new pg.Client({ connectionString: url.href });
  await admin.connect();
  const name = `bench_${randomBytes(6).toString('hex')}`;
  await admin.query(`create database ${name}`);
  url.pathname = `/${name}`;
  return {
    url: url.href,
    drop: async () => {
      await admin.query(`drop database ${name} with (force)`);
      await admin.end();
    },
  };
}
