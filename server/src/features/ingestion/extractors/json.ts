import { charsetOfMediaType, decodeText } from './decode-text.js';
import type { Extractor } from './extractor.js';
import { writeJson } from './json-to-markdown.js';
import { normalizeText } from './normalize-text.js';
import { extractPlainText, refuseBinary } from './plain-text.js';

/** Reads JSON, or one JSON value a line, as headings, labelled lines and rows; what is no JSON, as plain text. */
export const extractJson: Extractor = async (bytes, hints) => {
  const text = decodeText(bytes, charsetOfMediaType(hints.mediaType)).replace(/^\ufeff/, '');
  refuseBinary(text);
  const parsed = parseOrNull(text) ?? parseLinesOrNull(text);
  if (parsed === null) return extractPlainText(bytes, hints);
  const content = normalizeText(writeJson(parsed.value), 'markdown');
  return { title: titleOf(parsed.value), content, format: 'markdown', pages: [] };
};

function parseOrNull(text: string): { value: unknown } | null {
  try {
    return { value: JSON.parse(text) as unknown };
  } catch {
    return null;
  }
}

/** JSON Lines; a line that was cut off at the end of a log does not spoil the others. */
function parseLinesOrNull(text: string): { value: unknown } | null {
  const lines = text.split(/\r\n?|\n/).filter((line) => line.trim() !== '');
  const values = lines.flatMap((line) => {
    const parsed = parseOrNull(line);
    return parsed === null ? [] : [parsed.value];
  });
  return values.length > 0 && values.length >= lines.length - 1 ? { value: values } : null;
}

function titleOf(value: unknown): string | null {
  if (typeof value !== 'object' || value === null) return null;
  const { title } = value as { title?: unknown };
  return typeof title === 'string' ? title : null;
}
