import { sql } from 'drizzle-orm';
import { index, integer, jsonb, pgEnum, pgTable, text, unique, uuid } from 'drizzle-orm/pg-core';
import type { SourceErrorReason } from '#kernel/source-error.js';
import { createdAt, id, instant, updatedAt } from './columns.js';
import { projects } from './projects.js';

export const sourceType = pgEnum('source_type', ['text', 'file', 'url']);
export const sourceStatus = pgEnum('source_status', ['queued', 'processing', 'ready', 'failed', 'cancelled']);

/** Where a source's content comes from. `fileKey` is a key of the file storage. */
export type SourceOrigin =
  | { type: 'text'; fileKey: string; bytes: number; sha256: string }
  | {
      type: 'file';
      fileKey: string;
      fileName: string | null;
      mediaType: string | null;
      bytes: number;
      sha256: string;
    }
  | { type: 'url'; url: string };

export interface SourceProgress {
  stage: 'queued' | 'reading' | 'extracting' | 'embedding' | 'indexing' | 'done';
  done: number;
  total: number;
}

export interface SourceFailure {
  code: SourceErrorReason;
  message: string;
}

export const sources = pgTable(
  'sources',
  {
    id: id(),
    projectId: uuid('project_id')
      .notNull()
      .references(() => projects.id, { onDelete: 'cascade' }),
    type: sourceType('type').notNull(),
    name: text('name').notNull(),
    origin: jsonb('origin').$type<SourceOrigin>().notNull(),
    status: sourceStatus('status').notNull().default('queued'),
    progress: jsonb('progress').$type<SourceProgress>().notNull(),
    metadata: jsonb('metadata').$type<Record<string, unknown>>().notNull().default({}),
    error: jsonb('error').$type<SourceFailure>(),
    documentCount: integer('document_count').notNull().default(0),
    chunkCount: integer('chunk_count').notNull().default(0),
    lastSyncedAt: instant('last_synced_at'),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
  },
  (table) => [
    unique('sources_project_id_unique').on(table.projectId, table.id),
    index('sources_unfinished')
      .on(table.projectId, table.status)
      .where(sql`status in ('queued', 'processing')`),
  ],
);
