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
  /** Of each chunk that is a question with its answer, by its place; unset: none is. */
  questions?: (QuestionChunk | null)[];
}

export interface QuestionChunk {
  /** SHA-256 of the question as it is compared. */
  questionKey: string;
  /** Where the answer starts in the chunk (UTF-16 units). */
  answerStart: number;
}

export type ReaderContext = Pick<Context, 'storage' | 'extractor'>;

/** Reads the document of one source. @throws SourceError with the reason */
export type Reader<Origin extends SourceOrigin> = (
  ctx: ReaderContext,
  source: { projectId: string; name: string; origin: Origin },
  signal: AbortSignal,
) => Promise<ReadDocument>;
