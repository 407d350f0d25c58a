import type { Context } from '#platform/context.js';
import type { Embedder } from '#platform/ports/embedder.js';
import type { ProjectScope } from '#platform/scope.js';
import { type PreparedSegment, prepareSegment, writeSegment } from '#features/search-index/write-segment.js';
import { type EmbeddedChunks, embedChunks } from './embed-chunks.js';
import { type NewEmbedding, insertChunks, insertEmbeddings, insertQuestionAnswers } from './ingestion.queries.js';
import type { PreparedChunk } from './prepare-chunks.js';

/** Chunks that are embedded together, where no model says how many it takes. */
const DEFAULT_WINDOW = 1_000;

export interface EmbeddedWindow extends EmbeddedChunks {
  chunks: PreparedChunk[];
}

/**
 * Embeds chunks window by window, one ahead of whoever stores them: while one is written the next is being asked
 * for. An attempt that dies loses two windows at most.
 */
export async function* embedWindows(
  ctx: Pick<Context, 'db'>,
  scope: ProjectScope,
  input: { chunks: Iterable<PreparedChunk>; embedders: readonly Embedder[] },
  signal: AbortSignal,
): AsyncGenerator<EmbeddedWindow> {
  const { embedders } = input;
  const size = Math.min(DEFAULT_WINDOW, ...embedders.map(({ windowSize }) => windowSize));
  const stop = new AbortController();
  const both = AbortSignal.any([signal, stop.signal]);
  const embedNext = async (chunks: PreparedChunk[]): Promise<EmbeddedWindow> => ({
    chunks,
    ...(await embedChunks(ctx, scope, { embedders, chunks }, both)),
  });
  let ahead: Promise<EmbeddedWindow> | null = null;
  try {
    for (const chunks of windowsOf(input.chunks, size)) {
      const ready: Promise<EmbeddedWindow> | null = ahead;
      ahead = embedNext(chunks);
      // It may fail while the one before it is still being stored: then it is told when its turn comes.
      ahead.catch(() => undefined);
      if (ready !== null) yield await ready;
    }
    if (ahead !== null) yield await ahead;
  } finally {
    stop.abort();
  }
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
  chunks: PreparedChunk[];
  vectors: NewEmbedding[];
  segment: PreparedSegment;
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
  }));
  return {
    chunks,
    vectors: window.rows.filter(({ chunkId }) => ids.has(chunkId)),
    segment: prepareSegment(indexable, language),
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
    })),
  );
  await insertEmbeddings(tx.db, batch.vectors);
  await insertQuestionAnswers(
    tx.db,
    batch.chunks.flatMap(({ id, question }) =>
      question === null ? [] : [{ projectId, chunkId: id, ...question }],
    ),
  );
  await writeSegment(tx, scope, batch.segment, { documentId, version });
}
