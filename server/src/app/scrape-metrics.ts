import type { CircuitState, ModelEndpoint } from '#platform/ports/model-endpoint.js';
import type { Context } from '#platform/context.js';
import { countJobs, listJobAges } from '#platform/jobs/jobs.queries.js';
import { listOverdueSchedules } from '#platform/schedule/schedules.queries.js';
import { createProbe } from './probe.js';
import { schedules } from './schedules.js';

/** Prometheus gives up after 10 s by default; what is not known by then is left out. */
const PROBE = { freshMs: 1_000, timeoutMs: 2_000 };
const CIRCUIT_STATES: readonly CircuitState[] = ['closed', 'half_open', 'open'];

type ScrapeContext = Pick<
  Context,
  'db' | 'clock' | 'config' | 'metrics' | 'vitals' | 'chatModel' | 'embedder' | 'reranker'
>;

/**
 * Looks at what is not counted as it happens, then tells all metrics in the text format of Prometheus. It neither fails
 * nor hangs while the database or Redis is away: what they would tell is then absent.
 */
export function createScrape(ctx: ScrapeContext): () => Promise<string> {
  const taskNames = schedules.map(({ name }) => name);
  const probeQueue = createProbe(async () => {
    const now = ctx.clock.now();
    return {
      counts: await countJobs(ctx.db),
      ages: await listJobAges(ctx.db, now),
      overdue: await listOverdueSchedules(ctx.db, taskNames),
    };
  }, PROBE);
  const probeRedis = createProbe(async () => (await ctx.vitals.pingRedis?.(), true), PROBE);
  const probeDisk = createProbe(() => ctx.vitals.disk(), PROBE);
  return async () => {
    const [queue, redis, disk] = await Promise.all([probeQueue(), probeRedis(), probeDisk()]);
    setQueueGauges(ctx, queue.value);
    setPoolGauges(ctx);
    setCircuits(ctx, [
      ctx.chatModel.endpoint,
      ctx.embedder?.endpoint ?? null,
      ctx.reranker?.endpoint ?? null,
    ]);
    const { redisUp, diskFreeBytes, diskSizeBytes, registry } = ctx.metrics;
    // A gauge without labels is 0 from the start, which would say that it is down, or full.
    if (ctx.vitals.pingRedis === null) redisUp.remove();
    else redisUp.set(redis.value === null ? 0 : 1);
    if (disk.value === null) {
      diskFreeBytes.remove();
      diskSizeBytes.remove();
    } else {
      diskFreeBytes.set(disk.value.freeBytes);
      diskSizeBytes.set(disk.value.totalBytes);
    }
    return registry.metrics();
  };
}

interface Queue {
  counts: Awaited<ReturnType<typeof countJobs>>;
  ages: Awaited<ReturnType<typeof listJobAges>>;
  overdue: Awaited<ReturnType<typeof listOverdueSchedules>>;
}

function setQueueGauges({ metrics }: ScrapeContext, queue: Queue | null): void {
  const { jobs, jobAgeSeconds, scheduledTaskOverdue, databaseUp } = metrics;
  databaseUp.set(queue === null ? 0 : 1);
  for (const gauge of [jobs, jobAgeSeconds, scheduledTaskOverdue]) gauge.reset();
  if (queue === null) return;
  for (const { type, status, count } of queue.counts) jobs.set({ type, status }, count);
  for (const { type, seconds } of queue.ages) jobAgeSeconds.set({ type }, seconds);
  for (const { name, seconds } of queue.overdue) scheduledTaskOverdue.set({ task: name }, seconds);
}

function setPoolGauges({ metrics, vitals, config }: ScrapeContext): void {
  const { total, idle, waiting } = vitals.pool();
  metrics.poolConnections.set({ state: 'idle' }, idle);
  metrics.poolConnections.set({ state: 'used' }, total - idle);
  metrics.poolWaiting.set(waiting);
  metrics.poolSize.set(config.database.url === null ? 1 : config.database.poolSize);
}

function setCircuits({ metrics }: ScrapeContext, endpoints: (ModelEndpoint | null)[]): void {
  for (const endpoint of endpoints) {
    if (endpoint === null) continue;
    const current = endpoint.circuit();
    for (const state of CIRCUIT_STATES) {
      metrics.circuitState.set({ endpoint: endpoint.name, state }, state === current ? 1 : 0);
    }
  }
}
