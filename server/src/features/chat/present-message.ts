import type { z } from 'zod';
import type { AnswerSentence, Citation, Feedback, Notice } from '#db/schema/conversations.js';
import type { ConversationRow, MessageRow } from './chat.queries.js';
import type { PresentedMessage, conversationSchema, replaySchema } from './chat.schemas.js';
import type { RAGResponse } from './generate-rag-response.js';

/** Answers that are given again or tried out, and those that are older than the metering. */
const NOT_METERED = 'not_metered';

/** A message as the API shows it. @param feedback what members see; visitors are told of none */
export function presentMessage(row: MessageRow, feedback: Feedback | null = null): PresentedMessage {
  return {
    id: row.id,
    role: row.role,
    content: row.content,
    citations: row.citations.map(presentCitation),
    sentences: presentSentences(row.sentences),
    status: row.status,
    confidence: row.confidence,
    refusal: row.refusal,
    notices: row.notices.map(presentNotice),
    feedback,
    model: row.model,
    usage: row.role === 'user' ? null : presentUsage(row),
    createdAt: row.createdAt.toISOString(),
  };
}

/** In the order that people read: `jsonb` keeps none. */
export function presentCitation(citation: Citation): PresentedMessage['citations'][number] {
  return { index: citation.index, ...presentQuote(citation) };
}

function presentQuote(
  citation: Omit<Citation, 'index'>,
): Omit<PresentedMessage['citations'][number], 'index'> {
  const { sourceId, documentId, chunkId, title, url, page, heading, quote, start, end } = citation;
  const deepLink = citation.deepLink ?? null;
  return { sourceId, documentId, chunkId, title, url, deepLink, page, heading, quote, start, end };
}

function presentSentences(sentences: AnswerSentence[] | null): PresentedMessage['sentences'] {
  return sentences?.map(({ start, end, support }) => ({ start, end, support })) ?? null;
}

function presentNotice({ code, message, quotes }: Notice): PresentedMessage['notices'][number] {
  if (quotes === undefined) return { code, message };
  return { code, message, quotes: quotes.map(presentQuote) };
}

/** An answer that no conversation holds. */
export function presentResponse(response: RAGResponse): z.infer<typeof replaySchema>['replay'] {
  const { status, content, refusal, confidence, model } = response;
  const citations = response.citations.map(presentCitation);
  const sentences = presentSentences(response.sentences);
  const notices = response.notices.map(presentNotice);
  const usage = presentUsage({ ...response, charged: false, chargeReason: null });
  return { status, content, citations, sentences, refusal, notices, confidence, model, usage };
}

/** The receipt. */
function presentUsage(
  row: Pick<MessageRow, 'inputTokens' | 'outputTokens' | 'cost' | 'currency' | 'charged' | 'chargeReason'>,
): PresentedMessage['usage'] {
  return {
    inputTokens: row.inputTokens,
    outputTokens: row.outputTokens,
    cost: row.cost,
    currency: row.currency,
    credits: row.charged ? 1 : 0,
    charged: row.charged,
    reason: row.chargeReason ?? NOT_METERED,
  };
}

export function presentConversation(row: ConversationRow): z.infer<typeof conversationSchema> {
  return { ...row, createdAt: row.createdAt.toISOString(), updatedAt: row.updatedAt.toISOString() };
}
