import type { Context } from '#platform/context.js';
import type { Embedder } from '#platform/ports/embedder.js';
import type { ProjectScope } from '#platform/scope.js';
import { scoreInstructions } from '#rag/instruction-score.js';
import { type PreparedSegment, prepareSegments, writeSegment } from '#features/search-index/write-segment.js';
import { type EmbeddedChunks, embedChunks, findKnownVectors } from './embed-chunks.js';
import {
  type NewEmbedding,
  insertChunks,
  insertEmbeddings,
  insertQuestionAnswers,
} from './ingestion.queries.js';
import type { PreparedChunk } from './prepare-chunks.js';

/** Chunks that are embedded and stored together, however few a model takes in one call. */
const LEAST_WINDOW = 8;
/** Where there is nothing to embed. */
const WINDOW_WITHOUT_MODEL = 1_000;

export interface EmbeddedWindow extends EmbeddedChunks {
  chunks: PreparedChunk[];
}

/**
 * Embeds chunks window by window, as many of them at once as keep the endpoint busy, and gives them in order. A window
 * is about a call, so that whoever stores it as it comes loses no more to a crash than the calls in flight.
 */
export async function* embedWindows(
  ctx: Pick<Context, 'db'>,
  scope: ProjectScope,
  input: { chunks: Iterable<PreparedChunk>; embedders: readonly Embedder[] },
  signal: AbortSignal,
): AsyncGenerator<EmbeddedWindow> {
  const { embedders } = input;
  const { size, atOnce } = sizeWindows(embedders);
  const windows = windowsOf(input.chunks, size);
  const stop = new AbortController();
  const both = AbortSignal.any([signal, stop.signal]);
  let hasFailed = false;
  // One after the other, so that the model is asked in order: what is paid for when a call fails can be stored.
  let lookedUp: Promise<unknown> = Promise.resolve();
  const embedNext = (): Promise<EmbeddedWindow> | null => {
    const { value: chunks } = windows.next();
    if (chunks === undefined) return null;
    const known = lookedUp.then(() => findKnownVectors(ctx, scope, { embedders, chunks }));
    lookedUp = known.catch(() => null);
    const next = known
      .then((found) => embedChunks(scope, { embedders, chunks, known: found }, both))
      .then((embedded) => ({ chunks, ...embedded }));
    // Those before it are stored first: then it is told when its turn comes.
    next.catch(() => (hasFailed = true));
    return next;
  };
  const inFlight: Promise<EmbeddedWindow>[] = [];
  const hasRoom = () => inFlight.length < atOnce && !hasFailed;
  try {
    for (;;) {
      while (hasRoom()) {
        const next = embedNext();
        if (next === null) break;
        inFlight.push(next);
      }
      const first = inFlight.shift();
      if (first === undefined) return;
      yield await first;
    }
  } finally {
    stop.abort();
  }
}

/** One window more than the endpoint takes at once: it is busy while the first one is being stored. */
function sizeWindows(embedders: readonly Embedder[]): { size: number; atOnce: number } {
  if (embedders.length === 0) return { size: WINDOW_WITHOUT_MODEL, atOnce: 1 };
  const size = Math.max(LEAST_WINDOW, ...embedders.map(({ batchSize }) => batchSize));
  const wanted = Math.max(...embedders.map(({ windowSize }) => windowSize));
  return { size, atOnce: 1 + Math.ceil(wanted / size) };
}

function* windowsOf<T>(items: Iterable<T>, size: number): Generator<T[]> {
  let window: T[] = [];
  for (const item of items) {
    window.push(item);
    if (window.length < size) continue;
    yield window;
    window = [];
  }
  if (window.length > 0) yield window;
}

/** A batch that only has to be written: its analysis is done before any transaction. */
export interface PreparedBatch {
  chunks: (PreparedChunk & { instructionScore: number })[];
  vectors: NewEmbedding[];
  segments: PreparedSegment[];
}

export function prepareBatch(
  window: EmbeddedWindow,
  chunks: PreparedChunk[],
  language: string,
): PreparedBatch {
  const ids = new Set(chunks.map(({ id }) => id));
  const indexable = chunks.map(({ id, content, embeddedText }) => ({
    id,
    text: content,
    title: embeddedText.slice(0, embeddedText.length - content.length),
    documentLanguage: language,
  }));
  return {
    chunks: chunks.map((chunk) => ({ ...chunk, instructionScore: scoreInstructions(chunk.embeddedText) })),
    vectors: window.rows.filter(({ chunkId }) => ids.has(chunkId)),
    segments: prepareSegments(indexable),
  };
}

/** Writes chunks of a version with their vectors and postings, unseen. */
export async function writeBatch(
  tx: Context,
  scope: ProjectScope,
  batch: PreparedBatch,
  { documentId, version }: { documentId: string; version: number },
): Promise<void> {
  const { projectId } = scope;
  const indexed = new Map(
    batch.segments.flatMap(({ language, chunkIds, terms }) =>
      chunkIds.map((id, ordinal) => [id, { language, terms: terms[ordinal] ?? null }]),
    ),
  );
  await insertChunks(
    tx.db,
    batch.chunks.map((chunk) => ({
      id: chunk.id,
      projectId,
      documentId,
      version,
      chunkIndex: chunk.index,
      content: chunk.content,
      startOffset: chunk.start,
      endOffset: chunk.end,
      page: chunk.page,
      heading: chunk.heading,
      tokenCount: chunk.tokenCount,
      contentHash: chunk.contentHash,
      instructionScore: chunk.instructionScore,
      ...indexed.get(chunk.id),
    })),
  );
  await insertEmbeddings(tx.db, batch.vectors);
  await insertQuestionAnswers(
    tx.db,
    batch.chunks.flatMap(({ id, question }) =>
      question === null ? [] : [{ projectId, chunkId: id, ...question }],
    ),
  );
  for (const segment of batch.segments) await writeSegment(tx, scope, segment, { documentId, version });
}
