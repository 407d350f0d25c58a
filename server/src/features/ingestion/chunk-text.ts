import type { ExtractedDocument, ExtractedText, PageFacts } from '#platform/ports/document-extractor.js';
import { detectLanguage } from '#rag/analyzer/detect-language.js';
import { chunkDocument } from '#rag/chunk-document.js';

/**
 * Works out language and chunks of a text: seconds for megabytes, so large ones are left to a process of their own.
 * @param page the facts that came with the text of a web page
 */
export function chunkText(text: ExtractedText, page: PageFacts | null = null): ExtractedDocument {
  const chunks = chunkDocument(text).map((chunk) => ({
    start: chunk.start,
    end: chunk.end,
    page: chunk.page,
    headings: chunk.headings,
    tokenCount: chunk.tokenCount,
  }));
  return { ...text, language: detectLanguage(text.content), chunks, page };
}
