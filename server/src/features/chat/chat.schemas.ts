import { z } from 'zod';
import { idSchema, instantSchema, listQuery, metadataSchema, text } from '#platform/http/schemas.js';

const MAX_MESSAGE_LENGTH = 8_000;
const MAX_VISITOR_FIELD_LENGTH = 300;
const MAX_TOKEN_LENGTH = 200;

export const conversationTokenSchema = text({ min: 1, max: MAX_TOKEN_LENGTH });

const visitorSchema = z.strictObject({
  id: text({ min: 1, max: MAX_VISITOR_FIELD_LENGTH }).optional(),
  email: text({ max: MAX_VISITOR_FIELD_LENGTH }).pipe(z.email()).optional(),
  phone: text({ min: 1, max: MAX_VISITOR_FIELD_LENGTH }).optional(),
  name: text({ min: 1, max: MAX_VISITOR_FIELD_LENGTH }).optional(),
  metadata: metadataSchema.optional(),
});

export const chatBody = z
  .strictObject({
    message: text({ max: MAX_MESSAGE_LENGTH }).refine((value) => value.trim() !== '', 'must not be empty'),
    conversationId: z.string().optional(),
    conversationToken: conversationTokenSchema.optional(),
    model: z.enum(['mini', 'premium']).optional(),
    stream: z.boolean().optional(),
    visitor: visitorSchema.optional(),
  })
  .meta({ id: 'Chat' });

export type ChatInput = z.infer<typeof chatBody>;

const citationSchema = z
  .object({
    index: z.int().meta({ description: '`[index]` stands in the content where the quote supports it.' }),
    sourceId: idSchema,
    documentId: idSchema,
    chunkId: idSchema,
    title: z.string(),
    url: z.string().nullable(),
    deepLink: z
      .string()
      .nullable()
      .meta({ description: 'Of a web page: `url` opened at the quote, by a text fragment.' }),
    page: z.int().nullable(),
    heading: z.string().nullable(),
    quote: z.string().meta({ description: 'To the letter `document.content.slice(start, end)`.' }),
    start: z.int().meta({ description: 'UTF-16 units.' }),
    end: z.int(),
  })
  .meta({ id: 'Citation' });

const noticeSchema = z.object({
  code: z.string(),
  message: z.string(),
  quotes: z
    .array(citationSchema.omit({ index: true }))
    .optional()
    .meta({
      description: 'Of `sources_differ`: the sentences that are equal but for one number or date.',
    }),
});

const answerSentenceSchema = z
  .object({
    start: z.int().meta({ description: 'In the content, in UTF-16 units, markers included.' }),
    end: z.int(),
    support: z.enum(['located', 'partly_located', 'not_located']).meta({
      description:
        'Whether the sources have a place that says this: by its words, with the same numbers and names. ' +
        '`partly_located`: the place says it otherwise, or only in part. It is where to look, not a proof.',
    }),
  })
  .meta({ id: 'AnswerSentence' });

export const messageSchema = z
  .object({
    id: idSchema,
    role: z.enum(['user', 'assistant']),
    content: z.string(),
    citations: z.array(citationSchema),
    sentences: z.array(answerSentenceSchema).nullable(),
    status: z.enum(['streaming', 'complete', 'incomplete', 'failed']),
    confidence: z.enum(['high', 'low']).nullable(),
    refusal: z.object({ reason: z.string(), suggestions: z.array(z.string()) }).nullable(),
    notices: z.array(noticeSchema),
    feedback: z
      .object({ rating: z.enum(['up', 'down']), comment: z.string().nullable(), createdAt: instantSchema })
      .nullable()
      .meta({ description: 'Members see it where they list the messages of a conversation.' }),
    model: z.string().nullable(),
    usage: z
      .object({
        inputTokens: z.int(),
        outputTokens: z.int(),
        cost: z.string().meta({ description: 'What the model’s provider charges, as a decimal.' }),
        currency: z.string(),
        credits: z.int(),
        charged: z.boolean(),
        reason: z.string(),
      })
      .nullable(),
    createdAt: instantSchema,
  })
  .meta({ id: 'Message' });

export type PresentedMessage = z.infer<typeof messageSchema>;

export const chatAnswerSchema = z
  .object({ conversationId: idSchema, conversationToken: z.string(), message: messageSchema })
  .meta({ id: 'ChatAnswer' });

export type ChatAnswer = z.infer<typeof chatAnswerSchema>;

export const conversationSchema = z
  .object({
    id: idSchema,
    projectId: idSchema,
    userId: idSchema.nullable(),
    visitorId: z.string().nullable(),
    visitorEmail: z.string().nullable(),
    visitorPhone: z.string().nullable(),
    visitorName: z.string().nullable(),
    status: z.enum(['open', 'closed']),
    metadata: z.record(z.string(), z.unknown()),
    createdAt: instantSchema,
    updatedAt: instantSchema,
  })
  .meta({ id: 'Conversation' });

export const conversationWithUsageSchema = conversationSchema
  .extend({
    chargedMessages: z.int(),
    cost: z
      .string()
      .meta({ description: 'What the providers of models charge for its answers, as a decimal.' }),
    currency: z.string(),
  })
  .meta({ id: 'ConversationWithUsage' });

const MAX_SEARCH_LENGTH = 200;

export const listConversationsQuery = z.object({
  ...listQuery,
  status: z.enum(['open', 'closed']).optional(),
  q: text({ min: 1, max: MAX_SEARCH_LENGTH }).optional(),
});

export const listMessagesQuery = z.object(listQuery);

export const updateConversationBody = z
  .strictObject({ status: z.enum(['open', 'closed']) })
  .meta({ id: 'UpdateConversation' });

const MAX_COMMENT_LENGTH = 2_000;

export const feedbackBody = z
  .strictObject({
    rating: z.enum(['up', 'down']).nullable().meta({ description: '`null` takes a rating back.' }),
    comment: text({ max: MAX_COMMENT_LENGTH }).optional(),
    conversationToken: conversationTokenSchema.optional(),
  })
  .meta({ id: 'Feedback' });

export type FeedbackInput = Pick<z.infer<typeof feedbackBody>, 'rating' | 'comment'>;

const { status, content, citations, sentences, refusal, notices, confidence, model, usage } =
  messageSchema.shape;

export const replaySchema = z
  .object({
    original: messageSchema,
    replay: z.object({ status, content, citations, sentences, refusal, notices, confidence, model, usage }),
  })
  .meta({ id: 'Replay' });
