import { assertNever } from '#kernel/assert-never.js';
import type { ChatModel } from '#platform/ports/chat-model.js';

import { createExtractiveChatModel } from './extractive.js';
import {
  createOpenAICompatibleChatModel,
  type OpenAICompatibleChatModelOptions,
} from './openai-compatible.js';

export type ChatModelConfig =
  | { provider: 'builtin' }
  | ({ provider: 'openai-compatible' } & OpenAICompatibleChatModelOptions);

/** The chat model that the configuration names. A new provider is a file, a member and a case. */
export function createChatModel(config: ChatModelConfig): ChatModel {
  switch (config.provider) {
    case 'builtin':
      return createExtractiveChatModel();
    case 'openai-compatible':
      return createOpenAICompatibleChatModel(config);
    default:
      return assertNever(config);
  }
}
