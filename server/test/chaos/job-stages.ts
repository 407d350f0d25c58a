import { findChildProcess } from '../child-processes.js';
import { eventually } from '../eventually.js';
import type { Account } from './chaos-account.js';
import type { Chaos } from './chaos-cluster.js';
import type { PageServer } from './page-server.js';
import { lockTable } from './table-lock.js';

/** A job that was caught at one stage of its work, and stays there. */
interface CaughtJob {
  sourceId: string;
  worker: ReturnType<Chaos['cluster']['worker']>;
  /** Lets other attempts pass this stage, and this one where it can go on. */
  release: () => Promise<void>;
  /** What the attempt waited for has seen that nobody wants it any more; null where nothing could see that. */
  hasStopped: (() => Promise<boolean> | boolean) | null;
  /** Of the process that reads the file, where there is one. */
  kill?: (signal: NodeJS.Signals) => void;
}

type CatchJob = (chaos: Chaos, account: Account, pages: PageServer) => Promise<CaughtJob>;

const SENTENCES = 400;
const EXTRACTION_SCRIPT = 'extraction-process';
let sources = 0;

/** Some chunks of a text that no other source has. */
export function newText(): { name: string; text: string } {
  sources += 1;
  const number = sources;
  const sentences = Array.from(
    { length: SENTENCES },
    (_, index) => `Crate ${index} of ship ${number} holds ${index * 7} lanterns.`,
  );
  return { name: `Ship ${number}`, text: sentences.join(' ') };
}

async function addText(chaos: Chaos, account: Account): Promise<string> {
  const { name, text } = newText();
  return account.addText(chaos.urls[0], name, text);
}

/** While its page is fetched. */
const catchFetch: CatchJob = async (chaos, account, pages) => {
  const before = pages.requests.length;
  pages.hold(true);
  const body = { type: 'url', url: `${pages.url}?${newText().name.replace(' ', '')}` };
  const reply = await account.send(chaos.urls[0], 'POST', `${account.project}/sources`, { body });
  const sourceId = String(reply.json()['id']);
  account.accepted.sourceIds.push(sourceId);
  const request = await eventually('the page to be fetched', () => pages.requests[before] ?? null);
  return {
    sourceId,
    worker: await chaos.findNode(request.port),
    release: async () => {
      pages.hold(false);
      pages.release();
    },
    hasStopped: () => request.hasLeft,
  };
};

/** While the process of its own reads the file. */
const catchExtract: CatchJob = async (chaos, account) => {
  const { name, text } = newText();
  const sourceId = await account.upload(chaos.urls[0], `${name}.txt`, text);
  const workers = [chaos.cluster.worker(0), chaos.cluster.worker(1)];
  const caught = await eventually('the file to be read', async () => {
    for (const worker of workers) {
      const child = await findChildProcess(worker.processId(), EXTRACTION_SCRIPT);
      if (child !== null) return { worker, child };
    }
    return null;
  });
  process.kill(caught.child, 'SIGSTOP');
  const isAlive = () => signalIfAlive(caught.child, 0);
  return {
    sourceId,
    worker: caught.worker,
    release: async () => void signalIfAlive(caught.child, 'SIGCONT'),
    hasStopped: () => !isAlive(),
    kill: (signal) => void signalIfAlive(caught.child, signal),
  };
};

/** While the model endpoint works at its embeddings. */
const catchEmbed: CatchJob = async (chaos, account) => {
  const before = chaos.countCalls('embeddings');
  chaos.hangEmbeddings(true);
  const sourceId = await addText(chaos, account);
  await eventually('embeddings to be asked for', () =>
    chaos.countCalls('embeddings') > before ? true : null,
  );
  const request = chaos.openai.requests.findLast(({ path }) => path.endsWith('/embeddings'));
  return {
    sourceId,
    worker: await chaos.findCaller('embeddings'),
    release: async () => chaos.hangEmbeddings(false),
    hasStopped: () => request?.aborted === true,
  };
};

/** In a transaction that is about to write to a table. */
function catchWrite(table: 'document_chunks' | 'documents' | 'sources'): CatchJob {
  return async (chaos, account) => {
    const { databaseUrl } = chaos.cluster;
    let lock = await lockTable(databaseUrl, 'document_chunks');
    const sourceId = await addText(chaos, account);
    await lock.whenWaited();
    if (table !== 'document_chunks') {
      // These tables are written before as well: they are locked when only their last write is left.
      const next = await lockTable(databaseUrl, table);
      await lock.release();
      lock = next;
    }
    const worker = await chaos.findNode(await lock.whenWaited());
    return { sourceId, worker, release: once(lock.release), hasStopped: null };
  };
}

/** The stages of an indexing in their order, and how often the texts are embedded when one is broken off there. */
export const jobStages: { stage: string; catchJob: CatchJob; embeddingCalls: number }[] = [
  { stage: 'fetch', catchJob: catchFetch, embeddingCalls: 1 },
  { stage: 'extract', catchJob: catchExtract, embeddingCalls: 1 },
  { stage: 'embed', catchJob: catchEmbed, embeddingCalls: 2 },
  { stage: 'index', catchJob: catchWrite('document_chunks'), embeddingCalls: 2 },
  { stage: 'publish', catchJob: catchWrite('documents'), embeddingCalls: 1 },
  { stage: 'finish', catchJob: catchWrite('sources'), embeddingCalls: 1 },
];

function signalIfAlive(processId: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(processId, signal);
  } catch {
    return false;
  }
}

function once(act: () => Promise<void>): () => Promise<void> {
  let done: Promise<void> | null = null;
  return () => (done ??= act());
}
