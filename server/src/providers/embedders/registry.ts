import { assertNever } from '#kernel/assert-never.js';
import type { Embedder } from '#platform/ports/embedder.js';

import { createOpenAICompatibleEmbedder, type OpenAICompatibleEmbedderOptions } from './openai-compatible.js';

export type EmbedderConfig =
  | { provider: 'none' }
  | ({ provider: 'openai-compatible' } & OpenAICompatibleEmbedderOptions);

/**
 * The embedder that the configuration names; null where retrieval goes by words alone. A new provider is a file,
 * a member and a case.
 */
export function createEmbedder(config: EmbedderConfig): Embedder | null {
  switch (config.provider) {
    case 'none':
      return null;
    case 'openai-compatible':
      return createOpenAICompatibleEmbedder(config);
    default:
      return assertNever(config);
  }
}
