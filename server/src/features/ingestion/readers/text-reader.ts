import type { SourceOrigin } from '#db/schema/sources.js';
import { extractTypedText } from '../extract-typed-text.js';
import type { Reader } from './reader.js';

export const readText: Reader<Extract<SourceOrigin, { type: 'text' }>> = async (ctx, source, signal) => {
  const { fileKey, bytes } = source.origin;
  const body = await ctx.storage.read(fileKey);
  const extracted = await extractTypedText(ctx, { body, bytes, owner: source.projectId }, signal);
  return { key: 'content', title: source.name, url: null, extracted };
};
