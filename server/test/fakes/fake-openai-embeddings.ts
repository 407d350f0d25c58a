import type { ServerResponse } from 'node:http';

import { z } from 'zod';

import { embedByWords, wordsOf } from './fake-embeddings.js';
import type { FakeOpenAIMode, FakeOpenAIOptions } from './fake-openai-options.js';

const requestSchema = z.object({
  model: z.string().optional(),
  input: z.union([z.string(), z.array(z.string())]),
  dimensions: z.number().optional(),
});

interface EmbeddingItem {
  object: 'embedding';
  index: number;
  embedding: number[] | string;
}

export function asksForBase64(body: Record<string, unknown>): boolean {
  return body['encoding_format'] === 'base64';
}

/** Answers POST /v1/embeddings with vectors by words; `too_few` and the like change the right reply. */
export function sendEmbeddings(
  body: Record<string, unknown>,
  response: ServerResponse,
  mode: FakeOpenAIMode,
  options: FakeOpenAIOptions,
): void {
  const { model, input, dimensions = options.dimensions } = requestSchema.parse(body);
  const texts = typeof input === 'string' ? [input] : input;
  const isPacked = asksForBase64(body) && options.embeddingEncoding === 'as_asked';
  const items = texts.map((text, index): EmbeddingItem => {
    const vector = embedByWords(text, mode === 'wrong_dimension' ? dimensions + 1 : dimensions);
    return { object: 'embedding', index, embedding: isPacked ? encodeVector(vector, mode) : vector };
  });
  const tokens = texts.reduce((sum, text) => sum + wordsOf(text).length, 0);
  const reply = JSON.stringify({
    object: 'list',
    model,
    data: spoilItems(items, mode),
    usage: { prompt_tokens: tokens, total_tokens: tokens },
  });
  response.writeHead(200, { 'content-type': 'application/json' });
  if (mode === 'huge_reply') return sendBlanks(response);
  response.end(spoilReply(reply, mode));
}

/** As OpenAI does it: the 32-bit floats of a vector, little-endian. */
function encodeVector(vector: number[], mode: FakeOpenAIMode): string {
  if (mode === 'not_numbers') return '~'.repeat(Math.ceil((vector.length * 16) / 3));
  const bytes = Buffer.alloc(vector.length * 4);
  for (const [place, value] of vector.entries()) bytes.writeFloatLE(value, place * 4);
  if (mode === 'nan') bytes.writeFloatLE(Number.NaN, 0);
  if (mode === 'infinite') bytes.writeFloatLE(Number.POSITIVE_INFINITY, 0);
  return bytes.toString('base64');
}

function spoilItems(items: EmbeddingItem[], mode: FakeOpenAIMode): EmbeddingItem[] {
  if (mode === 'too_few') return items.slice(1);
  if (mode === 'too_many') return [...items, ...items.slice(0, 1)];
  if (mode === 'reordered') return items.toReversed();
  if (mode === 'repeated_index') return items.map((item) => ({ ...item, index: 0 }));
  return items;
}

/** Python servers write NaN as it is, which is no JSON; 1e39 is finite in 64 bits and infinite in 32. */
function spoilReply(reply: string, mode: FakeOpenAIMode): string {
  if (mode === 'nan') return reply.replace(/"embedding":\[[^,\]]+/, '"embedding":[NaN');
  if (mode === 'infinite') return reply.replace(/"embedding":\[[^,\]]+/, '"embedding":[1e39');
  if (mode === 'not_numbers') return reply.replace(/"embedding":\[[^,\]]+/, '"embedding":[null');
  if (mode === 'bad_json') return reply.slice(0, -1);
  return reply;
}

/** Blanks before a JSON value that never comes, until the client leaves. */
function sendBlanks(response: ServerResponse): void {
  const blanks = ' '.repeat(1024 * 1024);
  const send = () => {
    while (!response.destroyed && response.write(blanks));
  };
  response.on('drain', send);
  send();
}
