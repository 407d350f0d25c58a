import type { ServerResponse } from 'node:http';

import { z } from 'zod';

import type { FakeMessage } from './fake-answer.js';
import type { FakeOpenAIMode, FakeOpenAIOptions } from './fake-openai-options.js';
import { wordsOf } from './fake-embeddings.js';
import { sendGarbage, whenWritable } from './fake-openai-garbage.js';

const requestSchema = z.object({
  model: z.string().optional(),
  messages: z.array(z.object({ role: z.string(), content: z.string() })),
  stream: z.boolean().default(false),
  stream_options: z.object({ include_usage: z.boolean().default(false) }).optional(),
});

/** How many tokens come before the modes that fail in mid-stream do so. */
const TOKENS_BEFORE_FAILURE = 2;
const LAST_EVENTS = new Map<FakeOpenAIMode, string>([
  ['bad_json', '{"choices": [{"delta": {"content": "broken'],
  ['error_event', '{"error": {"message": "a secret", "type": "server_error", "code": 503}}'],
]);

/** Answers POST /v1/chat/completions, streamed if the request asks for it. */
export async function sendChatCompletion(
  body: Record<string, unknown>,
  response: ServerResponse,
  mode: FakeOpenAIMode,
  options: FakeOpenAIOptions,
): Promise<void> {
  const { model, messages, stream, stream_options: streamOptions } = requestSchema.parse(body);
  const text = options.reply(messages);
  const usage = countUsage(messages, text);
  const head = { id: 'chatcmpl-fake', created: 1_700_000_000, model };
  if (!stream) {
    response.writeHead(200, { 'content-type': 'application/json' });
    if (mode === 'bad_json') return void response.end('{"choices": [{"message": ');
    const message = { role: 'assistant', content: text };
    const choices = [{ index: 0, message, finish_reason: options.finishReason }];
    return void response.end(JSON.stringify({ ...head, object: 'chat.completion', choices, usage }));
  }

  if (await sendGarbage(response, mode, splitTokens(text))) return;
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' });
  response.flushHeaders();
  if (mode === 'hang_before_first_token') return;

  const chunk = (delta: object, finishReason: string | null = null) => ({
    ...head,
    object: 'chat.completion.chunk',
    choices: [{ index: 0, delta, finish_reason: finishReason }],
  });
  const send = (event: unknown) => sendEvent(response, JSON.stringify(event), mode === 'split_bytes');
  await send(chunk({ role: 'assistant', content: '' }));
  if (mode === 'null_deltas') await send(chunk({ content: null }));

  for (const [place, token] of splitTokens(text).entries()) {
    if (place === TOKENS_BEFORE_FAILURE && (await failInMidStream(response, mode))) return;
    if (options.tokenGate !== null) await options.tokenGate.pass();
    if (response.destroyed) return;
    await send(chunk({ content: token }));
    if (mode === 'null_deltas') await send({ ...head, choices: [{ index: 0, delta: null }] });
  }
  if (mode !== 'no_finish') {
    await send(chunk({}, options.finishReason));
    if (streamOptions?.include_usage === true) await send({ ...head, choices: [], usage });
    await sendEvent(response, '[DONE]', false);
  }
  response.end();
}

async function failInMidStream(response: ServerResponse, mode: FakeOpenAIMode): Promise<boolean> {
  if (mode === 'hang_between_tokens') return true;
  if (mode === 'cut') {
    response.socket?.resetAndDestroy();
    return true;
  }
  if (mode === 'closed') {
    response.socket?.end();
    return true;
  }
  const lastEvent = LAST_EVENTS.get(mode);
  if (lastEvent === undefined) return false;
  await sendEvent(response, lastEvent, false);
  response.end();
  return true;
}

/** One event of the stream; in bytes sent one by one, characters of several bytes are cut in two. */
async function sendEvent(response: ServerResponse, text: string, isSplit: boolean): Promise<void> {
  const bytes = Buffer.from(`data: ${text}\n\n`);
  const pieces = isSplit ? Array.from(bytes, (_byte, place) => bytes.subarray(place, place + 1)) : [bytes];
  for (const piece of pieces) {
    if (response.destroyed) return;
    if (!response.write(piece)) await whenWritable(response);
  }
}

/** A token is a word with the space before it; usage counts words of the prompt and tokens of the answer. */
function splitTokens(text: string): string[] {
  return text.match(/\s*\S+|\s+$/g) ?? [];
}

function countUsage(messages: readonly FakeMessage[], text: string) {
  const promptTokens = wordsOf(messages.map((message) => message.content).join(' ')).length;
  const completionTokens = splitTokens(text).length;
  return {
    prompt_tokens: promptTokens,
    completion_tokens: completionTokens,
    total_tokens: promptTokens + completionTokens,
  };
}
