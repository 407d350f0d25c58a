import type { SourceOrigin } from '#db/schema/sources.js';
import { readFile } from './file-reader.js';
import type { ReadDocument, Reader, ReaderContext } from './reader.js';
import { readText } from './text-reader.js';
import { readUrl } from './url-reader.js';

type Readers = { [Type in SourceOrigin['type']]: Reader<Extract<SourceOrigin, { type: Type }>> };

/** One line per type of source. */
const READERS: Readers = {
  text: readText,
  file: readFile,
  url: readUrl,
};

export function readSource(
  ctx: ReaderContext,
  source: { name: string; origin: SourceOrigin },
  signal: AbortSignal,
): Promise<ReadDocument[]> {
  const read = READERS[source.origin.type] as Reader<SourceOrigin>;
  return read(ctx, source, signal);
}
