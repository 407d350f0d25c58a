import type { SourceOrigin } from '#db/schema/sources.js';
import type { Reader } from './reader.js';

export const readFile: Reader<Extract<SourceOrigin, { type: 'file' }>> = async (ctx, source, signal) => {
  const { fileKey, fileName, mediaType, bytes } = source.origin;
  const body = await ctx.storage.read(fileKey);
  const owner = source.projectId;
  const input = { body, bytes, kind: 'file', owner, fileName, mediaType } as const;
  const extracted = await ctx.extractor.extract(input, signal);
  return { key: 'content', title: extracted.title ?? source.name, url: null, extracted };
};
