import type { Context } from '#platform/context.js';
import {
  countEmbeddingModels,
  countJobsByStatus,
  countProjects,
  countSources,
  countTalk,
  countUsers,
  findDatabaseBytes,
  listLivingProcesses,
} from './stats.queries.js';

const THIRTY_DAYS_MS = 30 * 24 * 3_600_000;

/** How much there is of everything. No table of documents, chunks or vectors is read through. */
export async function gatherStats({ db, clock }: Pick<Context, 'db' | 'clock'>) {
  const since = new Date(clock.now().getTime() - THIRTY_DAYS_MS);
  // One after the other: an admin who looks takes one connection from those who work.
  const users = await countUsers(db, since);
  const projects = await countProjects(db);
  const sources = await countSources(db);
  const talk = await countTalk(db, since);
  const jobs = new Map((await countJobsByStatus(db)).map((row) => [row.status, row.jobs]));
  const sourcesIn = (status: (typeof sources)[number]['status']) =>
    sources.find((row) => row.status === status)?.sources ?? 0;
  return {
    users,
    projects,
    sources: {
      queued: sourcesIn('queued'),
      processing: sourcesIn('processing'),
      ready: sourcesIn('ready'),
      failed: sourcesIn('failed'),
      cancelled: sourcesIn('cancelled'),
    },
    documents: sources.reduce((sum, row) => sum + row.documents, 0),
    chunks: sources.reduce((sum, row) => sum + row.chunks, 0),
    conversationsIn30Days: talk.conversations,
    messagesIn30Days: talk.messages,
    jobs: {
      queued: jobs.get('queued') ?? 0,
      running: jobs.get('running') ?? 0,
      succeeded: jobs.get('succeeded') ?? 0,
      failed: jobs.get('failed') ?? 0,
      cancelled: jobs.get('cancelled') ?? 0,
    },
    databaseBytes: await findDatabaseBytes(db),
    embeddingModels: await countEmbeddingModels(db),
    processes: (await listLivingProcesses(db)).map(({ createdAt, ...process }) => ({
      ...process,
      startedAt: createdAt.toISOString(),
    })),
  };
}
