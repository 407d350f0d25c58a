import { z } from 'zod';
import { idSchema, instantSchema } from '#platform/http/schemas.js';

const candidateSchema = z.object({
  rank: z.int(),
  chunkId: idSchema,
  documentId: idSchema.nullable().meta({ description: 'Null: gone before the answer was stored.' }),
  title: z.string().nullable(),
  score: z.number().meta({
    description: 'By words: BM25 over the sum of the query’s idf; by meaning: cosine similarity.',
  }),
});

const callSchema = z.object({
  step: z.enum(['rewrite', 'translation', 'wordings', 'imagined_answer', 'rerank']),
  model: z.string(),
  inputTokens: z.int(),
  outputTokens: z.int(),
  cost: z.string(),
  milliseconds: z.int(),
  failure: z.string().nullable().meta({ description: 'Why it was of no help; the answer went on without.' }),
});

const usageSchema = z.object({ inputTokens: z.int(), outputTokens: z.int(), cost: z.string() });

/** How an answer came about. */
const traceSchema = z
  .object({
    rewrite: z
      .object({ from: z.string(), to: z.string(), by: z.enum(['model', 'rules']) })
      .nullable()
      .meta({ description: 'A question that leans on earlier ones, as it was searched for.' }),
    search: z
      .object({
        query: z.string(),
        mode: z.enum(['hybrid', 'semantic', 'keyword']),
        topK: z.int(),
        options: z.record(z.string(), z.unknown()),
        cache: z.enum(['hit', 'miss', 'shared']),
        degraded: z.boolean().meta({ description: 'The search by meaning failed.' }),
        skipped: z.array(z.object({ step: z.string(), reason: z.string() })),
      })
      .nullable(),
    queries: z
      .array(
        z.object({
          kind: z.enum(['question', 'translation', 'wording', 'imagined_answer']),
          text: z.string(),
          keyword: z.array(candidateSchema).nullable(),
          semantic: z.array(candidateSchema).nullable(),
        }),
      )
      .meta({
        description: 'What was searched for, and the candidates of each retriever; null: it did not run.',
      }),
    fusion: z.object({
      method: z.enum(['convex', 'rrf']),
      semanticWeight: z.number(),
      candidates: z.array(
        candidateSchema.extend({ keyword: z.number().nullable(), semantic: z.number().nullable() }),
      ),
    }),
    rerank: z
      .object({
        by: z.enum(['endpoint', 'model']),
        before: z.array(idSchema),
        after: z.array(z.object({ chunkId: idSchema, score: z.number().nullable() })),
      })
      .nullable(),
    decision: z.object({
      relevance: z.number(),
      leastScore: z.number(),
      confidentScore: z.number(),
      minScore: z.number().nullable(),
      outcome: z.string().meta({ description: '`high`, `low`, or the reason of the refusal.' }),
    }),
    instructionChunkIds: z
      .array(idSchema)
      .meta({ description: 'Passages that were found and read like orders to a model.' }),
    context: z.array(
      z.object({
        number: z.int(),
        chunkId: idSchema,
        documentId: idSchema,
        title: z.string(),
        score: z.number(),
        start: z.int(),
        end: z.int(),
      }),
    ),
    promptHash: z
      .string()
      .nullable()
      .meta({ description: 'SHA-256 of the messages as JSON; null: no model was asked.' }),
    model: z.string(),
    calls: z.array(callSchema).meta({ description: 'What models did beside the answer.' }),
    usage: z.object({ answer: usageSchema, total: usageSchema, currency: z.string() }),
    timings: z.array(z.object({ step: z.string(), milliseconds: z.int() })),
  })
  .meta({ id: 'Trace' });

export type TracedCandidate = z.infer<typeof candidateSchema>;
export type MessageTrace = z.infer<typeof traceSchema>;

export const storedTraceSchema = z
  .object({ messageId: idSchema, createdAt: instantSchema, ...traceSchema.shape })
  .meta({ id: 'MessageTrace' });
