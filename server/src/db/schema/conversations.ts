import { sql } from 'drizzle-orm';
import {
  boolean,
  foreignKey,
  index,
  integer,
  jsonb,
  numeric,
  pgEnum,
  pgTable,
  text,
  unique,
  uuid,
} from 'drizzle-orm/pg-core';
import { createdAt, id, updatedAt } from './columns.js';
import { messageTier, projects } from './projects.js';
import { users } from './users.js';

export const conversationStatus = pgEnum('conversation_status', ['open', 'closed']);
export const messageRole = pgEnum('message_role', ['user', 'assistant']);
export const messageStatus = pgEnum('message_status', ['streaming', 'complete', 'incomplete', 'failed']);
export const messageConfidence = pgEnum('message_confidence', ['high', 'low']);

export interface Citation {
  index: number;
  sourceId: string;
  documentId: string;
  chunkId: string;
  title: string;
  url: string | null;
  /** `url` opened at the quote; missing in what was stored before there were such links. */
  deepLink?: string | null;
  page: number | null;
  heading: string | null;
  /** To the letter `document.content.slice(start, end)`, in UTF-16 units. */
  quote: string;
  start: number;
  end: number;
}

/** A sentence of an answer, in UTF-16 units of its content, and how far a quote was found for it. */
export interface AnswerSentence {
  start: number;
  end: number;
  support: 'located' | 'partly_located' | 'not_located';
}

export interface Feedback {
  rating: 'up' | 'down';
  comment: string | null;
  /** ISO 8601. */
  createdAt: string;
}

export interface Refusal {
  reason: 'no_match' | 'low_confidence' | 'still_indexing' | 'blocked' | 'unavailable';
  suggestions: string[];
}

export interface Notice {
  code: 'still_indexing' | 'lexical_only' | 'model_unavailable' | 'sources_differ' | 'instructions_found';
  message: string;
  /** Of `sources_differ`: the sentences that are equal but for a number or a date. */
  quotes?: Omit<Citation, 'index'>[];
}

/** Charged to the plan or to credits; else why it is free. */
export type ChargeReason =
  | 'plan_allowance'
  | 'add_on_credit'
  | 'builtin_model'
  | 'refused'
  | 'failed'
  | 'stopped_before_text';

export const conversations = pgTable(
  'conversations',
  {
    id: id(),
    projectId: uuid('project_id')
      .notNull()
      .references(() => projects.id, { onDelete: 'cascade' }),
    /** The member who talks; null: a visitor. */
    userId: uuid('user_id').references(() => users.id, { onDelete: 'set null' }),
    visitorId: text('visitor_id'),
    visitorEmail: text('visitor_email'),
    visitorPhone: text('visitor_phone'),
    visitorName: text('visitor_name'),
    status: conversationStatus('status').notNull().default('open'),
    metadata: jsonb('metadata').$type<Record<string, unknown>>().notNull().default({}),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
  },
  (table) => [
    unique('conversations_project_id_unique').on(table.projectId, table.id),
    index('conversations_user').on(table.userId),
  ],
);

export const messages = pgTable(
  'messages',
  {
    id: id(),
    projectId: uuid('project_id').notNull(),
    conversationId: uuid('conversation_id').notNull(),
    role: messageRole('role').notNull(),
    content: text('content').notNull(),
    status: messageStatus('status').notNull(),
    tier: messageTier('tier'),
    /** The process that writes the answer; when it dies the answer will not go on. */
    processId: uuid('process_id'),
    model: text('model'),
    confidence: messageConfidence('confidence'),
    citations: jsonb('citations').$type<Citation[]>().notNull().default([]),
    /** The content's sentences; null: they were not looked at. */
    sentences: jsonb('sentences').$type<AnswerSentence[]>(),
    feedback: jsonb('feedback').$type<Feedback>(),
    refusal: jsonb('refusal').$type<Refusal>(),
    notices: jsonb('notices').$type<Notice[]>().notNull().default([]),
    inputTokens: integer('input_tokens').notNull().default(0),
    outputTokens: integer('output_tokens').notNull().default(0),
    /** In `currency`; what the model's provider charges by the price table. */
    cost: numeric('cost', { precision: 18, scale: 9 }).notNull().default('0'),
    currency: text('currency').notNull().default('USD'),
    /** Whether it took a message of the plan or of the credits, and why or why not; null: it is not settled, or older. */
    charged: boolean('charged').notNull().default(false),
    chargeReason: text('charge_reason').$type<ChargeReason>(),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
  },
  (table) => [
    unique('messages_project_id_unique').on(table.projectId, table.id),
    index('messages_conversation').on(table.projectId, table.conversationId, table.id),
    index('messages_streaming')
      .on(table.updatedAt)
      .where(sql`status = 'streaming'`),
    foreignKey({
      name: 'messages_conversation_fk',
      columns: [table.projectId, table.conversationId],
      foreignColumns: [conversations.projectId, conversations.id],
    }).onDelete('cascade'),
  ],
);

/** How an answer came about, for those who run the project. */
export const messageTraces = pgTable(
  'message_traces',
  {
    messageId: uuid('message_id').primaryKey(),
    projectId: uuid('project_id').notNull(),
    trace: jsonb('trace').$type<Record<string, unknown>>().notNull(),
    createdAt: createdAt(),
  },
  (table) => [
    foreignKey({
      name: 'message_traces_message_fk',
      columns: [table.projectId, table.messageId],
      foreignColumns: [messages.projectId, messages.id],
    }).onDelete('cascade'),
  ],
);
