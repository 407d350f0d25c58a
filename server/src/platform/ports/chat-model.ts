import type { ModelEndpoint } from './model-endpoint.js';

/** A passage as it is shown to a model: `number` is what its markers `[number]` refer to. */
interface NumberedPassage {
  number: number;
  title: string;
  heading: string | null;
  text: string;
  /** Relevance to the question, 0 to about 1. */
  score: number;
}

interface ChatModelMessage {
  role: 'system' | 'user' | 'assistant';
  content: string;
}

export interface ChatModelRequest {
  model: string;
  messages: ChatModelMessage[];
  /** The visitor's question and the passages that `messages` carry, for models that need no prompt. */
  question: string;
  passages: NumberedPassage[];
  /** ISO 639-1 code of the question's language, or `und`. */
  language: string;
  /** Null: the model's own default. */
  temperature: number | null;
  maxOutputTokens: number;
}

export type ChatModelEvent =
  | { type: 'delta'; text: string }
  | {
      type: 'finish';
      reason: 'stop' | 'length' | 'content_filter' | 'other';
      /** Tokens as the endpoint counted them; null where it does not say. */
      usage: { inputTokens: number | null; outputTokens: number | null };
    };

export interface ChatModel {
  /** Whether the model's tokens cost money, so that usage is metered. */
  readonly isBuiltin: boolean;
  /** Null for models that run in this process. */
  readonly endpoint: ModelEndpoint | null;
  /** The name of the model that serves a tier when the project names none. */
  readonly defaultModels: { mini: string; premium: string };
  /**
   * Streams one answer: any number of deltas, then one `finish`. Tries again until its first delta, never after.
   * @throws ModelError as the endpoint fails, also in mid-stream; AbortError when `signal` fires.
   */
  stream(request: ChatModelRequest, signal: AbortSignal): AsyncIterable<ChatModelEvent>;
}
