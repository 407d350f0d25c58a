import { AppError } from '#kernel/app-error.js';
import { batches } from '#kernel/batches.js';
import { newId } from '#kernel/ids.js';
import { sha256Hex } from '#kernel/hash.js';
import { SourceError } from '#kernel/source-error.js';
import type { Context } from '#platform/context.js';
import type { RunningJob } from '#platform/jobs/define-job.js';
import type { Embedder } from '#platform/ports/embedder.js';
import type { ProjectScope } from '#platform/scope.js';
import { inProjectTransaction } from '#platform/transaction.js';
import { ANALYZER_VERSION } from '#rag/analyzer/analyze.js';
import { bookPage, findFullLimit } from '#features/usage/book-page.js';
import { CHUNKER_VERSION, prepareChunks } from './prepare-chunks.js';
import {
  deleteVersionsBefore,
  findEmbeddingModel,
  findHighestVersion,
  publishVersion,
  upsertDocument,
} from './ingestion.queries.js';
import { forgetEmbeddingModel } from './embedding-models/embedding-models.queries.js';
import type { ReadDocument } from './readers/reader.js';
import { listNeededEmbedders } from './embed-chunks.js';
import { usageLimitReached } from './usage-limit-reached.js';
import { embedWindows, prepareBatch, writeBatch } from './write-version.js';

/** Small enough that the one connection of the embedded database is never held for long. */
const CHUNKS_PER_TRANSACTION = 100;

export interface ProcessedDocument {
  outcome: 'added' | 'changed' | 'unchanged';
  chunkCount: number;
  embeddedChunks: number;
  embeddingTokens: number;
  /** US dollars. */
  embeddingCost: number;
}

export interface DocumentWork {
  job: RunningJob;
  sourceId: string;
  document: ReadDocument;
  /** Told after each stored batch but the last. */
  onProgress?: (done: number, total: number) => Promise<void>;
  /** In the transaction that makes the new version visible, before and after it does. */
  beforePublish?: (tx: Context) => Promise<void>;
  afterPublish?: (tx: Context, processed: ProcessedDocument) => Promise<void>;
}

/**
 * Embeds and indexes one document. The new version is written unseen in small transactions and made visible by one
 * row's update; until then readers see the old one. The same content again does nothing, changed content embeds
 * only texts that the account has no vector of.
 * @throws SourceError `usage_limit` for a new document that the account has no room for, and others; ModelError,
 * LeaseLostError
 */
export async function processDocument(
  ctx: Context,
  scope: ProjectScope,
  work: DocumentWork,
  signal: AbortSignal,
): Promise<ProcessedDocument> {
  const { sourceId, document } = work;
  const { row, highest } = await inProjectTransaction(ctx, scope, async (tx) => {
    const upserted = await upsertDocument(tx.db, {
      id: newId(),
      projectId: scope.projectId,
      sourceId,
      key: document.key,
      title: document.title,
      url: document.url,
    });
    const written = upserted.isNew ? 0 : await findHighestVersion(tx.db, scope, upserted.id);
    return { row: upserted, highest: written };
  });
  const contentHash = sha256Hex(document.extracted.content);
  const indexKey = indexKeyOf(document);
  if (row.liveVersion > 0 && row.contentHash === contentHash && row.indexKey === indexKey) {
    const { chunkCount, liveVersion } = row;
    return finishUnchanged(ctx, scope, work, { documentId: row.id, chunkCount, liveVersion });
  }
  if (document.extracted.chunks.length === 0) throw new SourceError('empty', 'There is no text in it.');
  const isNew = row.liveVersion === 0;
  // Before anything is paid for; who is right is found out when the document is published.
  const fullLimit = isNew ? await findFullLimit(ctx, scope, sourceId) : null;
  if (fullLimit !== null) throw usageLimitReached(fullLimit);
  const version = Math.max(row.liveVersion, highest) + 1;
  const target = { documentId: row.id, version, contentHash, indexKey };
  return writeVersion(ctx, scope, work, { ...target, outcome: isNew ? 'added' : 'changed' }, signal);
}

interface VersionTarget {
  documentId: string;
  version: number;
  contentHash: string;
  indexKey: string;
  outcome: 'added' | 'changed';
}

function finishUnchanged(
  ctx: Context,
  scope: ProjectScope,
  { job, beforePublish, afterPublish }: DocumentWork,
  live: { documentId: string; chunkCount: number; liveVersion: number },
): Promise<ProcessedDocument> {
  const processed: ProcessedDocument = {
    outcome: 'unchanged',
    chunkCount: live.chunkCount,
    embeddedChunks: 0,
    embeddingTokens: 0,
    embeddingCost: 0,
  };
  return inProjectTransaction(ctx, scope, async (tx) => {
    await job.fence(tx);
    await beforePublish?.(tx);
    // What a crash has left of the version before; never what a newer attempt is writing.
    await deleteVersionsBefore(tx.db, scope, live);
    await afterPublish?.(tx, processed);
    return processed;
  });
}

/** Writes all rows of a version, batch by batch, while the next texts are being embedded; the last batch publishes. */
async function writeVersion(
  ctx: Context,
  scope: ProjectScope,
  work: DocumentWork,
  target: VersionTarget,
  signal: AbortSignal,
): Promise<ProcessedDocument> {
  const { job, document } = work;
  const total = document.extracted.chunks.length;
  const processed: ProcessedDocument = {
    outcome: target.outcome,
    chunkCount: total,
    embeddedChunks: 0,
    embeddingTokens: 0,
    embeddingCost: 0,
  };
  const embedders = await listNeededEmbedders(ctx, scope);
  const chunks = prepareChunks(document);
  let done = 0;
  for await (const window of embedWindows(ctx, scope, { chunks, embedders }, signal)) {
    processed.embeddedChunks += window.newCount;
    processed.embeddingTokens += window.tokens;
    processed.embeddingCost += window.cost;
    for (const batch of batches(window.chunks, CHUNKS_PER_TRANSACTION)) {
      signal.throwIfAborted();
      done += batch.length;
      const isLast = done === total;
      const prepared = prepareBatch(window, batch, document.extracted.language);
      await inProjectTransaction(ctx, scope, async (tx) => {
        await job.fence(tx);
        await writeBatch(tx, scope, prepared, target);
        if (!isLast) return;
        // Not before: whoever waits for what it locks waits no longer than it has to.
        await work.beforePublish?.(tx);
        await publish(tx, scope, work, { ...target, processed, embedders });
      });
      if (!isLast) await work.onProgress?.(done, total);
    }
  }
  return processed;
}

async function publish(
  tx: Context,
  scope: ProjectScope,
  { sourceId, document, afterPublish }: DocumentWork,
  version: VersionTarget & { processed: ProcessedDocument; embedders: readonly Embedder[] },
): Promise<void> {
  const { content, format, language } = document.extracted;
  const { documentId, contentHash, indexKey, processed } = version;
  await publishVersion(tx.db, scope, documentId, {
    title: document.title,
    url: document.url,
    content,
    contentHash,
    format,
    language,
    liveVersion: version.version,
    indexKey,
    chunkCount: processed.chunkCount,
  });
  // The project's row is locked from here on: its model cannot change any more before this version is seen.
  await requireNeededVectors(tx, scope, version.embedders);
  if (version.version > 1) {
    await deleteVersionsBefore(tx.db, scope, { documentId, liveVersion: version.version });
  }
  await afterPublish?.(tx, processed);
  const { outcome } = version;
  const cost = processed.embeddingCost;
  const fullLimit = await bookPage(tx, scope, {
    sourceId,
    documentId,
    version: version.version,
    outcome,
    cost,
  });
  if (fullLimit !== null) throw usageLimitReached(fullLimit);
}

/**
 * A project whose model has been changed over while this version was being embedded compares with vectors that it
 * has not got, and nothing would add them later. One that knows of chunks without any vector has to be looked at.
 * @throws AppError `unavailable`: the next attempt embeds by both models
 */
async function requireNeededVectors(
  tx: Context,
  scope: ProjectScope,
  embedders: readonly Embedder[],
): Promise<void> {
  const live = await findEmbeddingModel(tx.db, scope);
  if (live === null) return;
  if (embedders.length === 0) return forgetEmbeddingModel(tx.db, scope);
  if (embedders.some(({ model, dimensions }) => model === live.model && dimensions === live.dimensions))
    return;
  throw new AppError('unavailable', 'The embedding model of the project has just been changed.');
}

/** Everything beside the content that decides what the index holds of a document. Vectors follow on their own. */
function indexKeyOf({ title, extracted, questions }: ReadDocument): string {
  const { format, pages, chunks } = extracted;
  // Other questions may make the same content of their answers.
  const pairs = questions === undefined ? [] : [questions, chunks.map(({ start }) => start)];
  const shape = sha256Hex(JSON.stringify([title, format, pages, ...pairs]));
  return [`chunker:${CHUNKER_VERSION}`, `analyzer:${ANALYZER_VERSION}`, shape].join(' ');
}
