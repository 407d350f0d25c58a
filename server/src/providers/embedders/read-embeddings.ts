import { endianness } from 'node:os';

import { z } from 'zod';

import { ModelError } from '#kernel/model-error.js';

export interface EmbeddedBatch {
  vectors: Float32Array[];
  tokens: number;
}

const BYTES_PER_NUMBER = 4;
/** The bytes on the wire are little-endian, those of a Float32Array are as the machine likes them. */
const IS_BIG_ENDIAN = endianness() === 'BE';

const replySchema = z.object({
  data: z.array(
    z.object({
      index: z.number().int().nonnegative().optional(),
      // The numbers are checked once, as they are copied: a schema for each of 400,000 of them is slow.
      embedding: z.custom<string | readonly unknown[]>(
        (value) => typeof value === 'string' || Array.isArray(value),
      ),
    }),
  ),
  usage: z
    .object({ prompt_tokens: z.number().nullish(), total_tokens: z.number().nullish() })
    .nullish()
    .catch(null),
});

/**
 * The vectors of a reply, in the order of the texts, whether they come as base64 or as numbers.
 * @param reply parsed JSON
 * @throws ModelError `bad_reply` for any number, size or value that is not as it must be
 */
export function readEmbeddings(reply: unknown, count: number, dimensions: number): EmbeddedBatch {
  const parsed = replySchema.safeParse(reply);
  if (!parsed.success)
    throw new ModelError('bad_reply', 'the reply of the embedding endpoint cannot be read');
  const { data, usage } = parsed.data;
  if (data.length !== count) throw badReply(`${data.length} vectors for ${count} texts`);

  const vectors: Float32Array[] = [];
  for (const [place, { index = place, embedding }] of data.entries()) {
    if (index >= count || vectors[index] !== undefined) throw badReply(`a wrong or repeated index ${index}`);
    vectors[index] =
      typeof embedding === 'string' ? decodeVector(embedding, dimensions) : toVector(embedding, dimensions);
  }
  // As many as texts, each at a place of its own: none is missing.
  return { vectors, tokens: usage?.prompt_tokens ?? usage?.total_tokens ?? 0 };
}

function decodeVector(text: string, dimensions: number): Float32Array {
  const told = Buffer.byteLength(text, 'base64') / BYTES_PER_NUMBER;
  if (told !== dimensions) throw badReply(`${Math.floor(told)} dimensions instead of ${dimensions}`);
  const vector = new Float32Array(dimensions);
  const bytes = Buffer.from(vector.buffer);
  // Fewer where some characters are none of base64.
  if (bytes.write(text, 'base64') !== bytes.length) throw badReply('a vector that is no base64');
  if (IS_BIG_ENDIAN) bytes.swap32();
  if (!vector.every(Number.isFinite)) throw badReply('a value that is no finite number');
  return vector;
}

function toVector(numbers: readonly unknown[], dimensions: number): Float32Array {
  if (numbers.length !== dimensions) throw badReply(`${numbers.length} dimensions instead of ${dimensions}`);
  const vector = new Float32Array(dimensions);
  for (let position = 0; position < dimensions; position += 1) {
    const value = numbers[position];
    vector[position] = typeof value === 'number' ? value : Number.NaN;
    // After the copy: what is finite in 64 bits can be infinite in 32.
    if (!Number.isFinite(vector[position])) throw badReply('a value that is no finite number');
  }
  return vector;
}

function badReply(what: string): ModelError {
  return new ModelError('bad_reply', `the embedding endpoint gave ${what}`);
}
