import { text } from 'node:stream/consumers';
import { SourceError } from '#kernel/source-error.js';
import type { SourceOrigin } from '#db/schema/sources.js';
import { normalizeText } from '#features/ingestion/extractors/normalize-text.js';
import type { Reader } from './reader.js';

export const readText: Reader<Extract<SourceOrigin, { type: 'text' }>> = async (ctx, source) => {
  const content = normalizeText(await text(await ctx.storage.read(source.origin.fileKey)), 'markdown');
  if (content === '') throw new SourceError('empty', 'The text is empty. Send a text with words in it.');
  const extracted = { title: source.name, content, format: 'markdown' as const, pages: [] };
  return [{ key: 'content', title: source.name, url: null, extracted }];
};
