import {
  boolean,
  doublePrecision,
  index,
  integer,
  jsonb,
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

/** How passages are found. What is not named has its default: `features/projects/options.ts`. */
export interface RetrievalOptions {
  /** `convex`: a weighted sum of scores; `rrf`: reciprocal ranks. */
  fusion: 'convex' | 'rrf';
  /** Weight of meaning against words, 0 to 1. */
  semanticWeight: number;
  /** Questions that lean on the ones before: rewritten by the mini model where there is one, else by rules. */
  followUps: 'auto' | 'rules' | 'off';
  /** Other wordings of a question, or an imagined answer, searched for as well; needs a model. */
  expansion: 'off' | 'multi_query' | 'hyde';
  /** Who puts the candidates into their last order: nobody, a `/rerank` endpoint, or the mini model. */
  rerank: 'off' | 'endpoint' | 'model';
  /** Questions in a language that the project does not hold: translated where there is a model. */
  translate: 'auto' | 'off';
}

/** What is done with what was written and found. */
export interface AnswerOptions {
  /** Sentences that no source is found for: kept, marked as uncertain, or left out. */
  unsupported: 'keep' | 'hedge' | 'strip';
  /** Passages that give orders to a model: reported, or kept out of answers as well. */
  instructions: 'report' | 'quarantine';
  /** From which score on an answer is given: 0.4, or what the project's own sources ask for. */
  threshold: 'default' | 'calibrated';
}

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
    retrievalOptions: jsonb('retrieval_options').$type<Partial<RetrievalOptions>>().notNull().default({}),
    answerOptions: jsonb('answer_options').$type<Partial<AnswerOptions>>().notNull().default({}),
    /** The score that questions made from the sources get without the text that answers them; null: not measured. */
    calibratedScore: doublePrecision('calibrated_score'),
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
