import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client';
import { createModelMetrics } from './model-metrics.js';
import { createOperationMetrics } from './operation-metrics.js';

const SECONDS_BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

export type Metrics = ReturnType<typeof createMetrics>;

/** The process's metrics, in a registry of their own so that tests and several servers do not share counts. */
export function createMetrics() {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const registers = [registry];
  return {
    registry,
    httpSeconds: new Histogram({
      name: 'botbase_http_request_duration_seconds',
      help: 'Time to answer a request, by route pattern and status.',
      labelNames: ['method', 'route', 'status'],
      buckets: SECONDS_BUCKETS,
      registers,
    }),
    httpErrors: new Counter({
      name: 'botbase_http_errors_total',
      help: 'Answers with status 400 or above, by route pattern and problem code.',
      labelNames: ['route', 'code'],
      registers,
    }),
    databaseSeconds: new Histogram({
      name: 'botbase_database_query_duration_seconds',
      help: 'Time of a statement as its caller waits for it.',
      labelNames: ['outcome'],
      buckets: SECONDS_BUCKETS,
      registers,
    }),
    retrievalSeconds: new Histogram({
      name: 'botbase_retrieval_duration_seconds',
      help: 'Time to find passages, by leg.',
      labelNames: ['leg'],
      buckets: SECONDS_BUCKETS,
      registers,
    }),
    searchCacheRequests: new Counter({
      name: 'botbase_search_cache_requests_total',
      help: 'Searches: hit, found in the cache; shared, waited for an equal one under way; miss, done.',
      labelNames: ['outcome'],
      registers,
    }),
    answers: new Counter({
      name: 'botbase_answers_total',
      help: 'Answers given, by outcome.',
      labelNames: ['outcome'],
      registers,
    }),
    mails: new Counter({
      name: 'botbase_mails_total',
      help: 'Mails: sent, refused by the mail server for good, or failed after every try.',
      labelNames: ['outcome'],
      registers,
    }),
    auditRefusals: new Counter({
      name: 'botbase_audit_refusals_total',
      help: 'Refused requests: written to the audit log; dropped, more than it takes of one caller or in all; failed.',
      labelNames: ['outcome'],
      registers,
    }),
    jobs: new Gauge({
      name: 'botbase_jobs',
      help: 'Jobs by type and state, counted at each scrape.',
      labelNames: ['type', 'status'],
      registers,
    }),
    jobSeconds: new Histogram({
      name: 'botbase_job_duration_seconds',
      help: 'Time of one attempt at a job, by type and outcome.',
      labelNames: ['type', 'outcome'],
      buckets: [0.01, 0.05, 0.1, 0.5, 1, 5, 15, 60, 300, 1800],
      registers,
    }),
    jobAgeSeconds: new Gauge({
      name: 'botbase_job_oldest_due_seconds',
      help: 'How long the longest-waiting due job has waited, by type, at each scrape.',
      labelNames: ['type'],
      registers,
    }),
    scheduledTaskSeconds: new Histogram({
      name: 'botbase_scheduled_task_duration_seconds',
      help: 'Time of one run of a scheduled task, by outcome.',
      labelNames: ['task', 'outcome'],
      buckets: [0.005, 0.025, 0.1, 0.5, 1, 5, 15, 60, 300],
      registers,
    }),
    scheduledTaskItems: new Counter({
      name: 'botbase_scheduled_task_items_total',
      help: 'What scheduled tasks ended, deleted or mended.',
      labelNames: ['task'],
      registers,
    }),
    scheduledTaskSuccess: new Gauge({
      name: 'botbase_scheduled_task_last_success_timestamp_seconds',
      help: 'When this process last ran a scheduled task to its end, in Unix time.',
      labelNames: ['task'],
      registers,
    }),
    ...createModelMetrics(registers),
    ...createOperationMetrics(registers),
  };
}
