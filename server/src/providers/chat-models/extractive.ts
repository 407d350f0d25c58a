import type { ChatModel, ChatModelEvent, ChatModelRequest } from '#platform/ports/chat-model.js';
import { composeExtractiveAnswer } from '#rag/extractive-answer.js';

/** The built-in model that needs no key: it answers with the sentences of the passages that answer best. */
export function createExtractiveChatModel(): ChatModel {
  return {
    isBuiltin: true,
    endpoint: null,
    defaultModels: { mini: 'builtin', premium: 'builtin' },
    stream: streamExtractiveAnswer,
  };
}

async function* streamExtractiveAnswer(
  request: ChatModelRequest,
  signal: AbortSignal,
): AsyncGenerator<ChatModelEvent, void, undefined> {
  const answer = composeExtractiveAnswer(request.question, request.passages, request.language);
  for (const text of splitIntoWords(answer)) {
    signal.throwIfAborted();
    yield { type: 'delta', text };
  }
  yield { type: 'finish', reason: 'stop', usage: { inputTokens: null, outputTokens: null } };
}

/** Words with the space before them: joined, they are the text again, and no marker `[1]` is cut in two. */
function splitIntoWords(text: string): string[] {
  return text.match(/\s*\S+|\s+$/g) ?? [];
}
