import { batches } from '#kernel/batches.js';
import type { Context } from '#platform/context.js';
import type { ProjectScope } from '#platform/scope.js';
import { inProjectTransaction } from '#platform/transaction.js';
import type { MovedRun } from './combine-segments.js';
import {
  deleteRetiredSegments,
  insertParts,
  listRunKeys,
  lockDocuments,
  lockSegments,
  raiseIndexVersion,
  retireSegments,
  runKey,
} from './merge.queries.js';

/** Of one statement, so that the one connection of the embedded database is never held for long. */
const SEGMENTS_PER_DELETE = 20;

interface Replacement {
  /** What is to be seen in the new segments, and which runs of the old ones that replaces. */
  runs: (MovedRun & { segmentId: string })[];
  /** The new segments, written and unseen. */
  replacements: string[];
}

/**
 * Shows new segments in the place of old ones, and deletes what nobody sees then.
 * @returns the segments that were replaced
 */
export async function replaceSegments(
  ctx: Pick<Context, 'db' | 'afterCommit'>,
  scope: ProjectScope,
  { runs, replacements }: Replacement,
): Promise<string[]> {
  const retired = await switchRuns(ctx, scope, runs);
  await deleteUnseenSegments(ctx, scope, retired.length === 0 ? replacements : retired);
  return retired;
}

/**
 * The switch, in one short transaction: the new segments get their parts, their sources go out of sight. A source that
 * somebody else replaces, or whose document is being deleted, stays as it is, and its copy stays unseen.
 */
function switchRuns(
  ctx: Pick<Context, 'db' | 'afterCommit'>,
  scope: ProjectScope,
  runs: Replacement['runs'],
): Promise<string[]> {
  return inProjectTransaction(ctx, scope, async (tx) => {
    // Before all others: whoever publishes or deletes takes the project's row last, or holds nothing that we wait for.
    await raiseIndexVersion(tx.db, scope);
    const documentIds = [...new Set(runs.map(({ documentId }) => documentId))];
    const sourceIds = [...new Set(runs.map(({ source }) => source.id))];
    const lockedDocuments = await lockDocuments(tx.db, scope, documentIds);
    const lockedSources = await lockSegments(tx.db, scope, sourceIds);
    if (lockedSources.size === 0) return [];
    const keys = await listRunKeys(tx.db, scope, [...lockedSources]);
    const remaining = runs.filter(({ source }) => keys.has(runKey(source)));
    for (const { source, documentId } of remaining) {
      if (!lockedDocuments.has(documentId)) lockedSources.delete(source.id);
    }
    const shown = remaining.filter(({ source }) => lockedSources.has(source.id));
    if (shown.length === 0) return [];
    await insertParts(tx.db, scope, shown);
    await retireSegments(tx.db, scope, [...lockedSources]);
    return [...lockedSources];
  });
}

export async function deleteUnseenSegments(
  ctx: Pick<Context, 'db' | 'afterCommit'>,
  scope: ProjectScope,
  ids: string[],
): Promise<void> {
  for (const batch of batches(ids, SEGMENTS_PER_DELETE)) {
    await inProjectTransaction(ctx, scope, (tx) => deleteRetiredSegments(tx.db, scope, batch));
  }
}
