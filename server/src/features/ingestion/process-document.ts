import { batches } from '#kernel/batches.js';
import { sha256Hex } from '#kernel/hash.js';
import { newId } from '#kernel/ids.js';
import { SourceError } from '#kernel/source-error.js';
import type { Context } from '#platform/context.js';
import type { RunningJob } from '#platform/jobs/define-job.js';
import type { ChunkSpan } from '#platform/ports/document-extractor.js';
import type { ProjectScope } from '#platform/scope.js';
import { inTransaction } from '#platform/transaction.js';
import { ANALYZER_VERSION } from '#rag/analyzer/analyze.js';
import { prepareSegment, writeSegment } from '#features/search-index/write-segment.js';
import { embedChunks } from './embed-chunks.js';
import {
  type DocumentRow,
  deleteVersionsBefore,
  findHighestVersion,
  insertChunks,
  insertEmbeddings,
  publishVersion,
  upsertDocument,
} from './ingestion.queries.js';
import type { ReadDocument } from './readers/reader.js';
import { reportSourceProgress } from './report-source-progress.js';

/** Rises whenever the same content gives other chunks. */
const CHUNKER_VERSION = 1;
/** Small enough that the one connection of the embedded database is never held for long. */
const CHUNKS_PER_TRANSACTION = 100;
const HEADING_SEPARATOR = ' › ';

/** A chunk with all that is stored of it. */
interface PreparedChunk extends ChunkSpan {
  id: string;
  index: number;
  content: string;
  heading: string | null;
  /** What is embedded: the text under its title and headings. */
  embeddedText: string;
  /** SHA-256 of `embeddedText`: equal hashes share a vector. */
  contentHash: string;
}

export interface ProcessedDocument {
  outcome: 'indexed' | 'unchanged';
  chunkCount: number;
  embeddedChunkCount: number;
}

/**
 * Chunks, embeds and indexes one document. The new version is written unseen in small transactions and made
 * visible by one row's update; until then readers see the old one. The same content again does nothing, changed
 * content embeds only the chunks that changed.
 * @throws SourceError, ModelError, LeaseLostError
 */
export async function processDocument(
  ctx: Context,
  scope: ProjectScope,
  input: { job: RunningJob; sourceId: string; document: ReadDocument },
  signal: AbortSignal,
): Promise<ProcessedDocument> {
  const { job, sourceId, document } = input;
  const { content, format, language } = document.extracted;
  const row = await upsertDocument(ctx.db, {
    id: newId(),
    projectId: scope.projectId,
    sourceId,
    key: document.key,
    title: document.title,
    url: document.url,
  });
  const contentHash = sha256Hex(content);
  const indexKey = indexKeyOf(ctx, document);
  if (row.liveVersion > 0 && row.contentHash === contentHash && row.indexKey === indexKey) {
    await deleteOlderVersions(ctx, scope, job, { documentId: row.id, liveVersion: row.liveVersion });
    return { outcome: 'unchanged', chunkCount: row.chunkCount, embeddedChunkCount: 0 };
  }
  const chunks = prepareChunks(document);
  if (chunks.length === 0) throw new SourceError('empty', 'There is no text in it.');
  const version = Math.max(row.liveVersion, await findHighestVersion(ctx.db, scope, row.id)) + 1;
  const embeddedChunkCount = await writeVersion(
    ctx,
    scope,
    { job, sourceId, chunks, language, row, version },
    signal,
  );
  await inTransaction(ctx, async (tx) => {
    await job.fence(tx);
    await publishVersion(tx.db, scope, row.id, {
      title: document.title,
      url: document.url,
      content,
      contentHash,
      format,
      language,
      liveVersion: version,
      indexKey,
      chunkCount: chunks.length,
    });
  });
  await deleteOlderVersions(ctx, scope, job, { documentId: row.id, liveVersion: version });
  return { outcome: 'indexed', chunkCount: chunks.length, embeddedChunkCount };
}

/** Deletes what a crash or the version before has left; never what a newer attempt is writing. */
function deleteOlderVersions(
  ctx: Context,
  scope: ProjectScope,
  job: RunningJob,
  document: { documentId: string; liveVersion: number },
): Promise<void> {
  return inTransaction(ctx, async (tx) => {
    await job.fence(tx);
    await deleteVersionsBefore(tx.db, scope, document);
  });
}

/** Writes all rows of a version, batch by batch. @returns how many chunks were embedded anew */
async function writeVersion(
  ctx: Context,
  scope: ProjectScope,
  work: {
    job: RunningJob;
    sourceId: string;
    chunks: PreparedChunk[];
    language: string;
    row: DocumentRow;
    version: number;
  },
  signal: AbortSignal,
): Promise<number> {
  const { job, chunks, row, version } = work;
  let embeddedCount = 0;
  let done = 0;
  // What one call has paid for is stored before the next one is made: an attempt that fails loses one call at most.
  const batchSize = Math.min(CHUNKS_PER_TRANSACTION, ctx.embedder?.batchSize ?? CHUNKS_PER_TRANSACTION);
  for (const batch of batches(chunks, batchSize)) {
    signal.throwIfAborted();
    await reportSourceProgress(ctx, scope, work, { stage: 'indexing', done, total: chunks.length });
    const embedded = await embedChunks(ctx, scope, { documentId: row.id, chunks: batch }, signal);
    const indexable = batch.map(({ id, content, embeddedText }) => ({
      id,
      text: content,
      title: embeddedText.slice(0, embeddedText.length - content.length),
    }));
    const segment = prepareSegment(indexable, work.language);
    await inTransaction(ctx, async (tx) => {
      await job.fence(tx);
      await insertChunks(
        tx.db,
        batch.map((chunk) => chunkRow(chunk, scope, row.id, version)),
      );
      await insertEmbeddings(tx.db, embedded.rows);
      await writeSegment(tx, scope, segment, { documentId: row.id, version });
    });
    embeddedCount += embedded.newCount;
    done += batch.length;
  }
  return embeddedCount;
}

function prepareChunks(document: ReadDocument): PreparedChunk[] {
  return document.extracted.chunks.map((chunk, index) => {
    const content = document.extracted.content.slice(chunk.start, chunk.end);
    const heading = chunk.headings.length > 0 ? chunk.headings.join(HEADING_SEPARATOR) : null;
    const context = [document.title, heading].filter((part) => part !== null).join('\n');
    const embeddedText = `${context}\n${content}`;
    return {
      ...chunk,
      id: newId(),
      index,
      content,
      heading,
      embeddedText,
      contentHash: sha256Hex(embeddedText),
    };
  });
}

function chunkRow(chunk: PreparedChunk, scope: ProjectScope, documentId: string, version: number) {
  return {
    id: chunk.id,
    projectId: scope.projectId,
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
  };
}

/** Everything beside the content that decides what the index holds of a document. */
function indexKeyOf(ctx: Pick<Context, 'embedder'>, document: ReadDocument): string {
  const model = ctx.embedder === null ? 'none' : `${ctx.embedder.model}:${ctx.embedder.dimensions}`;
  const shape = sha256Hex(
    JSON.stringify([document.title, document.extracted.format, document.extracted.pages]),
  );
  return [`chunker:${CHUNKER_VERSION}`, `analyzer:${ANALYZER_VERSION}`, `model:${model}`, shape].join(' ');
}
