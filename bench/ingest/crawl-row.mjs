// The crawl: a site of some thousand pages until `ready`, and then again with a hundredth of it changed. Once with
// everything on this machine answering at once, and, of fewer pages, with the waits of real sites and endpoints.
import { signUp, startBotbase } from '../botbase.mjs';
import { createDatabase, findPostmaster } from './database.mjs';
import { meterCpu, startScript, watchMemory } from './processes.mjs';
import { cpuCell, keepFigures, mebibytes, over, printTable } from './report.mjs';

const PAGES = 2_000;
const PAGES_FROM_AFAR = 500;
/** Of a site and of an embedding endpoint across the internet. */
const FROM_AFAR = { siteDelayMs: 150, modelsDelayMs: 200 };
const CHANGED_SHARE = 0.01;
const POLL_MS = 200;
const MINUTE_SECONDS = 60;

export function runCrawlRow({ share, ...options }) {
  return crawlAll({ row: 'crawl', pages: Math.round(PAGES * share), ...options });
}

export function runAfarRow({ share, ...options }) {
  return crawlAll({
    row: 'crawl-afar',
    pages: Math.round(PAGES_FROM_AFAR * share),
    delays: FROM_AFAR,
    ...options,
  });
}

async function crawlAll({
  row,
  pages,
  delays = { siteDelayMs: 0, modelsDelayMs: 0 },
  rounds,
  nodeArguments,
}) {
  const results = [];
  for (let round = 0; round < rounds; round += 1) results.push(await crawl({ pages, delays, nodeArguments }));
  const names = ['first crawl', '1 % changed', '1 % changed, no ETags'];
  const steps = names.map((name, at) => ({ name, runs: results.map((result) => result[at]) }));
  printTable(`${row}: ${pages} pages of 30 kB, ${rounds} round(s)`, [
    [
      'run',
      'pages',
      'seconds',
      'pages/min',
      'peak over idle MiB',
      'requests to the site',
      'embedding calls',
      'texts embedded',
      'CPU s server with readers / alone / PG / models / site',
      'foreign',
    ],
    ...steps.map(({ name, runs }) => [
      name,
      runs[0].pages,
      over(runs, (run) => run.seconds),
      over(runs, (run) => (run.pages / run.seconds) * MINUTE_SECONDS, 0),
      over(runs, (run) => mebibytes(run.memory.peakBytes - run.memory.idleBytes), 0),
      over(runs, (run) => run.site.requests, 0),
      over(runs, (run) => run.models.requests, 0),
      over(runs, (run) => run.models.embedded, 0),
      cpuCell(runs, ['server', 'serverAlone', 'postgres', 'models', 'site']),
      over(runs, (run) => run.cpu.foreignShare, 2),
    ]),
  ]);
  for (const { name, runs } of steps)
    console.log(`${name}: lastSync ${JSON.stringify(runs.at(-1).lastSync)}`);
  await keepFigures(row, steps);
}

async function crawl({ pages, delays, nodeArguments }) {
  const models = await startScript('fake-embeddings.mjs');
  const site = await startScript('site.mjs', { args: [`${pages}`] });
  const database = await createDatabase();
  const server = await startBotbase(
    {
      DATABASE_URL: database.url,
      OPENAI_BASE_URL: `http://127.0.0.1:${models.first.port}/v1`,
      CRAWLER_ALLOW_PRIVATE_NETWORKS: 'true',
    },
    nodeArguments,
  );
  const processIds = {
    server: server.processId,
    postgres: await findPostmaster(),
    models: models.processId,
    site: site.processId,
  };
  try {
    const client = await signUp(server.url);
    const measure = async (begin) => {
      await models.ask({ delayMs: delays.modelsDelayMs });
      await site.ask({ delayMs: delays.siteDelayMs });
      const memory = await watchMemory(server.processId);
      const cpuNow = meterCpu(processIds);
      const startedAt = performance.now();
      const source = await whenReady(client, await begin());
      const seconds = (performance.now() - startedAt) / 1000;
      const figures = {
        pages,
        seconds,
        cpu: cpuNow(),
        memory: memory.stop(),
        lastSync: source.lastSync,
        documents: source.documentCount,
        chunks: source.chunkCount,
      };
      return { ...figures, models: await models.ask({}), site: await site.ask({}) };
    };
    let sourceId;
    const first = await measure(async () => {
      // The start is a page too.
      const crawlSettings = { maxPages: pages + 1 };
      const added = await client.send('POST', '/sources', {
        type: 'url',
        url: site.first.url,
        crawl: crawlSettings,
      });
      sourceId = added.id;
      return added;
    });
    const again = () => client.send('POST', `/sources/${sourceId}/sync`, {});
    await site.ask({ changed: pick(pages, 0) });
    const changed = await measure(again);
    await site.ask({ changed: pick(pages, 1), hasEtags: false });
    return [first, changed, await measure(again)];
  } finally {
    await server.stop();
    await site.stop();
    await models.stop();
    await database.drop();
  }
}

/** A hundredth of the pages, spread evenly; other ones for another offset. */
function pick(pages, offset) {
  const step = 1 / CHANGED_SHARE;
  return Array.from({ length: Math.floor(pages * CHANGED_SHARE) }, (_, at) => at * step + offset);
}

async function whenReady(client, { id, lastSyncedAt }) {
  for (;;) {
    const source = await client.send('GET', `/sources/${id}`);
    if (source.status === 'failed') throw new Error(`the crawl failed: ${source.error.message}`);
    if (source.status === 'ready' && source.lastSyncedAt !== lastSyncedAt) return source;
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}
