import type { SourceErrorReason } from '#kernel/source-error.js';
import type { Context } from '#platform/context.js';
import type { JobHandler, RunningJob } from '#platform/jobs/define-job.js';
import { type ProjectScope, mintProjectScope, systemCaller } from '#platform/scope.js';
import { inTransaction } from '#platform/transaction.js';
import { recordAudit } from '#features/audit/record-audit.js';
import type { IngestSourcePayload } from './ingestion.jobs.js';
import {
  deleteUnseenVersions,
  findSourceOrNull,
  markDocumentFailed,
  markSourceEnded,
  markSourceReady,
} from './ingestion.queries.js';
import { processDocument } from './process-document.js';
import { readSource } from './readers/registry.js';
import { reportSourceProgress } from './report-source-progress.js';

/** Reads a source and brings the index up to what it holds. Ends in `ready`, or with a reason. */
export const ingestSource: JobHandler<IngestSourcePayload> = {
  run: async (ctx, job, payload, signal) => {
    const scope = mintProjectScope(systemCaller, payload.projectId, null);
    const source = await findSourceOrNull(ctx.db, scope, payload.sourceId);
    if (source === null) return;
    await reportSourceProgress(
      ctx,
      scope,
      { job, sourceId: source.id },
      { stage: 'reading', done: 0, total: 1 },
    );
    const documents = await readSource(ctx, source, signal);
    let embeddedChunkCount = 0;
    for (const document of documents) {
      const input = { job, sourceId: source.id, document };
      const processed = await processDocument(ctx, scope, input, signal);
      embeddedChunkCount += processed.embeddedChunkCount;
    }
    await finishSource(ctx, scope, job, {
      sourceId: source.id,
      documentCount: documents.length,
      embeddedChunkCount,
    });
  },

  ended: async (tx, payload, { status, failure }) => {
    const scope = mintProjectScope(systemCaller, payload.projectId, null);
    const error = { code: failure.code as SourceErrorReason, message: failure.message };
    await markSourceEnded(tx.db, scope, payload.sourceId, { status, error });
    await markDocumentFailed(tx.db, scope, payload.sourceId, error);
    await deleteUnseenVersions(tx.db, scope, payload.sourceId);
    await recordAudit(tx, systemCaller, {
      projectId: payload.projectId,
      action: `source.${status}`,
      resourceType: 'source',
      resourceId: payload.sourceId,
      changes: { reason: failure.code },
    });
  },
};

function finishSource(
  ctx: Context,
  scope: ProjectScope,
  job: RunningJob,
  result: { sourceId: string; documentCount: number; embeddedChunkCount: number },
): Promise<void> {
  const { sourceId, documentCount, embeddedChunkCount } = result;
  return inTransaction(ctx, async (tx) => {
    await job.fence(tx);
    await markSourceReady(tx.db, scope, sourceId, {
      lastSyncedAt: tx.clock.now(),
      progress: { stage: 'done', done: documentCount, total: documentCount },
    });
    await recordAudit(tx, systemCaller, {
      projectId: scope.projectId,
      action: 'source.index',
      resourceType: 'source',
      resourceId: sourceId,
      changes: { documents: documentCount, embeddedChunks: embeddedChunkCount },
    });
  });
}
