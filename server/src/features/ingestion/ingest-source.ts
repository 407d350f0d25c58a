import type { SourceErrorReason } from '#kernel/source-error.js';
import { AppError } from '#kernel/app-error.js';
import { newId } from '#kernel/ids.js';
import type { Context } from '#platform/context.js';
import type { JobHandler, RunningJob } from '#platform/jobs/define-job.js';
import { type ProjectScope, mintProjectScope, systemCaller } from '#platform/scope.js';
import { readInProject } from '#platform/transaction.js';
import { recordAudit } from '#features/audit/record-audit.js';
import { crawlSource } from './crawler/crawl-source.js';
import { endSource } from './crawler/finish-run.js';
import { endQueuedPages } from './crawler/frontier.queries.js';
import { type SourceRow, lockSourceOrNull, updateRun, upsertOnlyPage } from './crawler/pages.queries.js';
import type { IngestSourcePayload } from './ingestion.jobs.js';
import {
  deleteUnseenVersions,
  findSourceOrNull,
  markDocumentFailed,
  markSourceEnded,
} from './ingestion.queries.js';
import { type ProcessedDocument, processDocument } from './process-document.js';
import { type ReadableOrigin, readSource } from './readers/registry.js';
import { reportSourceProgress } from './report-source-progress.js';
import { NO_COUNTS, addCounts } from './sync-counts.js';
import { nextSyncAfter } from '#kernel/sync-interval.js';

const QUEUED = { stage: 'queued', done: 0, total: 1 } as const;

/** Reads a source and brings the index up to what it holds: at once, or for a website page by page. */
export const ingestSource: JobHandler<IngestSourcePayload> = {
  run: async (ctx, job, payload, signal) => {
    const scope = mintProjectScope(systemCaller, payload.projectId, null);
    const source = await readInProject(ctx, scope, (tx) => findSourceOrNull(tx.db, scope, payload.sourceId));
    if (source === null) return;
    const { origin } = source;
    if (origin.type === 'url') await crawlSource(ctx, scope, job, { ...source, origin }, signal);
    else await ingestWhole(ctx, scope, job, { ...source, origin }, signal);
  },

  retried: async (tx, { projectId, sourceId }) => {
    const scope = mintProjectScope(systemCaller, projectId, null);
    const source = await lockSourceOrNull(tx.db, scope, sourceId);
    if (source === null)
      throw new AppError('conflict', 'The source has been deleted: there is nothing to read.');
    if (source.status === 'queued' || source.status === 'processing') {
      throw new AppError('conflict', 'The source is being read already.');
    }
    await updateRun(tx.db, scope, sourceId, { status: 'queued', progress: QUEUED, error: null });
  },

  ended: async (tx, payload, { status, failure }) => {
    const scope = mintProjectScope(systemCaller, payload.projectId, null);
    const source = await lockSourceOrNull(tx.db, scope, payload.sourceId);
    if (source === null) return;
    const error = { code: failure.code as SourceErrorReason, message: failure.message };
    await markSourceEnded(tx.db, scope, source.id, {
      status,
      error,
      lastSync: source.lastSync,
      nextSyncAt: nextSyncAfter(source.syncEvery, tx.clock.now()),
      syncPhase: null,
      isSyncWanted: false,
      counts: null,
    });
    const end = { status: 'failed' as const, reason: failure.code, detail: failure.message };
    if (source.origin.type === 'url') await endQueuedPages(tx.db, scope, source.id, end);
    else await upsertOnlyPage(tx.db, pageOf(scope, source, { ...end, visitedAt: tx.clock.now() }));
    await markDocumentFailed(tx.db, scope, source.id, error);
    await deleteUnseenVersions(tx.db, scope, source.id);
    await recordAudit(tx, systemCaller, {
      projectId: payload.projectId,
      action: `source.${status}`,
      resourceType: 'source',
      resourceId: source.id,
      changes: { reason: failure.code },
    });
  },
};

/** A source that is one document. */
async function ingestWhole(
  ctx: Context,
  scope: ProjectScope,
  job: RunningJob,
  source: SourceRow & { origin: ReadableOrigin },
  signal: AbortSignal,
): Promise<void> {
  const work = { job, sourceId: source.id };
  await reportSourceProgress(ctx, scope, work, { stage: 'reading', done: 0, total: 1 });
  const document = await readSource(ctx, source, signal);
  const onProgress = (done: number, total: number) =>
    reportSourceProgress(ctx, scope, work, { stage: 'indexing', done, total });
  let locked: SourceRow | null = null;
  const beforePublish = async (tx: Context) => {
    locked = await lockSourceOrNull(tx.db, scope, source.id);
  };
  const afterPublish = async (tx: Context, processed: ProcessedDocument) => {
    if (locked === null) return;
    const { outcome, chunkCount, embeddedChunks, embeddingTokens, embeddingCost } = processed;
    await upsertOnlyPage(
      tx.db,
      pageOf(scope, source, {
        status: outcome === 'unchanged' ? 'unchanged' : 'indexed',
        reason: null,
        detail: null,
        language: document.extracted.language,
        chunkCount,
        visitedAt: tx.clock.now(),
      }),
    );
    const counts = addCounts(NO_COUNTS, {
      [outcome]: 1,
      embeddedChunks,
      embeddingTokens,
      cost: embeddingCost,
    });
    const progress = { stage: 'done' as const, done: 1, total: 1 };
    await endSource(tx, scope, { ...locked, progress }, { counts, failure: null });
  };
  await processDocument(ctx, scope, { ...work, document, onProgress, beforePublish, afterPublish }, signal);
}

type OnlyPage = Parameters<typeof upsertOnlyPage>[1];

/** The file or text of a source, as its one page. */
function pageOf(
  scope: ProjectScope,
  source: SourceRow,
  end: Pick<OnlyPage, 'status' | 'reason' | 'detail' | 'visitedAt'> & Partial<OnlyPage>,
): OnlyPage {
  const bytes = source.origin.type === 'url' ? null : source.origin.bytes;
  const { projectId } = scope;
  return {
    id: newId(),
    projectId,
    sourceId: source.id,
    key: 'content',
    title: source.name,
    bytes,
    sync: 0,
    ...end,
  };
}
