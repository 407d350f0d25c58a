import { Readable } from 'node:stream';
import type { SourceOrigin } from '#db/schema/sources.js';
import type { Reader } from './reader.js';

/** Reads the one page at an address. */
export const readUrl: Reader<Extract<SourceOrigin, { type: 'url' }>> = async (ctx, source, signal) => {
  const page = await ctx.pages.fetch(source.origin.url, signal);
  const extracted = await ctx.extractor.extract(
    { body: Readable.from([page.body]), kind: 'file', fileName: null, mediaType: page.mediaType },
    signal,
  );
  return [{ key: source.origin.url, title: extracted.title ?? source.name, url: page.url, extracted }];
};
