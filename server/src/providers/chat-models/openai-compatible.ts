import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { APICallError, InvalidResponseDataError, streamText, type FinishReason } from 'ai';

import { ModelError } from '#kernel/model-error.js';
import type { ChatModel, ChatModelEvent, ChatModelRequest } from '#platform/ports/chat-model.js';

import { startDeadline } from './deadline.js';
import { errorFromBody, errorFromNetwork, errorFromStatus, findSystemCode } from './endpoint-error.js';

export interface OpenAICompatibleChatModelOptions {
  /** Up to and with the version, such as `https://models.example/v1`. */
  baseUrl: string;
  /** Null for endpoints that ask for none. */
  apiKey: string | null;
  defaultModels: { mini: string; premium: string };
  firstTokenTimeoutMs: number;
  betweenTokensTimeoutMs: number;
  totalTimeoutMs: number;
}

type Provider = ReturnType<typeof createOpenAICompatible>;
type FinishEvent = Extract<ChatModelEvent, { type: 'finish' }>;

/** Models that reason take their limit under another name and no temperature, and answer 400 to the old ones. */
const REASONING_MODEL_PATTERN = /(^|\/)(o\d|gpt-5(?!-chat))/;
/** Media types that are surely not an event stream; a few servers label theirs with others. */
const NOT_A_STREAM_PATTERN = /^\s*(text\/html|application\/(xhtml\+xml|xml|json|problem\+json))\b/i;

/**
 * A chat model behind any endpoint that speaks the chat completions wire of OpenAI. It asks once: whoever calls
 * decides whether to ask again. Messages of its errors hold no text of the prompt, the answer or the key.
 */
export function createOpenAICompatibleChatModel(options: OpenAICompatibleChatModelOptions): ChatModel {
  const provider = createOpenAICompatible({
    name: 'openai-compatible',
    baseURL: options.baseUrl,
    ...(options.apiKey === null ? {} : { apiKey: options.apiKey }),
    includeUsage: true,
    fetch: fetchEventStream,
    transformRequestBody: adaptToModel,
  });
  return {
    isBuiltin: false,
    defaultModels: options.defaultModels,
    stream: (request, signal) => streamAnswer(provider, options, request, signal),
  };
}

async function* streamAnswer(
  provider: Provider,
  options: OpenAICompatibleChatModelOptions,
  request: ChatModelRequest,
  signal: AbortSignal,
): AsyncGenerator<ChatModelEvent, void, undefined> {
  signal.throwIfAborted();
  const deadline = startDeadline(signal, options.totalTimeoutMs, 'no complete answer');
  try {
    const answer = streamText({
      model: provider.chatModel(request.model),
      messages: request.messages,
      allowSystemInMessages: true,
      ...(request.temperature === null ? {} : { temperature: request.temperature }),
      maxOutputTokens: request.maxOutputTokens,
      maxRetries: 0,
      abortSignal: deadline.signal,
      // The default prints the error, and with it the prompt, on the console.
      onError: () => {},
    });
    deadline.startStep(options.firstTokenTimeoutMs, 'no first token');
    for await (const part of answer.fullStream) {
      if (part.type === 'error') throw part.error;
      if (part.type === 'reasoning-delta') {
        deadline.startStep(options.betweenTokensTimeoutMs, 'no further token');
      }
      if (part.type === 'text-delta') {
        // No limit runs while the consumer is busy with the token: a slow reader is not a slow model.
        deadline.endStep();
        yield { type: 'delta', text: part.text };
        deadline.startStep(options.betweenTokensTimeoutMs, 'no further token');
      }
      if (part.type === 'finish') {
        yield toFinishEvent(part.finishReason, part.totalUsage);
        return;
      }
    }
    throw new ModelError('cut', 'the answer of the model ended before its end');
  } catch (error) {
    // Whatever an abort looks like by the time it comes out of the SDK, the signal knows why.
    throw deadline.signal.aborted ? deadline.signal.reason : toModelError(error);
  } finally {
    deadline.close();
  }
}

function toFinishEvent(
  reason: FinishReason,
  usage: { inputTokens: number | undefined; outputTokens: number | undefined },
): FinishEvent {
  return {
    type: 'finish',
    reason: toFinishEventReason(reason),
    usage: { inputTokens: usage.inputTokens ?? null, outputTokens: usage.outputTokens ?? null },
  };
}

function toFinishEventReason(reason: FinishReason): FinishEvent['reason'] {
  if (reason === 'content-filter') return 'content_filter';
  if (reason === 'stop' || reason === 'length') return reason;
  return 'other';
}

/** The errors of the SDK carry the request and the reply, so none of them is kept as a cause. */
function toModelError(error: unknown): ModelError {
  if (error instanceof ModelError) return error;
  if (APICallError.isInstance(error)) {
    if (error.statusCode === undefined) return errorFromNetwork(error);
    if (error.statusCode >= 400) {
      return errorFromStatus(error.statusCode, error.responseHeaders ?? {}, error.data);
    }
    return errorAfterHeaders(error);
  }
  if (InvalidResponseDataError.isInstance(error)) return errorAfterHeaders(error);
  if (!(error instanceof Error)) return errorFromBody(error);
  if (findSystemCode(error) !== null) return errorFromNetwork(error);
  return new ModelError('bad_reply', `the reply of the model endpoint cannot be read (${error.name})`);
}

/** The reply began well: what failed is the connection, or the stream had no finish. */
function errorAfterHeaders(error: unknown): ModelError {
  const code = findSystemCode(error);
  return new ModelError('cut', `the answer of the model was cut off (${code ?? 'no finish'})`);
}

async function fetchEventStream(...input: Parameters<typeof fetch>): Promise<Response> {
  const response = await fetch(...input);
  const mediaType = response.headers.get('content-type') ?? '';
  if (!response.ok || !NOT_A_STREAM_PATTERN.test(mediaType)) return response;
  await response.body?.cancel();
  throw new ModelError('bad_reply', 'the model endpoint answered with a page instead of a stream');
}

function adaptToModel(body: Record<string, unknown>): Record<string, unknown> {
  if (!REASONING_MODEL_PATTERN.test(String(body['model']))) return body;
  const adapted: Record<string, unknown> = { ...body, max_completion_tokens: body['max_tokens'] };
  delete adapted['max_tokens'];
  delete adapted['temperature'];
  return adapted;
}
