import type { SourceOrigin } from '#db/schema/sources.js';
import type { Reader } from './reader.js';

export const readFile: Reader<Extract<SourceOrigin, { type: 'file' }>> = async (ctx, source, signal) => {
  const { fileKey, fileName, mediaType } = source.origin;
  const body = await ctx.storage.read(fileKey);
  const owner = source.projectId;
  const extracted = await ctx.extractor.extract({ body, kind: 'file', owner, fileName, mediaType }, signal);
  return { key: 'content', title: extracted.title ?? source.name, url: null, extracted };
};
