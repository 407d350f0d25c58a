import type { Context } from '#platform/context.js';
import type { ExtractedDocument } from '#platform/ports/document-extractor.js';
import type { SourceOrigin } from '#db/schema/sources.js';

/** A document as its source holds it now. */
export interface ReadDocument {
  /** Names the document within its source, the same at every sync. */
  key: string;
  title: string;
  url: string | null;
  extracted: ExtractedDocument;
}

export type ReaderContext = Pick<Context, 'storage' | 'pages' | 'extractor'>;

/** Reads all documents of one source. @throws SourceError with the reason */
export type Reader<Origin extends SourceOrigin> = (
  ctx: ReaderContext,
  source: { name: string; origin: Origin },
  signal: AbortSignal,
) => Promise<ReadDocument[]>;
