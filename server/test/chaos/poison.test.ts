import { afterAll, beforeAll, expect, it } from 'vitest';
import { eventually } from '../eventually.js';
import { buildDocx, docxParagraph } from '../fixtures/build-docx.js';
import { type Chaos, startChaos } from './chaos-cluster.js';
import { jobStages, newText } from './job-stages.js';
import { type PageServer, startPageServer } from './page-server.js';
import { note } from './recovery-times.js';

const GOOD = 20;
const MAX_TRIES = 2;
const ENDED_MS = 240_000;
const PARAGRAPHS_OF_A_BOMB = 1_500_000;
const NESTED = 300_000;

let chaos: Chaos;
let pages: PageServer;

beforeAll(async () => {
  pages = await startPageServer('');
  chaos = await startChaos();
});
afterAll(async () => {
  await chaos.close();
  await pages.close();
});

const findJob = async (sourceId: string) => {
  const [row] = await chaos.cluster.query(
    `select jobs.status, jobs.attempts, sources.status as source, sources.error ->> 'code' as reason from jobs
      join sources on sources.id = (payload ->> 'sourceId')::uuid where sources.id = $1`,
    [sourceId],
  );
  return row;
};

const whenFailed = (sourceId: string) =>
  eventually(
    'the poisoned source to end',
    async () => {
      const job = await findJob(sourceId);
      return job?.['source'] === 'failed' || job?.['source'] === 'ready' ? job : null;
    },
    ENDED_MS,
  );

it('fails a poisoned document with its reason, while the others are indexed by the same processes', async () => {
  const { cluster, accounts, urls } = chaos;
  const processIds = cluster.nodes.map(({ processId }) => processId());
  const poisons: [string, string | Uint8Array<ArrayBuffer>][] = [
    ['bomb.docx', new Uint8Array(buildDocx(docxParagraph('x').repeat(PARAGRAPHS_OF_A_BOMB)))],
    [
      'deep.docx',
      new Uint8Array(buildDocx(`${'<w:p><w:r>'.repeat(NESTED)}${'</w:r></w:p>'.repeat(NESTED)}`)),
    ],
    ['broken.docx', new Uint8Array(buildDocx(docxParagraph('x')).subarray(0, 200))],
    ['broken.pdf', `%PDF-1.7\n${'1 0 obj<</Kids[1 0 R]>>endobj\n'.repeat(50_000)}`],
  ];
  const poisoned = await Promise.all(
    poisons.map(([name, content]) => accounts[0].upload(urls[0], name, content)),
  );
  const good = await Promise.all(
    Array.from({ length: GOOD }, (_, index) => {
      const { name, text } = newText();
      return accounts[index % 2 === 0 ? 0 : 1].upload(urls[1], `${name}.txt`, text);
    }),
  );
  for (const sourceId of good) {
    await eventually(
      'a good source to be ready',
      async () => ((await findJob(sourceId))?.['source'] === 'ready' ? true : null),
      ENDED_MS,
    );
  }
  const jobs = await Promise.all(poisoned.map(whenFailed));
  note(
    `poisons: ${JSON.stringify(jobs.map((job, index) => [poisons[index]?.[0], job['reason'], job['attempts']]))}`,
  );
  expect(jobs.map(({ source }) => source)).toEqual(poisons.map(() => 'failed'));
  expect(jobs.filter(({ reason }) => reason === null || reason === 'internal')).toEqual([]);
  expect(jobs.filter(({ attempts }) => Number(attempts) > MAX_TRIES)).toEqual([]);
  expect(await chaos.findBroken()).toEqual([]);
  expect(cluster.nodes.map(({ processId }) => processId())).toEqual(processIds);
});

it('fails a document whose parser crashes, after two tries at most', async () => {
  const { cluster, accounts } = chaos;
  const processIds = cluster.nodes.map(({ processId }) => processId());
  const extract = jobStages.find(({ stage }) => stage === 'extract');
  if (extract === undefined) throw new Error('there is no such stage');
  const caught = await extract.catchJob(chaos, accounts[0], pages);
  // As a fault in native code ends it.
  caught.kill?.('SIGSEGV');
  await caught.release();
  const job = await whenFailed(caught.sourceId);
  expect([job['source'], job['reason'], Number(job['attempts']) <= MAX_TRIES]).toEqual([
    'failed',
    'parser_crashed',
    true,
  ]);
  expect(await chaos.findBroken()).toEqual([]);
  expect(cluster.nodes.map(({ processId }) => processId())).toEqual(processIds);
});
