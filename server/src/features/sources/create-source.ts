import { Readable } from 'node:stream';
import type { SourceOrigin, SourceProgress } from '#db/schema/sources.js';
import { AppError } from '#kernel/app-error.js';
import { assertNever } from '#kernel/assert-never.js';
import { newId } from '#kernel/ids.js';
import type { Context } from '#platform/context.js';
import { enqueueJob } from '#platform/jobs/enqueue-job.js';
import type { ProjectScope } from '#platform/scope.js';
import { inProjectTransaction } from '#platform/transaction.js';
import { recordAudit } from '#features/audit/record-audit.js';
import { ingestDedupeKey, ingestSourceJob } from '#features/ingestion/ingestion.jobs.js';
import { sourceFolder } from '#features/projects/projects.jobs.js';
import { limitSources } from '#features/usage/limit-pages.js';
import { usageLimitError } from '#features/usage/usage-limit.js';
import { type SourceRow, insertSource } from './sources.queries.js';
import type { CreateSourceInput } from './sources.schemas.js';

const MAX_TEXT_BYTES = 5 * 1024 * 1024;

export const QUEUED: SourceProgress = { stage: 'queued', done: 0, total: 1 };

type CreateContext = Pick<Context, 'db' | 'clock' | 'storage' | 'renderer' | 'afterCommit' | 'dispatchJob'>;
type QuestionPair = Extract<CreateSourceInput, { type: 'qa' }>['pairs'][number];

/**
 * Adds a text, a website or questions with answers, and queues its indexing. What was sent is stored as a file before
 * the row is written.
 * @throws AppError `payload_too_large`, `not_configured`, `usage_limit_exceeded`
 */
export async function createSource(
  ctx: CreateContext,
  scope: ProjectScope,
  input: CreateSourceInput,
): Promise<SourceRow> {
  const sourceId = newId();
  const metadata = input.metadata ?? {};
  switch (input.type) {
    case 'url': {
      const { url, crawl = null, syncEvery = null } = input;
      if (crawl?.render === true && ctx.renderer === null) throw noBrowser();
      const origin = { type: 'url', url, crawl } as const;
      return addSource(ctx, scope, { sourceId, name: input.name ?? url, origin, metadata, syncEvery });
    }
    case 'qa': {
      const origin = await storePairs(ctx, scope, sourceId, input.pairs);
      return addSource(ctx, scope, { sourceId, name: input.name, origin, metadata });
    }
    case 'text': {
      if (Buffer.byteLength(input.text) > MAX_TEXT_BYTES) {
        throw new AppError(
          'payload_too_large',
          'A text can have 5 MiB at most. Upload it as a file instead.',
        );
      }
      const stored = await storeOriginal(ctx, scope, sourceId, Readable.from([input.text]));
      const origin = { type: 'text', ...stored } as const;
      return addSource(ctx, scope, { sourceId, name: input.name, origin, metadata });
    }
    default:
      return assertNever(input);
  }
}

/** Stores questions with their answers. @throws AppError `payload_too_large` */
export async function storePairs(
  ctx: Pick<Context, 'storage'>,
  scope: ProjectScope,
  sourceId: string,
  pairs: QuestionPair[],
): Promise<Extract<SourceOrigin, { type: 'qa' }>> {
  const stored = await storeOriginal(ctx, scope, sourceId, Readable.from([JSON.stringify(pairs)]));
  return { type: 'qa', ...stored, pairCount: pairs.length };
}

export function noBrowser(): AppError {
  return new AppError(
    'not_configured',
    'No headless browser is configured here: set BROWSER_WS_ENDPOINT or BROWSER_PATH, or crawl without `render`.',
  );
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

/**
 * Writes a source's row and its first job in one transaction. A stored file without its row is deleted again.
 * @throws AppError `usage_limit_exceeded` where the account has no place left for a page
 */
export async function addSource(
  ctx: Omit<CreateContext, 'renderer'>,
  scope: ProjectScope,
  source: {
    sourceId: string;
    name: string;
    origin: SourceOrigin;
    metadata: Record<string, unknown>;
    syncEvery?: string | null;
  },
): Promise<SourceRow> {
  const { sourceId, name, origin, metadata, syncEvery = null } = source;
  const { projectId } = scope;
  try {
    return await inProjectTransaction(ctx, scope, async (tx) => {
      const row = await insertSource(tx.db, {
        id: sourceId,
        projectId,
        type: origin.type,
        name,
        origin,
        metadata,
        syncEvery,
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
      const reached = await limitSources(tx, scope);
      if (reached !== null) throw usageLimitError(reached, tx.clock.now());
      return row;
    });
  } catch (error) {
    // A file that cannot be deleted now is an orphan, and swept later.
    await ctx.storage.deleteFolder(sourceFolder(projectId, sourceId)).catch(() => {});
    throw error;
  }
}
