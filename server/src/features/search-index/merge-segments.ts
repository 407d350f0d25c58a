import { setImmediate as yieldToOthers } from 'node:timers/promises';
import { batches } from '#kernel/batches.js';
import { newId } from '#kernel/ids.js';
import type { Context } from '#platform/context.js';
import { type ProjectScope, mintProjectScope, systemCaller } from '#platform/scope.js';
import { inProjectTransaction, readInProject } from '#platform/transaction.js';
import { chooseSegments } from './choose-segments.js';
import {
  type CombinedSegment,
  type MergeSource,
  PostingCollector,
  combineSegments,
} from './combine-segments.js';
import { listPostings, listProjectsToMerge, vacuumIndex } from './merge.queries.js';
import { readSegments } from './read-segments.js';
import { deleteUnseenSegments, replaceSegments } from './replace-segments.js';
import {
  type PostingRow,
  insertPostings,
  insertSegment,
  listSegmentSizes,
  listUnseenSegments,
} from './search-index.queries.js';

/** Projects with fewer are left alone. */
const MIN_SEGMENTS = 8;
/** Sizes of one statement, so that the one connection of the embedded database is never held for long. */
const SEGMENTS_PER_READ = 20;
const TERMS_PER_WRITE = 2_000;
/** A merge takes seconds: what is unseen for so long was left by one that was killed. */
const LONGEST_MERGE_MS = 3_600_000;

type MergeContext = Pick<Context, 'db' | 'clock' | 'afterCommit'>;

/** Merges the segments of every project that has many. @returns how many segments went into larger ones */
export async function mergeAllSegments(
  ctx: MergeContext & Pick<Context, 'log' | 'config'>,
  signal: AbortSignal,
): Promise<number> {
  let count = 0;
  for (const projectId of await listProjectsToMerge(ctx.db, MIN_SEGMENTS)) {
    try {
      count += await mergeSegments(ctx, mintProjectScope(systemCaller, projectId, null), signal);
    } catch (error) {
      signal.throwIfAborted();
      // The others must not wait for one that cannot be merged.
      ctx.log.error({ err: error, project: projectId }, 'the segments of a project could not be merged');
    }
  }
  // A server does it by itself.
  if (count > 0 && ctx.config.database.url === null) await vacuumIndex(ctx.db);
  return count;
}

/**
 * Merges a project's small segments into larger ones, without the chunks that have died. What a search finds, and
 * its scores, stay the same. A reader sees the segments before or the one after, and nobody waits for either: a merge
 * writes its segment unseen, and gives up what others hold when it is shown. Two at once are wasteful, not wrong.
 * @returns how many segments went into larger ones
 */
export async function mergeSegments(
  ctx: MergeContext,
  scope: ProjectScope,
  signal: AbortSignal,
): Promise<number> {
  const unseen = await readInProject(ctx, scope, (tx) => listUnseenSegments(tx.db, scope, longAgo(ctx)));
  await deleteUnseenSegments(ctx, scope, unseen);
  let count = 0;
  for (;;) {
    signal.throwIfAborted();
    const sizes = await readInProject(ctx, scope, (tx) => listSegmentSizes(tx.db, scope));
    const chosen = chooseSegments(sizes);
    if (chosen.length === 0) return count;
    const merged = await mergeChosen(ctx, scope, chosen, signal);
    // Others hold them all: the next run finds them.
    if (merged === 0) return count;
    count += merged;
  }
}

async function mergeChosen(
  ctx: MergeContext,
  scope: ProjectScope,
  chosen: string[],
  signal: AbortSignal,
): Promise<number> {
  const sources = await readSegments(ctx, scope, chosen);
  const [first] = sources;
  if (first === undefined) return 0;
  const combined = combineSegments(sources);
  const segment = { id: newId(), projectId: scope.projectId };
  const postings = await collectPostings(ctx, scope, sources, combined, signal);
  const row = {
    ...segment,
    analyzerVersion: first.analyzerVersion,
    language: first.language,
    chunkCount: combined.lengths.length,
    lengthSum: combined.runs.reduce((sum, { lengthSum }) => sum + lengthSum, 0),
    chunkIds: combined.chunkIds,
    lengths: new Uint8Array(combined.lengths.buffer),
  };
  await inProjectTransaction(ctx, scope, (tx) => insertSegment(tx.db, row, []));
  for (const batch of batches(postings, TERMS_PER_WRITE)) {
    signal.throwIfAborted();
    await inProjectTransaction(ctx, scope, (tx) => insertPostings(tx.db, segment, batch));
  }
  const shown = combined.runs.map((run) => ({ ...run, segmentId: segment.id }));
  return (await replaceSegments(ctx, scope, { runs: shown, replacements: [segment.id] })).length;
}

async function collectPostings(
  ctx: MergeContext,
  scope: ProjectScope,
  sources: MergeSource[],
  combined: CombinedSegment,
  signal: AbortSignal,
): Promise<PostingRow[]> {
  const collector = new PostingCollector(sources, combined);
  for (const batch of batches(sources, SEGMENTS_PER_READ)) {
    signal.throwIfAborted();
    const ids = batch.map(({ id }) => id);
    const rows = new Map(ids.map((id) => [id, [] as { term: string; data: Uint8Array }[]]));
    const lists = await readInProject(ctx, scope, (tx) => listPostings(tx.db, scope, ids));
    for (const row of lists) rows.get(row.segmentId)?.push(row);
    for (const [id, list] of rows) {
      for (const { term, data } of list) collector.add(id, term, data);
      await yieldToOthers();
    }
  }
  return [...collector.rows()];
}

function longAgo(ctx: Pick<Context, 'clock'>): Date {
  return new Date(ctx.clock.now().getTime() - LONGEST_MERGE_MS);
}
