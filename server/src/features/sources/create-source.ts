import { Readable } from 'node:stream';
import type { SourceOrigin, SourceProgress } from '#db/schema/sources.js';
import { AppError } from '#kernel/app-error.js';
import { newId } from '#kernel/ids.js';
import type { Context } from '#platform/context.js';
import { enqueueJob } from '#platform/jobs/enqueue-job.js';
import type { ProjectScope } from '#platform/scope.js';
import { inTransaction } from '#platform/transaction.js';
import { recordAudit } from '#features/audit/record-audit.js';
import { ingestDedupeKey, ingestSourceJob } from '#features/ingestion/ingestion.jobs.js';
import { sourceFolder } from '#features/projects/projects.jobs.js';
import { type SourceRow, insertSource } from './sources.queries.js';
import type { CreateSourceInput } from './sources.schemas.js';

const MAX_TEXT_BYTES = 5 * 1024 * 1024;

export const QUEUED: SourceProgress = { stage: 'queued', done: 0, total: 1 };

type CreateContext = Pick<Context, 'db' | 'clock' | 'storage' | 'afterCommit' | 'dispatchJob'>;

/**
 * Adds a text or a page and queues its indexing. A text is stored as a file before the row is written.
 * @throws AppError `payload_too_large`
 */
export async function createSource(
  ctx: CreateContext,
  scope: ProjectScope,
  input: CreateSourceInput,
): Promise<SourceRow> {
  const sourceId = newId();
  const metadata = input.metadata ?? {};
  if (input.type === 'url') {
    const origin = { type: 'url', url: input.url } as const;
    return addSource(ctx, scope, { sourceId, name: input.name ?? input.url, origin, metadata });
  }
  if (Buffer.byteLength(input.text) > MAX_TEXT_BYTES) {
    throw new AppError('payload_too_large', 'A text can have 5 MiB at most. Upload it as a file instead.');
  }
  const stored = await storeOriginal(ctx, scope, sourceId, Readable.from([input.text]));
  return addSource(ctx, scope, { sourceId, name: input.name, origin: { type: 'text', ...stored }, metadata });
}

/** Streams the original of a source to its folder in storage. */
export async function storeOriginal(
  ctx: Pick<Context, 'storage'>,
  scope: ProjectScope,
  sourceId: string,
  body: Readable,
): Promise<{ fileKey: string; bytes: number; sha256: string }> {
  const fileKey = `${sourceFolder(scope.projectId, sourceId)}original`;
  return { fileKey, ...(await ctx.storage.write(fileKey, body)) };
}

/** Writes a source's row and its first job in one transaction. A stored file without its row is deleted again. */
export async function addSource(
  ctx: CreateContext,
  scope: ProjectScope,
  source: { sourceId: string; name: string; origin: SourceOrigin; metadata: Record<string, unknown> },
): Promise<SourceRow> {
  const { sourceId, name, origin, metadata } = source;
  const { projectId } = scope;
  try {
    return await inTransaction(ctx, async (tx) => {
      const row = await insertSource(tx.db, {
        id: sourceId,
        projectId,
        type: origin.type,
        name,
        origin,
        metadata,
        progress: QUEUED,
      });
      await enqueueJob(tx, ingestSourceJob, {
        projectId,
        payload: { projectId, sourceId },
        dedupeKey: ingestDedupeKey(sourceId),
      });
      await recordAudit(tx, scope, {
        projectId,
        action: 'source.create',
        resourceType: 'source',
        resourceId: sourceId,
        changes: { type: origin.type, name },
      });
      return row;
    });
  } catch (error) {
    // A file that cannot be deleted now is an orphan, and swept later.
    await ctx.storage.deleteFolder(sourceFolder(projectId, sourceId)).catch(() => {});
    throw error;
  }
}
