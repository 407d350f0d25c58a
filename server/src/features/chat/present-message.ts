import type { z } from 'zod';
import type { Citation } from '#db/schema/conversations.js';
import type { ConversationRow, MessageRow } from './chat.queries.js';
import type { PresentedMessage, conversationSchema } from './chat.schemas.js';

/** A message as the API shows it. */
export function presentMessage(row: MessageRow): PresentedMessage {
  return {
    id: row.id,
    role: row.role,
    content: row.content,
    citations: row.citations.map(presentCitation),
    sentences: row.sentences?.map(({ start, end, support }) => ({ start, end, support })) ?? null,
    status: row.status,
    confidence: row.confidence,
    refusal: row.refusal,
    notices: row.notices,
    model: row.model,
    usage: row.role === 'user' ? null : presentUsage(row),
    createdAt: row.createdAt.toISOString(),
  };
}

/** In the order that people read: `jsonb` keeps none. */
export function presentCitation(citation: Citation): PresentedMessage['citations'][number] {
  const { index, sourceId, documentId, chunkId, title, url, page, heading, quote, start, end } = citation;
  const deepLink = citation.deepLink ?? null;
  return { index, sourceId, documentId, chunkId, title, url, deepLink, page, heading, quote, start, end };
}

/** Nothing is metered yet, and the receipt says so. */
function presentUsage(row: MessageRow): PresentedMessage['usage'] {
  return {
    inputTokens: row.inputTokens,
    outputTokens: row.outputTokens,
    cost: row.cost,
    currency: row.currency,
    credits: 0,
    charged: false,
    reason: 'not_metered',
  };
}

export function presentConversation(row: ConversationRow): z.infer<typeof conversationSchema> {
  return { ...row, createdAt: row.createdAt.toISOString(), updatedAt: row.updatedAt.toISOString() };
}
