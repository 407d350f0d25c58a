import type { Context } from '#platform/context.js';
import {
  type UnseenRows,
  deleteUnseenChunks,
  deleteUnseenSegments,
  listDocumentIds,
} from './unseen-versions.queries.js';

/** Longer than any job takes with all of its attempts. */
const UNSEEN_FOR_MS = 86_400_000;
/** Small enough that the one connection of the embedded database is never held for long. */
const DOCUMENTS_PER_PAGE = 500;
const ROWS_PER_DELETE = 500;

/**
 * Deletes what killed workers have left behind: chunks and segments, a day old, of versions that are not live and
 * that no job is at. @returns how many rows
 */
export async function sweepUnseenVersions(
  ctx: Pick<Context, 'db' | 'clock'>,
  signal: AbortSignal,
): Promise<number> {
  const before = new Date(ctx.clock.now().getTime() - UNSEEN_FOR_MS);
  let count = 0;
  let afterId: string | null = null;
  for (;;) {
    const documentIds = await listDocumentIds(ctx.db, { afterId, limit: DOCUMENTS_PER_PAGE });
    afterId = documentIds.at(-1) ?? null;
    if (afterId === null) return count;
    const unseen = { documentIds, before, limit: ROWS_PER_DELETE };
    // Segments first: a version's number is free again when its chunks are gone, and must then have no segment.
    count += await repeat(() => deleteUnseenSegments(ctx.db, unseen), unseen, signal);
    count += await repeat(() => deleteUnseenChunks(ctx.db, unseen), unseen, signal);
  }
}

async function repeat(
  deleteSome: () => Promise<number>,
  { limit }: UnseenRows,
  signal: AbortSignal,
): Promise<number> {
  let count = 0;
  for (;;) {
    signal.throwIfAborted();
    const deleted = await deleteSome();
    count += deleted;
    if (deleted < limit) return count;
  }
}
