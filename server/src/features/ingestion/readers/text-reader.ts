import { text } from 'node:stream/consumers';
import type { SourceOrigin } from '#db/schema/sources.js';
import { chunkText } from '#features/ingestion/chunk-text.js';
import { readTypedText } from '#features/ingestion/read-typed-text.js';
import type { Reader } from './reader.js';

/** Up to here a text is chunked in milliseconds; a process of its own would take longer to start. */
const SMALL_TEXT_BYTES = 64 * 1024;

export const readText: Reader<Extract<SourceOrigin, { type: 'text' }>> = async (ctx, source, signal) => {
  const { fileKey, bytes } = source.origin;
  const body = await ctx.storage.read(fileKey);
  const extracted =
    bytes <= SMALL_TEXT_BYTES
      ? chunkText(readTypedText(await text(body)))
      : await ctx.extractor.extract({ body, kind: 'text', fileName: null, mediaType: null }, signal);
  return { key: 'content', title: source.name, url: null, extracted };
};
