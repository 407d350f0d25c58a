import type { DatabaseRow } from './query-database.js';
import type { RecordedRequest } from '../fakes/fake-openai-options.js';
import { eventually } from '../eventually.js';
import { type ProcessResources, findGrowth } from './process-resources.js';
import { listOrphanFiles } from './orphan-files.js';
import * as statements from './invariants.queries.js';

type Query = (statement: string, values?: unknown[]) => Promise<DatabaseRow[]>;

/** An answer of Botbase as a test recorded it. */
interface RecordedAnswer {
  status: number;
  contentType: string;
  body: string;
}

export interface Evidence {
  query: Query;
  dataDir: string;
  /** Ids that Botbase gave out with a success; without those that the test deleted again. */
  accepted: { messageIds: string[]; sourceIds: string[] };
  /** The dimensions of the embedding model; null where there is none. */
  dimensions: number | null;
  /** What the model endpoint was asked; null where there is none. */
  modelRequests: readonly RecordedRequest[] | null;
  answers: RecordedAnswer[];
  logLines: string[];
  secrets: string[];
  /** Each tenant's canary, which is in all its texts, and all that this tenant was shown. */
  tenants: { canary: string; wasShown: string[] }[];
  /** By process: when it had nothing to do at first, and after the fault; with the same process id. */
  resources: { before: ProcessResources; after: ProcessResources }[];
}

/** A job that waits for its next attempt is in progress; one that is planned for later is not. */
const LONGEST_BACKOFF_MS = 300_000;
/** Schedules begin work at any time: what is as new as this is not stuck. */
const JUST_BEGUN_MS = 5_000;

const NO_EVIDENCE: Omit<Evidence, 'query' | 'dataDir'> = {
  accepted: { messageIds: [], sourceIds: [] },
  dimensions: null,
  modelRequests: null,
  answers: [],
  logLines: [],
  secrets: [],
  tenants: [],
  resources: [],
};

/**
 * Waits until nothing is in progress: no job, no source, no answer. That is I4, with the time that a fault may take.
 * @throws Error that lists what is stuck
 */
export async function whenSettled(query: Query, timeoutMs: number): Promise<void> {
  let stuck: string[] = [];
  await eventually(
    'all work to end',
    async () => {
      const until = new Date(Date.now() + LONGEST_BACKOFF_MS);
      stuck = await query(statements.UNFINISHED_WORK, [until]).then(linesOf, (error: unknown) => [
        String(error),
      ]);
      return stuck.length === 0 ? true : null;
    },
    timeoutMs,
  ).catch((cause: unknown) => {
    throw new Error(`after ${timeoutMs} ms not ended: ${stuck.join('; ')}`, { cause });
  });
}

/**
 * What does not hold of the nine invariants, a line for each fault; nothing when all is well. To be asked when all work
 * has ended. I2 (usage and ledger) and I6 (webhooks) hold what there is by now: answers, calls and costs.
 */
export async function findBrokenInvariants(
  evidence: Partial<Evidence> & Pick<Evidence, 'query' | 'dataDir'>,
): Promise<string[]> {
  const all: Evidence = { ...NO_EVIDENCE, ...evidence };
  const inDatabase = async (name: string, statement: string, values: unknown[] = []) =>
    linesOf(await all.query(statement, values)).map((line) => `${name}: ${line}`);
  return [
    ...(await inDatabase('I1', statements.LOST_MESSAGES, [all.accepted.messageIds])),
    ...(await inDatabase('I1', statements.LOST_SOURCES, [all.accepted.sourceIds])),
    ...(await inDatabase('I2', statements.UNPAIRED_TURNS)),
    ...(await inDatabase('I2', statements.CHARGED_FAILURES)),
    ...(await findUnpaidAnswers(all)),
    ...(await inDatabase('I3', statements.WRONG_CHUNKS)),
    ...(await inDatabase('I3', statements.WRONG_COUNTS)),
    ...(await inDatabase('I3', statements.WRONG_SEGMENTS)),
    ...(await inDatabase('I3', statements.WRONG_EMBEDDINGS, [all.dimensions])),
    ...(await inDatabase('I3', statements.WRONG_PAGES)),
    ...(await inDatabase('I3', statements.WRONG_DOCUMENTS)),
    ...(await inDatabase('I3', statements.WRONG_SYNC_COUNTS)),
    ...(await inDatabase('I4', statements.STRANDED_RUNS)),
    ...(await inDatabase('I4', statements.UNFINISHED_WORK, [new Date(Date.now() - JUST_BEGUN_MS)])),
    ...(await inDatabase('I5', statements.ORPHAN_VERSIONS)),
    ...(await findOrphanFiles(all)),
    ...all.resources.flatMap(({ before, after }) => findGrowth(before, after).map((line) => `I7: ${line}`)),
    ...all.answers.filter(isBareFault).map(({ body }) => `I8: 500 without a problem: ${body.slice(0, 200)}`),
    ...findSecrets(all),
    ...findForeignCanaries(all),
  ];
}

/** Every answer that came from the model was asked for; the built-in ones ask nobody. */
async function findUnpaidAnswers({ query, modelRequests }: Evidence): Promise<string[]> {
  if (modelRequests === null) return [];
  const calls = modelRequests.filter(({ path }) => path.endsWith('/chat/completions')).length;
  const [row] = await query(statements.COUNT_MODEL_ANSWERS);
  const answers = Number(row?.['count']);
  return answers > calls ? [`I2: ${answers} answers of a model that was called ${calls} times`] : [];
}

async function findOrphanFiles({ query, dataDir }: Evidence): Promise<string[]> {
  const rows = await query(statements.STORED_FILES);
  const orphans = await listOrphanFiles(dataDir, new Set(rows.map((row) => String(row['file_key']))));
  return orphans.map((file) => `I5: file ${file} of no source`);
}

function isBareFault({ status, contentType, body }: RecordedAnswer): boolean {
  if (status !== 500) return false;
  return !contentType.startsWith('application/problem+json') || !body.includes('"requestId"');
}

/** The place of a secret is told, and not the secret. */
function findSecrets({ logLines, answers, secrets }: Evidence): string[] {
  const findIn = (place: string, texts: string[]) =>
    secrets.flatMap((secret, index) =>
      texts.some((text) => text.includes(secret)) ? [`I8: secret ${index} in ${place}`] : [],
    );
  return [
    ...findIn('a line of the log', logLines),
    ...findIn(
      'an answer',
      answers.map(({ body }) => body),
    ),
  ];
}

function findForeignCanaries({ tenants, modelRequests }: Evidence): string[] {
  const canaries = tenants.map(({ canary }) => canary);
  const shown = tenants.flatMap(({ canary, wasShown }) =>
    canaries
      .filter((other) => other !== canary && wasShown.some((text) => text.includes(other)))
      .map((other) => `I9: the tenant of ${canary} was shown ${other}`),
  );
  const prompts = (modelRequests ?? [])
    .map(({ body }) => JSON.stringify(body))
    .map((prompt) => canaries.filter((canary) => prompt.includes(canary)))
    .filter((found) => found.length > 1)
    .map((found) => `I9: one request to the model holds ${found.join(' and ')}`);
  return [...shown, ...prompts];
}

function linesOf(rows: DatabaseRow[]): string[] {
  return rows.map((row) => String(row['line']));
}
