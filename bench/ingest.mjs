// Ingestion on a real PostgreSQL: a crawl and its repetition; files until they can be searched, beside the least that
// can do the job and beside LangChain.js, with an endpoint that is quick and with one that is slow and refuses calls.
//
//   bash scripts/with-services.sh node bench/ingest.mjs [--rounds N] [--share S] [crawl | afar | files | slow | vectors]…
//
// `--share 0.1` does a tenth of the work, for a quick look.
// BENCH_NODE_ARGUMENTS goes to the server's Node: `--cpu-prof --cpu-prof-dir=DIRECTORY` keeps a profile of each run.
import { parseArgs } from 'node:util';
import { runAfarRow, runCrawlRow } from './ingest/crawl-row.mjs';
import { runIngestRow, runSlowRow } from './ingest/files-row.mjs';
import { runVectorsRow } from './ingest/vectors-row.mjs';

const ROWS = {
  crawl: runCrawlRow,
  afar: runAfarRow,
  files: runIngestRow,
  slow: runSlowRow,
  vectors: runVectorsRow,
};

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { rounds: { type: 'string', default: '3' }, share: { type: 'string', default: '1' } },
});
const nodeArguments = process.env.BENCH_NODE_ARGUMENTS?.split(' ') ?? [];
const names = positionals.length > 0 ? positionals : Object.keys(ROWS);
for (const name of names) {
  if (!Object.hasOwn(ROWS, name))
    throw new Error(`There is no row ${name}: ${Object.keys(ROWS).join(', ')}.`);
}
for (const name of names) {
  await ROWS[name]({
    rounds: Number(values.rounds),
    nodeArguments,
    share: Number(values.share),
  });
}
