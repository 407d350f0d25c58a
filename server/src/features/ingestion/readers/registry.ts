import type { SourceOrigin } from '#db/schema/sources.js';
import { readFile } from './file-reader.js';
import type { ReadDocument, Reader, ReaderContext } from './reader.js';
import { readQuestionsAndAnswers } from './qa-reader.js';
import { readText } from './text-reader.js';

/** Websites are read page by page, each in a job of its own: see `crawler`. */
export type ReadableOrigin = Exclude<SourceOrigin, { type: 'url' }>;

type Readers = { [Type in ReadableOrigin['type']]: Reader<Extract<ReadableOrigin, { type: Type }>> };

/** One line per type of source that is read in one go. */
const READERS: Readers = {
  text: readText,
  file: readFile,
  qa: readQuestionsAndAnswers,
};

export function readSource(
  ctx: ReaderContext,
  source: { projectId: string; name: string; origin: ReadableOrigin },
  signal: AbortSignal,
): Promise<ReadDocument> {
  const read = READERS[source.origin.type] as Reader<ReadableOrigin>;
  return read(ctx, source, signal);
}
