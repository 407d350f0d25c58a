import { z } from 'zod';

import { ModelError } from '#kernel/model-error.js';
import type { ChatModelEvent, ChatModelRequest } from '#platform/ports/chat-model.js';
import { traceHeaders } from '#platform/tracing.js';
import { parseJson, readBoundedBytes, readBoundedText } from '#providers/resilience/bounded-body.js';

import { errorFromBody, errorFromNetwork, errorFromStatus, findSystemCode } from './endpoint-error.js';
import { readEventData } from './server-sent-events.js';

type FinishEvent = Extract<ChatModelEvent, { type: 'finish' }>;

/** `thought`: the model works on what is not shown. */
export type CompletionPart = { type: 'delta'; text: string } | { type: 'thought' } | FinishEvent;

export interface CompletionEndpoint {
  /** Up to and with the version, such as `https://models.example/v1`. */
  baseUrl: string;
  /** Null for endpoints that ask for none. */
  apiKey: string | null;
}

/** Some 60,000 tokens, each in an event of its own. */
const MAX_STREAM_BYTES = 16 * 1024 * 1024;
const MAX_ERROR_BYTES = 64 * 1024;
const MAX_TOKEN_COUNT = 2 ** 31 - 1;
/** Models that reason take their limit under another name and no temperature, and answer 400 to the old ones. */
const REASONING_MODEL_PATTERN = /(^|\/)(o\d|gpt-5(?!-chat))/;
/** Media types that are surely not an event stream; a few servers label theirs with others. */
const NOT_A_STREAM_PATTERN = /^\s*(text\/html|application\/(xhtml\+xml|xml|json|problem\+json))\b/i;
const END_OF_STREAM = '[DONE]';

const tokenCount = z.int().min(0).max(MAX_TOKEN_COUNT).nullish().catch(null);
const chunkSchema = z.object({
  error: z.unknown().optional(),
  choices: z
    .array(
      z.object({
        delta: z
          .object({
            // Some endpoints send parts, of which those with a text are shown.
            content: z.union([z.string(), z.array(z.object({ text: z.string().nullish() }))]).nullish(),
            reasoning_content: z.unknown().optional(),
            reasoning: z.unknown().optional(),
            refusal: z.unknown().optional(),
          })
          .nullish(),
        finish_reason: z.string().nullish(),
      }),
    )
    .nullish(),
  usage: z.object({ prompt_tokens: tokenCount, completion_tokens: tokenCount }).nullish().catch(null),
});

/**
 * Asks once, over the chat completions wire of OpenAI, and yields the answer as it comes, a `finish` last.
 * @throws ModelError; while `signal` fires whatever the abort makes of itself
 */
export async function* streamCompletion(
  endpoint: CompletionEndpoint,
  request: ChatModelRequest,
  signal: AbortSignal,
): AsyncGenerator<CompletionPart, void, undefined> {
  const response = await postCompletion(endpoint, request, signal);
  let reason: FinishEvent['reason'] | null = null;
  let usage: FinishEvent['usage'] = { inputTokens: null, outputTokens: null };
  let hasText = false;
  let isEnded = false;
  try {
    for await (const data of readEventData(readBoundedBytes(response, MAX_STREAM_BYTES))) {
      if (data === END_OF_STREAM) {
        // Read on to the end of the reply: a connection that is left before cannot be used again.
        if (hasText) reason ??= 'other';
        isEnded = true;
      }
      if (isEnded) continue;
      const chunk = readChunk(data);
      const choice = chunk.choices?.[0];
      if (chunk.usage) {
        usage = {
          inputTokens: chunk.usage.prompt_tokens ?? null,
          outputTokens: chunk.usage.completion_tokens ?? null,
        };
      }
      const text = textOf(choice?.delta?.content);
      if (text !== '') {
        hasText = true;
        yield { type: 'delta', text };
      } else if (choice?.delta?.reasoning_content || choice?.delta?.reasoning) {
        yield { type: 'thought' };
      }
      if (choice?.delta?.refusal) reason = 'content_filter';
      if (choice?.finish_reason) reason ??= finishReasonOf(choice.finish_reason);
    }
  } catch (error) {
    // After its finish nothing of the answer is missing, whatever becomes of the connection.
    if (reason === null) throw error instanceof ModelError ? error : cut(findSystemCode(error));
  }
  if (reason === null) throw cut(null);
  yield { type: 'finish', reason, usage };
}

async function postCompletion(
  endpoint: CompletionEndpoint,
  request: ChatModelRequest,
  signal: AbortSignal,
): Promise<Response> {
  const response = await fetch(`${endpoint.baseUrl.replace(/\/+$/, '')}/chat/completions`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'text/event-stream',
      ...traceHeaders(),
      ...(endpoint.apiKey === null ? {} : { authorization: `Bearer ${endpoint.apiKey}` }),
    },
    body: JSON.stringify(requestBody(request)),
    signal,
  }).catch((error: unknown) => {
    throw errorFromNetwork(error);
  });
  if (!response.ok) {
    // The status tells enough where its reason cannot be read.
    const body = await readBoundedText(response, MAX_ERROR_BYTES).catch(() => '');
    throw errorFromStatus(response.status, Object.fromEntries(response.headers), parseJson(body));
  }
  if (NOT_A_STREAM_PATTERN.test(response.headers.get('content-type') ?? '')) {
    await response.body?.cancel();
    throw new ModelError('bad_reply', 'the model endpoint answered with a page instead of a stream');
  }
  return response;
}

function requestBody(request: ChatModelRequest): Record<string, unknown> {
  const { model, messages, temperature, maxOutputTokens } = request;
  const body = { model, messages, stream: true, stream_options: { include_usage: true } };
  if (REASONING_MODEL_PATTERN.test(model)) return { ...body, max_completion_tokens: maxOutputTokens };
  return { ...body, max_tokens: maxOutputTokens, ...(temperature === null ? {} : { temperature }) };
}

function readChunk(data: string): z.infer<typeof chunkSchema> {
  const parsed = chunkSchema.safeParse(parseJson(data));
  if (!parsed.success) throw new ModelError('bad_reply', 'an event of the model endpoint cannot be read');
  if (parsed.data.error) throw errorFromBody(parsed.data.error);
  return parsed.data;
}

/** Without NUL, which no text in PostgreSQL can hold. */
function textOf(content: string | { text?: string | null | undefined }[] | null | undefined): string {
  if (!content) return '';
  const text = typeof content === 'string' ? content : content.map((part) => part.text ?? '').join('');
  return text.replaceAll('\u0000', '');
}

function finishReasonOf(reason: string): FinishEvent['reason'] {
  return reason === 'stop' || reason === 'length' || reason === 'content_filter' ? reason : 'other';
}

function cut(systemCode: string | null): ModelError {
  return new ModelError('cut', `the answer of the model was cut off (${systemCode ?? 'no finish'})`);
}
