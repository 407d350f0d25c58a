import {
  boolean,
  doublePrecision,
  index,
  integer,
  pgEnum,
  pgTable,
  primaryKey,
  text,
  uuid,
} from 'drizzle-orm/pg-core';
import { createdAt, id, updatedAt } from './columns.js';
import { users } from './users.js';

export const memberRole = pgEnum('member_role', ['owner', 'editor', 'viewer']);
export const messageTier = pgEnum('message_tier', ['mini', 'premium']);
export const retrievalMode = pgEnum('retrieval_mode', ['hybrid', 'semantic', 'keyword']);
export const planName = pgEnum('plan_name', ['free', 'pro', 'enterprise']);

/** What answers when the chat model does not: the built-in extractive answer, or the project's fallback message. */
export const modelFallback = pgEnum('model_fallback', ['extractive', 'refusal']);

export const projects = pgTable(
  'projects',
  {
    id: id(),
    ownerId: uuid('owner_id')
      .notNull()
      .references(() => users.id, { onDelete: 'cascade' }),
    name: text('name').notNull(),
    description: text('description'),
    plan: planName('plan').notNull().default('free'),
    isPublic: boolean('is_public').notNull().default(false),
    allowedOrigins: text('allowed_origins').array().notNull().default([]),
    systemPrompt: text('system_prompt'),
    modelMini: text('model_mini'),
    modelPremium: text('model_premium'),
    defaultModel: messageTier('default_model').notNull().default('mini'),
    /** Null: the model's own default. */
    temperature: doublePrecision('temperature'),
    topK: integer('top_k').notNull().default(8),
    /** Null: no threshold beyond the built-in one. */
    minScore: doublePrecision('min_score'),
    retrieval: retrievalMode('retrieval').notNull().default('hybrid'),
    fallbackMessage: text('fallback_message').notNull(),
    welcomeMessage: text('welcome_message'),
    suggestedQuestions: text('suggested_questions').array().notNull().default([]),
    /** ISO 639-1; null: told from each text. */
    language: text('language'),
    modelFallback: modelFallback('model_fallback').notNull().default('extractive'),
    /** Whose vectors searches compare with, as `model:dimensions`; null: of the configured model. */
    embeddingModel: text('embedding_model'),
    /** Rises with every change of what a search can find: results kept under an older one are void. */
    indexVersion: integer('index_version').notNull().default(0),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
  },
  (table) => [index('projects_owner').on(table.ownerId, table.id)],
);

export const projectMembers = pgTable(
  'project_members',
  {
    projectId: uuid('project_id')
      .notNull()
      .references(() => projects.id, { onDelete: 'cascade' }),
    userId: uuid('user_id')
      .notNull()
      .references(() => users.id, { onDelete: 'cascade' }),
    role: memberRole('role').notNull(),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
  },
  (table) => [
    primaryKey({ columns: [table.projectId, table.userId] }),
    index('project_members_user').on(table.userId, table.projectId),
  ],
);
