import { createGate } from '../gate.js';
import { type FakeOpenAI, startFakeOpenAI } from '../fakes/fake-openai.js';
import { findBrokenInvariants, whenSettled } from '../faults/invariants.js';
import type { ProcessResources } from '../faults/process-resources.js';
import { type Cluster, type ClusterOptions, startCluster } from '../faults/start-cluster.js';
import { findClientProcess } from './client-process.js';
import { type Account, openAccount } from './chaos-account.js';

type ClusterNode = Cluster['nodes'][number];

const DIMENSIONS = 64;
const PATIENT_MS = 120_000;

export interface Chaos {
  cluster: Cluster;
  openai: FakeOpenAI;
  /** Two tenants, each with one source that is ready. */
  accounts: [Account, Account];
  /** Of the first and the second API process, or twice of the only one. */
  urls: [string, string];
  /** While on, the model endpoint leaves requests for embeddings without a reply, for ever. */
  hangEmbeddings: (isOn: boolean) => void;
  /** Requests to this route of the model endpoint so far. */
  countCalls: (route: 'chat/completions' | 'embeddings') => number;
  /** The process that made the last of those requests. */
  findCaller: (route: 'chat/completions' | 'embeddings') => Promise<ClusterNode>;
  /** The process that has a connection from this port. */
  findNode: (port: number) => Promise<ClusterNode>;
  /** Waits for all work to end, and lists which invariants do not hold then. */
  findBroken: (resources?: { before: ProcessResources; after: ProcessResources }[]) => Promise<string[]>;
  close: () => Promise<void>;
}

/** Two API processes and two workers on PostgreSQL, Redis and a fake model endpoint, with two tenants on the plan pro. */
export async function startChaos(options: ClusterOptions = {}): Promise<Chaos> {
  const openai = await startFakeOpenAI({ dimensions: DIMENSIONS });
  const cluster = await startCluster({
    ...options,
    settings: {
      OPENAI_BASE_URL: openai.baseUrl,
      OPENAI_EMBEDDING_DIMENSIONS: String(DIMENSIONS),
      CRAWLER_ALLOW_PRIVATE_NETWORKS: 'true',
      ...options.settings,
    },
  });
  const findNode: Chaos['findNode'] = async (port) => {
    const processId = await findClientProcess(
      port,
      cluster.nodes.map((node) => node.processId()),
    );
    const found = cluster.nodes.find((node) => node.processId() === processId);
    if (found === undefined) throw new Error(`no node is process ${processId}`);
    return found;
  };
  const urls: Chaos['urls'] = [cluster.api(0).url, cluster.api(options.apis === 1 ? 0 : 1).url];
  const accounts: Chaos['accounts'] = [await openAccount(urls[0]), await openAccount(urls[1])];
  await moveToPro(cluster);
  return {
    cluster,
    openai,
    accounts,
    urls,
    hangEmbeddings: (isOn) =>
      openai.set({ mode: ({ path }) => (isOn && path.endsWith('/embeddings') ? 'hang' : 'normal') }),
    countCalls: (route) => openai.requests.filter(({ path }) => path.endsWith(`/${route}`)).length,
    findCaller: (route) =>
      findNode(openai.requests.findLast(({ path }) => path.endsWith(`/${route}`))?.port ?? 0),
    findNode,
    findBroken: async (resources = []) => {
      await whenSettled(cluster.query, PATIENT_MS);
      return findBrokenInvariants({
        query: cluster.query,
        dataDir: cluster.dataDir,
        dimensions: DIMENSIONS,
        modelRequests: openai.requests,
        accepted: {
          messageIds: accounts.flatMap(({ accepted }) => accepted.messageIds),
          sourceIds: accounts.flatMap(({ accepted }) => accepted.sourceIds),
        },
        answers: accounts.flatMap(({ shown }) => shown),
        tenants: accounts.map(({ canary, shown }) => ({ canary, wasShown: shown.map(({ body }) => body) })),
        logLines: cluster.logLines(),
        secrets: cluster.secrets,
        resources,
      });
    },
    close: async () => {
      await cluster.close();
      await openai.close();
    },
  };
}

/** Their sites have more pages than a free account may. */
async function moveToPro({ query }: Pick<Cluster, 'query'>): Promise<void> {
  await query(`update users set plan = 'pro'`);
  await query(`
    update usage_periods set plan_id = plan.id, limit_chatbots = plan.limit_chatbots,
      limit_messages_mini = plan.limit_messages_mini, limit_messages_premium = plan.limit_messages_premium,
      limit_indexed_pages = plan.limit_indexed_pages
    from plans plan where plan.name = 'pro'`);
}

export async function countRows(
  cluster: Pick<Cluster, 'query'>,
  from: string,
  values: unknown[] = [],
): Promise<number> {
  const [row] = await cluster.query(`select count(*)::int as count from ${from}`, values);
  return Number(row?.['count']);
}

/** Acts as many times, all at once: none begins before all are ready to. */
export async function atOnce<T>(count: number, act: (index: number) => Promise<T>): Promise<T[]> {
  const start = createGate();
  const all = Array.from({ length: count }, async (_, index) => {
    await start.passed;
    return act(index);
  });
  start.open();
  return Promise.all(all);
}
