import type { Context } from '#platform/context.js';
import { expectedError } from '#platform/http/expected-error.js';
import { problemOf } from '#platform/http/problem.js';
import type { StreamEvent } from '#platform/ports/live-streams.js';
import type { AnswerEvent } from './answer-message.js';
import type { MessageRow } from './chat.queries.js';
import type { ChatAnswer } from './chat.schemas.js';
import { conversationToken } from './conversation-token.js';
import { presentCitation, presentMessage } from './present-message.js';

/**
 * Numbers the events of an answer by its text, so that a stream can be resumed from the stored message alone:
 * `start` is 1, a delta is 1 plus the UTF-16 units sent up to its end, then follow `citations`, and `done` or `error`.
 */
export async function* numberEvents(
  events: AsyncIterable<AnswerEvent>,
  requestId: string,
): AsyncGenerator<StreamEvent> {
  let units = 0;
  for await (const event of events) {
    switch (event.type) {
      case 'start': {
        const { type: name, ...data } = event;
        yield { sequence: 1, name, data };
        break;
      }
      case 'delta':
        units += event.text.length;
        yield { sequence: 1 + units, name: 'delta', data: { text: event.text } };
        break;
      case 'citations':
        yield {
          sequence: 2 + units,
          name: 'citations',
          data: { citations: event.citations.map(presentCitation) },
        };
        break;
      case 'done':
        yield { sequence: 3 + units, name: 'done', data: { message: presentMessage(event.message) } };
        break;
      case 'error':
        yield { sequence: 3 + units, name: 'error', data: problemOf(expectedError(event.error), requestId) };
        break;
    }
  }
}

/** What is left of a stored answer's stream after the event `afterSequence`; nothing when it was read to its end. */
export function* replayEvents(answer: ChatAnswer, afterSequence: number): Generator<StreamEvent> {
  const { conversationId, message } = answer;
  const { id: messageId, content, citations } = message;
  const units = content.length;
  if (afterSequence < 1) {
    yield {
      sequence: 1,
      name: 'start',
      data: { conversationId, conversationToken: answer.conversationToken, messageId },
    };
  }
  const sent = Math.max(0, afterSequence - 1);
  if (sent < units) yield { sequence: 1 + units, name: 'delta', data: { text: content.slice(sent) } };
  if (afterSequence < 2 + units) yield { sequence: 2 + units, name: 'citations', data: { citations } };
  if (afterSequence < 3 + units) yield { sequence: 3 + units, name: 'done', data: { message } };
}

/**
 * Whether a reader that has seen the event `afterSequence` has more of the answer than is stored: its process died and
 * took the end with it.
 */
export function isCutShort(message: MessageRow, afterSequence: number): boolean {
  return message.status === 'failed' && afterSequence > 3 + message.content.length;
}

/** A stored answer as the JSON reply of the chat route. */
export function chatAnswerOf(ctx: Pick<Context, 'config'>, message: MessageRow): ChatAnswer {
  const { conversationId } = message;
  return {
    conversationId,
    conversationToken: conversationToken(ctx, conversationId),
    message: presentMessage(message),
  };
}
