import { setImmediate as yieldToOthers } from 'node:timers/promises';
import { batches } from '#kernel/batches.js';
import type { Context } from '#platform/context.js';
import { type ProjectScope, mintProjectScope, systemCaller } from '#platform/scope.js';
import { inProjectTransaction, readInProject } from '#platform/transaction.js';
import { ANALYZER_VERSION } from '#rag/analyzer/analyze.js';
import { chunkIdAt } from './chunk-ids.js';
import type { MergeSource, MovedRun } from './combine-segments.js';
import { listProjectsToRebuild, updateChunkTerms } from './merge.queries.js';
import { readSegments } from './read-segments.js';
import { replaceSegments } from './replace-segments.js';
import { type SegmentSize, listChunkTexts, listSegmentSizes } from './search-index.queries.js';
import { type PreparedSegment, prepareSegments, writeSegment } from './write-segment.js';

/** Read anew before a switch, about; a merged segment is replaced as a whole. */
const CHUNKS_PER_SWITCH = 1_000;
/** Analysed at once, in some 20 ms. */
const CHUNKS_PER_BATCH = 100;

type RebuildContext = Pick<Context, 'db' | 'afterCommit'>;

/** Rebuilds what an older analyzer has written, in every project. @returns how many segments were replaced */
export async function rebuildAllSegments(
  ctx: RebuildContext & Pick<Context, 'log'>,
  signal: AbortSignal,
): Promise<number> {
  let count = 0;
  for (const projectId of await listProjectsToRebuild(ctx.db, ANALYZER_VERSION)) {
    try {
      count += await rebuildSegments(ctx, mintProjectScope(systemCaller, projectId, null), signal);
    } catch (error) {
      signal.throwIfAborted();
      // The others must not wait for one that cannot be rebuilt.
      ctx.log.error({ err: error, project: projectId }, 'the index of a project could not be rebuilt');
    }
  }
  return count;
}

/**
 * Writes the segments of an older analyzer anew from the texts of their chunks. Searches find by the old ones until
 * then: as with a merge, a reader sees those before or those after.
 * @returns how many segments were replaced
 */
export async function rebuildSegments(
  ctx: RebuildContext,
  scope: ProjectScope,
  signal: AbortSignal,
): Promise<number> {
  let count = 0;
  for (;;) {
    const chosen = chooseOld(await readInProject(ctx, scope, (tx) => listSegmentSizes(tx.db, scope)));
    if (chosen.length === 0) return count;
    const sources = await readSegments(ctx, scope, chosen);
    const replacement = await writeAnew(ctx, scope, sources, signal);
    const retired = await replaceSegments(ctx, scope, replacement);
    // Others hold them all: the next run finds them.
    if (retired.length === 0) return count;
    count += retired.length;
  }
}

function chooseOld(segments: readonly SegmentSize[]): string[] {
  const chosen: string[] = [];
  let count = 0;
  for (const { id, analyzerVersion, visibleCount } of segments) {
    if (analyzerVersion >= ANALYZER_VERSION) continue;
    if (chosen.length > 0 && count + visibleCount > CHUNKS_PER_SWITCH) break;
    chosen.push(id);
    count += visibleCount;
  }
  return chosen;
}

/** A chunk that can be seen, and the run that it is in. */
interface Place {
  chunkId: string;
  run: Pick<MovedRun, 'documentId' | 'version' | 'source'>;
}

async function writeAnew(
  ctx: RebuildContext,
  scope: ProjectScope,
  sources: MergeSource[],
  signal: AbortSignal,
): Promise<Parameters<typeof replaceSegments>[2]> {
  const places = sources.flatMap(placesOf);
  const runOf = new Map(places.map(({ chunkId, run }) => [chunkId, run]));
  const runs: (MovedRun & { segmentId: string })[] = [];
  const replacements: string[] = [];
  for (const batch of batches(places, CHUNKS_PER_BATCH)) {
    signal.throwIfAborted();
    for (const segment of await prepareAnew(ctx, scope, batch)) {
      const segmentId = await inProjectTransaction(ctx, scope, (tx) =>
        writeSegment(tx, scope, segment, null),
      );
      replacements.push(segmentId);
      for (const run of runsOf(segment, runOf)) runs.push({ ...run, segmentId });
      await inProjectTransaction(ctx, scope, (tx) => updateChunkTerms(tx.db, scope, segment));
    }
    await yieldToOthers();
  }
  return { runs, replacements };
}

function placesOf({ id, chunkIds, runs }: MergeSource): Place[] {
  return runs.flatMap(({ documentId, version, firstOrdinal, chunkCount }) => {
    const run = { documentId, version, source: { id, firstOrdinal } };
    return Array.from({ length: chunkCount }, (_, index) => ({
      chunkId: chunkIdAt(chunkIds, firstOrdinal + index),
      run,
    }));
  });
}

/** What has been deleted since is left out: its run is gone then, or of a version that nobody sees. */
async function prepareAnew(
  ctx: RebuildContext,
  scope: ProjectScope,
  places: readonly Place[],
): Promise<PreparedSegment[]> {
  const ids = places.map(({ chunkId }) => chunkId);
  const found = await readInProject(ctx, scope, (tx) => listChunkTexts(tx.db, scope, ids));
  const texts = new Map(found.map((text) => [text.id, text]));
  return prepareSegments(
    ids.flatMap((id) => {
      const text = texts.get(id);
      if (text === undefined) return [];
      const { content, documentLanguage } = text;
      return [
        {
          id,
          text: content,
          title: [text.title, text.heading].filter((part) => part !== null).join('\n'),
          documentLanguage,
        },
      ];
    }),
  );
}

function runsOf(
  { chunkIds, lengths }: PreparedSegment,
  runOf: ReadonlyMap<string, Place['run']>,
): MovedRun[] {
  const runs: MovedRun[] = [];
  for (const [ordinal, chunkId] of chunkIds.entries()) {
    const run = runOf.get(chunkId);
    if (run === undefined) continue;
    const last = runs.at(-1);
    const length = lengths[ordinal] ?? 0;
    if (last?.source === run.source) {
      last.chunkCount += 1;
      last.lengthSum += length;
    } else runs.push({ ...run, firstOrdinal: ordinal, chunkCount: 1, lengthSum: length });
  }
  return runs;
}
