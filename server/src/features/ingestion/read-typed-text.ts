import { SourceError } from '#kernel/source-error.js';
import type { ExtractedText } from '#platform/ports/document-extractor.js';
import { normalizeText } from './extractors/normalize-text.js';

/** A text as somebody typed it; headings, lists and code may be marked up as in Markdown. @throws SourceError `empty` */
export function readTypedText(text: string): ExtractedText {
  const content = normalizeText(text, 'markdown');
  if (content === '') throw new SourceError('empty', 'The text is empty. Send a text with words in it.');
  return { title: null, content, format: 'markdown', pages: [] };
}
