import { Gauge, type Registry } from 'prom-client';

/** How the process and what it stands on are, looked at when somebody scrapes. */
export function createOperationMetrics(registers: Registry[]) {
  return {
    processInfo: new Gauge({
      name: 'botbase_info',
      help: 'Always 1; its labels say which version runs in which role.',
      labelNames: ['version', 'role'],
      registers,
    }),
    httpInProgress: new Gauge({
      name: 'botbase_http_requests_in_progress',
      help: 'Requests that have come and are not answered to their end, open event streams too.',
      labelNames: ['route'],
      registers,
    }),
    streamsOpen: new Gauge({
      name: 'botbase_streams_open',
      help: 'Streamed answers that this process is writing.',
      registers,
    }),
    databaseUp: new Gauge({
      name: 'botbase_database_up',
      help: '1 while the database answers in time.',
      registers,
    }),
    poolConnections: new Gauge({
      name: 'botbase_database_pool_connections',
      help: 'Connections to the database, by what they do.',
      labelNames: ['state'],
      registers,
    }),
    poolSize: new Gauge({
      name: 'botbase_database_pool_max_connections',
      help: 'Connections that this process opens at most.',
      registers,
    }),
    poolWaiting: new Gauge({
      name: 'botbase_database_pool_waiting',
      help: 'Statements and transactions that wait for a connection.',
      registers,
    }),
    redisUp: new Gauge({
      name: 'botbase_redis_up',
      help: '1 while Redis answers in time; no value where none is configured.',
      registers,
    }),
    diskFreeBytes: new Gauge({
      name: 'botbase_disk_free_bytes',
      help: 'Free bytes on the disk that holds DATA_DIR.',
      registers,
    }),
    diskSizeBytes: new Gauge({
      name: 'botbase_disk_size_bytes',
      help: 'Size of the disk that holds DATA_DIR.',
      registers,
    }),
    usageDifferences: new Gauge({
      name: 'botbase_usage_differences',
      help: 'Counters of usage that were not what the ledger came to when it was last reconciled; 0 is right.',
      registers,
    }),
    scheduledTaskOverdue: new Gauge({
      name: 'botbase_scheduled_task_overdue_seconds',
      help: 'How long ago a scheduled task should have begun; 0 while it is not due.',
      labelNames: ['task'],
      registers,
    }),
  };
}
