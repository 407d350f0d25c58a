// Files until they can be searched, by all arms in turn: A B C A B C. Wall, memory, CPU and calls of the same runs.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { prepareArms } from './arms.mjs';
import { writeFiles } from './corpus.mjs';
import { createDatabase, findPostmaster } from './database.mjs';
import { meterCpu, startScript, watchMemory } from './processes.mjs';
import { MEBIBYTE, cpuCell, keepFigures, mebibytes, over, printTable } from './report.mjs';

const BYTES = 10 * MEBIBYTE;
/** Numbers of files that the text is in. */
const CASES = [943, 1];
/** The endpoint takes 200 ms for a call, and refuses 5 % of them for a second. */
const SLOW = { delayMs: 200, every429: 20 };

/** Rows 5 and 6. */
export async function runIngestRow(options) {
  await compare({ row: 'ingest-10mb', behaviour: {}, ...options });
}

/** Row 7. */
export async function runSlowRow(options) {
  await compare({ row: 'ingest-slow-upstream', behaviour: SLOW, ...options });
}

async function compare({ row, behaviour, rounds, share, nodeArguments }) {
  const bytes = BYTES * share;
  const root = await mkdtemp(join(tmpdir(), 'botbase-bench-corpus-'));
  const models = await startScript('fake-embeddings.mjs');
  const { arms, close } = await prepareArms(nodeArguments);
  const figures = [];
  try {
    for (const most of CASES) {
      const count = Math.ceil(most * share);
      const directory = join(root, `${most}`);
      await mkdir(directory);
      for (const file of writeFiles({ bytes, count })) await writeFile(join(directory, file.name), file.text);
      const runs = arms.map(() => []);
      for (let round = 0; round < rounds; round += 1) {
        for (const [at, arm] of arms.entries())
          runs[at].push(await runArm(arm, { directory, models, behaviour }));
      }
      figures.push({ files: count, arms: arms.map((arm, at) => ({ arm: arm.name, runs: runs[at] })) });
      printCase({
        title: `${row}: ${bytes / MEBIBYTE} MiB of Markdown in ${count} file(s), ${rounds} round(s)`,
        bytes,
        arms: figures.at(-1).arms,
      });
    }
    await keepFigures(row, figures);
  } finally {
    await close();
    await models.stop();
    await rm(root, { recursive: true, force: true });
  }
}

async function runArm(arm, { directory, models, behaviour }) {
  const database = await createDatabase();
  const { port } = models.first;
  const running = await arm.start({
    DATABASE_URL: database.url,
    OPENAI_BASE_URL: `http://127.0.0.1:${port}/v1`,
  });
  try {
    await models.ask(behaviour);
    const memory = await watchMemory(running.processId);
    const cpuNow = meterCpu({
      arm: running.processId,
      postgres: await findPostmaster(),
      models: models.processId,
    });
    const startedAt = performance.now();
    await running.ingest(directory);
    const seconds = (performance.now() - startedAt) / 1000;
    const measured = {
      seconds,
      cpu: cpuNow(),
      memory: memory.stop(),
      models: await models.ask({ delayMs: 0, every429: 0 }),
    };
    const [counted] = await database.query(running.countSql);
    return { ...measured, ...counted };
  } finally {
    await running.stop();
    await database.drop();
  }
}

function printCase({ title, bytes, arms }) {
  const head = [
    'arm',
    'seconds',
    'chunks',
    'chunks/s',
    'MiB/s',
    'of the anchor',
    'peak over idle MiB',
    'calls (refused)',
    'without vector',
    'CPU s arm with children / alone / PG / models',
    'foreign',
  ];
  const [anchor] = arms;
  const rows = arms.map(({ arm, runs }) => [
    arm,
    over(runs, (run) => run.seconds, 2),
    runs[0].chunks,
    over(runs, (run) => run.chunks / run.seconds, 0),
    over(runs, (run) => bytes / MEBIBYTE / run.seconds, 2),
    // Of the same round: what disturbed one has disturbed the other.
    over(
      runs.map((run, at) => anchor.runs[at].seconds / run.seconds),
      (ratio) => ratio,
      3,
    ),
    over(runs, (run) => mebibytes(run.memory.peakBytes - run.memory.idleBytes), 0),
    `${over(runs, (run) => run.models.requests, 0)} (${runs[0].models.refused})`,
    Math.max(...runs.map((run) => run.chunks - run.vectors)),
    cpuCell(runs, ['arm', 'armAlone', 'postgres', 'models']),
    over(runs, (run) => run.cpu.foreignShare, 2),
  ]);
  printTable(title, [head, ...rows]);
}
