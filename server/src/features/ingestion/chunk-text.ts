import type { ExtractedDocument, ExtractedText } from '#platform/ports/document-extractor.js';
import { detectLanguage } from '#rag/analyzer/detect-language.js';
import { chunkDocument } from '#rag/chunk-document.js';

/** Works out language and chunks of a text: seconds for megabytes, so large ones are left to a process of their own. */
export function chunkText(text: ExtractedText): ExtractedDocument {
  const chunks = chunkDocument(text).map(({ start, end, page, headings, tokenCount }) => ({
    start,
    end,
    page,
    headings,
    tokenCount,
  }));
  return { ...text, language: detectLanguage(text.content), chunks };
}
