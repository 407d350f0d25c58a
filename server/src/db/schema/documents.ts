import {
  foreignKey,
  index,
  integer,
  jsonb,
  pgEnum,
  pgTable,
  primaryKey,
  real,
  text,
  unique,
  uuid,
} from 'drizzle-orm/pg-core';
import { byteOrderedText, bytes, createdAt, id, updatedAt, vector } from './columns.js';
import { projects } from './projects.js';
import { type SourceFailure, sources } from './sources.js';

export const documentStatus = pgEnum('document_status', ['processing', 'ready', 'failed']);
export const documentFormat = pgEnum('document_format', ['markdown', 'plain']);

export const documents = pgTable(
  'documents',
  {
    id: id(),
    projectId: uuid('project_id').notNull(),
    sourceId: uuid('source_id').notNull(),
    /** What the document is within its source: the URL of a page, or `content` where there is only one. */
    key: text('key').notNull(),
    title: text('title').notNull(),
    url: text('url'),
    content: text('content').notNull().default(''),
    contentHash: text('content_hash').notNull().default(''),
    format: documentFormat('format').notNull().default('plain'),
    language: text('language').notNull().default('und'),
    metadata: jsonb('metadata').$type<Record<string, unknown>>().notNull().default({}),
    status: documentStatus('status').notNull().default('processing'),
    error: jsonb('error').$type<SourceFailure>(),
    /** The version whose chunks, embeddings and postings are visible; 0: none yet. */
    liveVersion: integer('live_version').notNull().default(0),
    /** What the live version was made with: re-processing equal content by equal rules does nothing. */
    indexKey: text('index_key').notNull().default(''),
    chunkCount: integer('chunk_count').notNull().default(0),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
  },
  (table) => [
    unique('documents_project_id_unique').on(table.projectId, table.id),
    unique('documents_source_key_unique').on(table.projectId, table.sourceId, table.key),
    foreignKey({
      name: 'documents_source_fk',
      columns: [table.projectId, table.sourceId],
      foreignColumns: [sources.projectId, sources.id],
    }).onDelete('cascade'),
  ],
);

export const documentChunks = pgTable(
  'document_chunks',
  {
    id: id(),
    projectId: uuid('project_id').notNull(),
    documentId: uuid('document_id').notNull(),
    /** Rows of a version are seen when it is the document's `live_version`. */
    version: integer('version').notNull(),
    chunkIndex: integer('chunk_index').notNull(),
    content: text('content').notNull(),
    startOffset: integer('start_offset').notNull(),
    endOffset: integer('end_offset').notNull(),
    page: integer('page'),
    heading: text('heading'),
    tokenCount: integer('token_count').notNull(),
    contentHash: text('content_hash').notNull(),
    /** ISO 639-1, or `und`; null: that of the document. */
    language: text('language'),
    /** The chunk's index terms in order, title first: `title terms\ntext terms`, by a space. Null: none were kept. */
    terms: text('terms'),
    /** How much the text reads like orders to a model, 0 to 1; null: not looked at. */
    instructionScore: real('instruction_score'),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
  },
  (table) => [
    unique('document_chunks_project_id_unique').on(table.projectId, table.id),
    unique('document_chunks_position_unique').on(
      table.projectId,
      table.documentId,
      table.version,
      table.chunkIndex,
    ),
    foreignKey({
      name: 'document_chunks_document_fk',
      columns: [table.projectId, table.documentId],
      foreignColumns: [documents.projectId, documents.id],
    }).onDelete('cascade'),
  ],
);

export const embeddings = pgTable(
  'embeddings',
  {
    id: id(),
    projectId: uuid('project_id').notNull(),
    chunkId: uuid('chunk_id').notNull(),
    model: text('model').notNull(),
    dimensions: integer('dimensions').notNull(),
    embedding: vector('embedding').notNull(),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
  },
  (table) => [
    unique('embeddings_chunk_model_unique').on(table.projectId, table.chunkId, table.model, table.dimensions),
    index('embeddings_project_model').on(table.projectId, table.model, table.dimensions),
    foreignKey({
      name: 'embeddings_chunk_fk',
      columns: [table.projectId, table.chunkId],
      foreignColumns: [documentChunks.projectId, documentChunks.id],
    }).onDelete('cascade'),
  ],
);

/**
 * An immutable slice of a project's inverted index: the chunks of one batch of one document version, or, with
 * `document_id` null, of several, merged: then its parts say which of its chunks can be seen.
 */
export const lexicalSegments = pgTable(
  'lexical_segments',
  {
    id: id(),
    projectId: uuid('project_id')
      .notNull()
      .references(() => projects.id, { onDelete: 'cascade' }),
    documentId: uuid('document_id'),
    version: integer('version'),
    analyzerVersion: integer('analyzer_version').notNull(),
    language: text('language').notNull(),
    /** As written: those of merged parts that have died since are counted. */
    chunkCount: integer('chunk_count').notNull(),
    lengthSum: integer('length_sum').notNull(),
    /** Chunk ids by ordinal, 16 bytes each. */
    chunkIds: bytes('chunk_ids').notNull(),
    /** Weighted length of each chunk by ordinal, uint16 little-endian. */
    lengths: bytes('lengths').notNull(),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
  },
  (table) => [
    unique('lexical_segments_project_id_unique').on(table.projectId, table.id),
    index('lexical_segments_document').on(table.projectId, table.documentId, table.version),
    foreignKey({
      name: 'lexical_segments_document_fk',
      columns: [table.projectId, table.documentId],
      foreignColumns: [documents.projectId, documents.id],
    }).onDelete('cascade'),
  ],
);

/** A run of ordinals of a merged segment, of one document version: seen when that is the document's live one. */
export const lexicalSegmentParts = pgTable(
  'lexical_segment_parts',
  {
    projectId: uuid('project_id').notNull(),
    segmentId: uuid('segment_id').notNull(),
    firstOrdinal: integer('first_ordinal').notNull(),
    chunkCount: integer('chunk_count').notNull(),
    lengthSum: integer('length_sum').notNull(),
    documentId: uuid('document_id').notNull(),
    version: integer('version').notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.projectId, table.segmentId, table.firstOrdinal] }),
    index('lexical_segment_parts_document').on(table.projectId, table.documentId),
    foreignKey({
      name: 'lexical_segment_parts_segment_fk',
      columns: [table.projectId, table.segmentId],
      foreignColumns: [lexicalSegments.projectId, lexicalSegments.id],
    }).onDelete('cascade'),
    foreignKey({
      name: 'lexical_segment_parts_document_fk',
      columns: [table.projectId, table.documentId],
      foreignColumns: [documents.projectId, documents.id],
    }).onDelete('cascade'),
  ],
);

export const lexicalPostings = pgTable(
  'lexical_postings',
  {
    projectId: uuid('project_id').notNull(),
    term: byteOrderedText('term').notNull(),
    segmentId: uuid('segment_id').notNull(),
    documentFrequency: integer('document_frequency').notNull(),
    /** Varint gap of the ordinal, uint8 term frequency, repeated. */
    data: bytes('data').notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.projectId, table.term, table.segmentId] }),
    index('lexical_postings_segment').on(table.projectId, table.segmentId),
    foreignKey({
      name: 'lexical_postings_segment_fk',
      columns: [table.projectId, table.segmentId],
      foreignColumns: [lexicalSegments.projectId, lexicalSegments.id],
    }).onDelete('cascade'),
  ],
);

/** Chunks that are a question with its answer, by the question: who asks it gets the answer as it stands. */
export const questionAnswers = pgTable(
  'question_answers',
  {
    projectId: uuid('project_id').notNull(),
    chunkId: uuid('chunk_id').primaryKey(),
    /** SHA-256 of the question as it is compared. */
    questionKey: text('question_key').notNull(),
    /** Where the answer starts in the chunk (UTF-16 units). */
    answerStart: integer('answer_start').notNull(),
  },
  (table) => [
    index('question_answers_question').on(table.projectId, table.questionKey),
    foreignKey({
      name: 'question_answers_chunk_fk',
      columns: [table.projectId, table.chunkId],
      foreignColumns: [documentChunks.projectId, documentChunks.id],
    }).onDelete('cascade'),
  ],
);
