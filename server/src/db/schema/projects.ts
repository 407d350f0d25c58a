import { sql } from 'drizzle-orm';
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
  uniqueIndex,
  uuid,
} from 'drizzle-orm/pg-core';
import { createdAt, id, instant, updatedAt } from './columns.js';
import { planName, users } from './users.js';

export const memberRole = pgEnum('member_role', ['owner', 'editor', 'viewer']);
export const messageTier = pgEnum('message_tier', ['mini', 'premium']);
export const retrievalMode = pgEnum('retrieval_mode', ['hybrid', 'semantic', 'keyword']);

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

/** What a visitor is asked for when it leaves a way to reach it. */
export interface LeadForm {
  fields: { name: 'email' | 'phone' | 'name'; isRequired: boolean }[];
  /** What the visitor agrees to, as it is shown; null: no consent is asked for. */
  consentText: string | null;
}

/** Days after which data of a class is deleted; null or not named: as `retentionDays` says. */
export interface Retention {
  conversations: number | null;
  leads: number | null;
  traces: number | null;
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
    /** Null: no form is shown, leads are taken all the same. */
    leadForm: jsonb('lead_form').$type<LeadForm>(),
    /** Days after which what visitors left is deleted; null: never. */
    retentionDays: integer('retention_days'),
    retention: jsonb('retention').$type<Partial<Retention>>().notNull().default({}),
    /** Addresses, numbers of phones and cards are masked before a message is stored. */
    redactPersonalData: boolean('redact_personal_data').notNull().default(false),
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

export const invitationStatus = pgEnum('invitation_status', ['pending', 'accepted', 'withdrawn']);

/** An offer of a role to an address, which becomes a member by the token that was mailed to it. */
export const projectInvitations = pgTable(
  'project_invitations',
  {
    id: id(),
    projectId: uuid('project_id')
      .notNull()
      .references(() => projects.id, { onDelete: 'cascade' }),
    /** Normalised as `users.email`. */
    email: text('email').notNull(),
    role: memberRole('role').notNull(),
    tokenHash: text('token_hash').notNull(),
    status: invitationStatus('status').notNull().default('pending'),
    invitedBy: uuid('invited_by').references(() => users.id, { onDelete: 'set null' }),
    expiresAt: instant('expires_at').notNull(),
    acceptedAt: instant('accepted_at'),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
  },
  (table) => [
    uniqueIndex('project_invitations_hash_unique').on(table.tokenHash),
    uniqueIndex('project_invitations_pending_unique')
      .on(table.projectId, table.email)
      .where(sql`status = 'pending'`),
    index('project_invitations_project').on(table.projectId, table.id),
    index('project_invitations_email').on(table.email),
  ],
);
