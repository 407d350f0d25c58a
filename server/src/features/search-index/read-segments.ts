import type { Context } from '#platform/context.js';
import type { ProjectScope } from '#platform/scope.js';
import { readInProject } from '#platform/transaction.js';
import type { MergeSource } from './combine-segments.js';
import { listMergeSources, listVisibleParts } from './merge.queries.js';

/** Segments without their postings, and which of their runs can be seen. */
export async function readSegments(
  ctx: Pick<Context, 'db'>,
  scope: ProjectScope,
  ids: string[],
): Promise<MergeSource[]> {
  const { rows, parts } = await readInProject(ctx, scope, async (tx) => ({
    rows: await listMergeSources(tx.db, scope, ids),
    parts: await listVisibleParts(tx.db, scope, ids),
  }));
  return rows.map(({ documentId, version, chunkCount, lengths, ...segment }) => ({
    ...segment,
    // A copy: the driver's buffers are not aligned to 2 bytes.
    lengths: new Uint16Array(Uint8Array.from(lengths).buffer),
    runs:
      documentId !== null && version !== null
        ? [{ documentId, version, firstOrdinal: 0, chunkCount }]
        : parts.filter(({ segmentId }) => segmentId === segment.id),
  }));
}
