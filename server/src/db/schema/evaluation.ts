import { foreignKey, index, integer, jsonb, pgEnum, pgTable, text, unique, uuid } from 'drizzle-orm/pg-core';
import { createdAt, id, updatedAt } from './columns.js';
import { projects } from './projects.js';

export const testCaseOrigin = pgEnum('test_case_origin', ['manual', 'csv', 'feedback']);
export const testExpectation = pgEnum('test_expectation', ['answer', 'refuse']);
export const evaluationStatus = pgEnum('evaluation_status', ['queued', 'running', 'complete', 'failed']);

/** Questions of which a project's owner knows what should come of them. */
export const testSets = pgTable(
  'test_sets',
  {
    id: id(),
    projectId: uuid('project_id')
      .notNull()
      .references(() => projects.id, { onDelete: 'cascade' }),
    name: text('name').notNull(),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
  },
  (table) => [unique('test_sets_project_id_unique').on(table.projectId, table.id)],
);

export const testCases = pgTable(
  'test_cases',
  {
    id: id(),
    projectId: uuid('project_id').notNull(),
    testSetId: uuid('test_set_id').notNull(),
    question: text('question').notNull(),
    expectation: testExpectation('expectation').notNull(),
    /** The source that holds the answer; it may be gone. */
    expectedSourceId: uuid('expected_source_id'),
    /** A text that a passage found must hold. */
    expectedText: text('expected_text'),
    origin: testCaseOrigin('origin').notNull(),
    /** The answer that was rated down. */
    messageId: uuid('message_id'),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
  },
  (table) => [
    unique('test_cases_project_id_unique').on(table.projectId, table.id),
    index('test_cases_set').on(table.projectId, table.testSetId, table.id),
    foreignKey({
      name: 'test_cases_set_fk',
      columns: [table.projectId, table.testSetId],
      foreignColumns: [testSets.projectId, testSets.id],
    }).onDelete('cascade'),
  ],
);

/** A test set run with one or two settings. */
export const evaluationRuns = pgTable(
  'evaluation_runs',
  {
    id: id(),
    projectId: uuid('project_id').notNull(),
    testSetId: uuid('test_set_id').notNull(),
    status: evaluationStatus('status').notNull().default('queued'),
    /** One or two: each names what differs from the project's own settings. */
    variants: jsonb('variants').$type<Record<string, unknown>[]>().notNull(),
    /** Cases times variants, and how many of them are done. */
    total: integer('total').notNull().default(0),
    done: integer('done').notNull().default(0),
    /** One for each variant, when the run is complete. */
    metrics: jsonb('metrics').$type<Record<string, unknown>[]>(),
    error: jsonb('error').$type<{ code: string; message: string }>(),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
  },
  (table) => [
    unique('evaluation_runs_project_id_unique').on(table.projectId, table.id),
    index('evaluation_runs_set').on(table.projectId, table.testSetId, table.id),
    foreignKey({
      name: 'evaluation_runs_set_fk',
      columns: [table.projectId, table.testSetId],
      foreignColumns: [testSets.projectId, testSets.id],
    }).onDelete('cascade'),
  ],
);

/** What one case gave under one variant; its question is kept, since the case may change afterwards. */
export const evaluationResults = pgTable(
  'evaluation_results',
  {
    id: id(),
    projectId: uuid('project_id').notNull(),
    runId: uuid('run_id').notNull(),
    testCaseId: uuid('test_case_id').notNull(),
    variant: integer('variant').notNull(),
    question: text('question').notNull(),
    result: jsonb('result').$type<Record<string, unknown>>().notNull(),
    createdAt: createdAt(),
  },
  (table) => [
    unique('evaluation_results_case_unique').on(
      table.projectId,
      table.runId,
      table.testCaseId,
      table.variant,
    ),
    foreignKey({
      name: 'evaluation_results_run_fk',
      columns: [table.projectId, table.runId],
      foreignColumns: [evaluationRuns.projectId, evaluationRuns.id],
    }).onDelete('cascade'),
  ],
);
