import { z } from 'zod';
import { idSchema, instantSchema, listQuery } from '#platform/http/schemas.js';

const share = z.number().nullable();

const metricsSchema = z.object({
  cases: z.int(),
  answered: z.int(),
  refused: z.int(),
  failed: z.int().meta({ description: 'The model did not answer: neither answered nor refused.' }),
  passRate: share.meta({
    description:
      'Share of the cases that came out as expected: refused, or answered with a citation of what was expected.',
  }),
  hitRate: share.meta({
    description:
      'Share of the cases with an expected source or text for which it is among the passages found.',
  }),
  mrr: share.meta({ description: 'Mean of 1 / the rank of the first of these passages.' }),
  citationPrecision: share.meta({
    description: 'Share of the citations in answers to these cases that are of the expected source and text.',
  }),
  refusalAccuracy: share.meta({ description: 'Share of all cases answered or refused as expected.' }),
  falseAcceptRate: share.meta({
    description: 'Share of the cases to refuse that were answered; null where the set has none.',
  }),
  answeredShare: share,
  cost: z.string(),
  currency: z.string().nullable(),
  meanLatencyMs: z.int().nullable(),
  p95LatencyMs: z.int().nullable(),
  paired: z.object({ won: z.int(), lost: z.int(), tied: z.int() }).nullable().meta({
    description: 'Against the first variant, case by case: passed here alone, there alone, or alike.',
  }),
});

export const runSchema = z
  .object({
    id: idSchema,
    projectId: idSchema,
    testSetId: idSchema,
    status: z.enum(['queued', 'running', 'complete', 'failed']),
    variants: z.array(z.record(z.string(), z.unknown())).meta({
      description: 'What each variant changes in the project’s settings.',
    }),
    progress: z.object({ done: z.int(), total: z.int() }).meta({ description: 'Cases times variants.' }),
    metrics: z
      .array(metricsSchema)
      .nullable()
      .meta({ description: 'One for each variant, once the run is complete.' }),
    error: z.object({ code: z.string(), message: z.string() }).nullable(),
    createdAt: instantSchema,
    updatedAt: instantSchema,
  })
  .meta({ id: 'EvaluationRun' });

const outcomeSchema = z.object({
  outcome: z.enum(['answered', 'refused', 'failed']),
  refusalReason: z.string().nullable(),
  isPassed: z.boolean(),
  rank: z.int().nullable().meta({ description: 'Of the first passage found that is expected, from 1.' }),
  content: z.string(),
  citations: z.array(
    z.object({
      index: z.int(),
      sourceId: idSchema,
      documentId: idSchema,
      chunkId: idSchema,
      title: z.string(),
      quote: z.string(),
      start: z.int(),
      end: z.int(),
    }),
  ),
  passages: z.array(
    z.object({
      chunkId: idSchema,
      documentId: idSchema,
      sourceId: idSchema,
      title: z.string(),
      score: z.number(),
      isExpected: z.boolean(),
    }),
  ),
  confidence: z.enum(['high', 'low']).nullable(),
  model: z.string(),
  inputTokens: z.int(),
  outputTokens: z.int(),
  cost: z.string(),
  currency: z.string(),
  latencyMs: z.int(),
});

export const caseResultSchema = z
  .object({
    testCaseId: idSchema,
    question: z.string(),
    expectation: z.enum(['answer', 'refuse']),
    expectedSourceId: idSchema.nullable(),
    expectedText: z.string().nullable(),
    isDifferent: z.boolean().meta({ description: 'The two variants came out one way and the other.' }),
    outcomes: z.array(outcomeSchema).meta({ description: 'One for each variant, side by side.' }),
  })
  .meta({ id: 'EvaluationResult' });

export const listRunsQuery = z.object(listQuery);

export const listResultsQuery = z.object({
  ...listQuery,
  different: z
    .enum(['true', 'false'])
    .optional()
    .meta({ description: '`true`: only cases that came out differently under the two variants.' }),
});
