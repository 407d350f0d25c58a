import type { IncomingHttpHeaders } from 'node:http';

import type { FakeMessage } from './fake-answer.js';
import type { TokenGate } from './token-gate.js';

/**
 * What the fake does with a request. `hang`: no reply at all; `reset`: the socket breaks before a reply. The rest
 * of the first group is for every route, the others for chat or for embeddings.
 */
export type FakeOpenAIMode =
  | 'normal'
  | 'rate_limited'
  | 'server_error'
  // 503 with `Retry-After`.
  | 'overloaded'
  | 'bad_request'
  | 'unauthorized'
  | 'hang'
  | 'reset'
  | 'html'
  | 'bad_json'
  // Chat: the reply begins and then…
  | 'hang_before_first_token'
  | 'hang_between_tokens'
  | 'cut'
  | 'no_finish'
  | 'error_event'
  | 'null_deltas'
  | 'split_bytes'
  // The connection ends in the middle, without a reset.
  | 'closed'
  // Chat: streams of fake-openai-garbage.ts
  | 'empty_stream'
  | 'only_done'
  | 'done_without_finish'
  | 'error_first'
  | 'not_an_object'
  | 'wrong_types'
  | 'nul_characters'
  | 'wild_usage'
  | 'noise'
  | 'broken_utf8'
  | 'refusal'
  | 'huge_line'
  | 'endless'
  // Embeddings
  | 'wrong_dimension'
  | 'nan'
  | 'infinite'
  | 'too_few'
  | 'too_many'
  | 'not_numbers'
  | 'huge_reply'
  | 'repeated_index'
  | 'reordered';

export interface FakeOpenAIOptions {
  /** A function chooses by request; `call` counts all requests from 1, with GET /models. */
  mode: FakeOpenAIMode | ((request: RecordedRequest, call: number) => FakeOpenAIMode);
  reply: (messages: readonly FakeMessage[]) => string;
  finishReason: string;
  /** The value of the header, in seconds or as a date; null: no such header. */
  retryAfter: string | null;
  /** For models whose request names no `dimensions`. */
  dimensions: number;
  /** Embeddings: base64 where it is asked for, numbers all the same, or 400 to whoever asks for base64. */
  embeddingEncoding: 'as_asked' | 'numbers' | 'base64_refused';
  /** Before each reply to a request for embeddings. */
  delayMs: number;
  /** Holds back replies to requests for embeddings; null: they come at once. */
  replyGate: TokenGate | null;
  /** Null: tokens come as fast as they are read. */
  tokenGate: TokenGate | null;
}

export interface RecordedRequest {
  method: string;
  path: string;
  /** Of the client: the same for requests over one connection. */
  port: number | undefined;
  headers: IncomingHttpHeaders;
  /** The parsed JSON; an empty object where there was none. */
  body: Record<string, unknown>;
  /** The client left before the reply was complete. */
  aborted: boolean;
}
