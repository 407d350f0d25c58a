import { getDocumentProxy } from 'unpdf';

import { SourceError } from '#kernel/source-error.js';

import type { Extractor } from './extractor.js';
import { normalizeText } from './normalize-text.js';
import { guttersOf, inReadingOrder, columnOf } from './pdf-columns.js';
import { fragmentsOf, isSameLine, joinRows, type PdfLine, type PdfTextItem, widthOf } from './pdf-lines.js';
import { continuationOf, createHyphenJoiner, type HyphenJoiner, paragraphsOf } from './pdf-paragraphs.js';
import { readBookmarks, withHeadings } from './pdf-outline.js';
import { withoutRunningLines } from './pdf-running-lines.js';
import { withTables } from './pdf-tables.js';

type PdfFile = Awaited<ReturnType<typeof getDocumentProxy>>;
type PdfPage = Awaited<ReturnType<PdfFile['getPage']>>;

/** Reads the text of a PDF: lines and paragraphs rebuilt from where the text stands, page by page. */
export const extractPdf: Extractor = async (bytes) => {
  const file = await openPdf(bytes);
  const pages: PdfLine[][] = [];
  for (let number = 1; number <= file.numPages; number += 1) {
    const page = await file.getPage(number);
    pages.push(await linesOf(page));
    page.cleanup();
  }
  const marked = withHeadings(withoutRunningLines(pages), await readBookmarks(file));
  const hasStructure = marked.some((lines) => lines.some((line) => line.isTable || line.headingLevel > 0));
  const format = hasStructure ? 'markdown' : 'plain';
  const joinHyphens = createHyphenJoiner(pages.flat());
  const textWidth = pages.map(widthOf).reduce((widest, width) => Math.max(widest, width), 0);
  const texts = marked.map((lines) => {
    const readable = hasStructure ? lines.map(withoutMarkup) : lines;
    return normalizeText(paragraphsOf(readable, textWidth, joinHyphens), format);
  });
  const document = joinPages(texts, joinHyphens);
  if (document.content === '') {
    throw new SourceError(
      'empty',
      'The PDF holds no text that can be read: it looks scanned, so it holds only images, and there is no text ' +
        'recognition (OCR) here. Run it through a program that recognises text and upload the result.',
    );
  }
  return { title: await titleOf(file), ...document, format };
};

async function openPdf(bytes: Uint8Array): Promise<PdfFile> {
  try {
    // PDF.js takes the memory that it is given for itself, and takes no Buffer: it gets a copy.
    return await getDocumentProxy(new Uint8Array(bytes), {
      verbosity: 0,
      isEvalSupported: false,
      enableXfa: false,
    });
  } catch (error) {
    if (error instanceof Error && error.name === 'PasswordException') {
      throw new SourceError(
        'encrypted',
        'The PDF is protected by a password. Save a copy without the password and upload that.',
        { cause: error },
      );
    }
    throw new SourceError(
      'malformed_file',
      'The PDF is damaged or cut short. Open it on your computer, save it again and upload the new file.',
      { cause: error },
    );
  }
}

async function linesOf(page: PdfPage): Promise<PdfLine[]> {
  const { items } = await page.getTextContent();
  const drawn = (items as (PdfTextItem | { type: string })[]).filter((item) => 'str' in item);
  const { transform } = page.getViewport({ scale: 1 });
  const fragments = fragmentsOf(drawn, transform);
  const gutters = guttersOf(fragments);
  const columns =
    gutters.length === 0
      ? [fragments]
      : [-1, 0, ...gutters.keys()].map((_, index) =>
          fragments.filter((fragment) => columnOf(fragment, gutters) === index - 1),
        );
  const ordered = inReadingOrder(columns.flatMap(withTables), gutters);
  for (const value of fragmentsOf(await fieldValuesOf(page), transform)) insertByPlace(ordered, value);
  return joinRows(ordered, (a, b) => gutters.length > 0 && columnOf(a, gutters) !== columnOf(b, gutters));
}

/** A line of text that would be taken for a heading or a fence of Markdown. */
function withoutMarkup(line: PdfLine): PdfLine {
  const isMarkup = !line.isTable && /^\s*(?:#{1,6}(?:\s|$)|`{3}|~{3}|[-=]{3,}\s*$)/.test(line.text);
  return isMarkup ? { ...line, text: `\\${line.text.trimStart()}` } : line;
}

/** Puts the value of a field behind its label on the same line, else before the first line below it. */
function insertByPlace(ordered: PdfLine[], value: PdfLine): void {
  const label = ordered.findLastIndex((line) => isSameLine(line, value) && line.left < value.left);
  const below = ordered.findIndex((line) => line.turn === value.turn && line.baseline > value.baseline);
  const place = label === -1 ? below : label + 1;
  ordered.splice(place === -1 ? ordered.length : place, 0, value);
}

/** What was filled into the form, as text at the place of its field. */
async function fieldValuesOf(page: PdfPage): Promise<PdfTextItem[]> {
  const annotations: FormField[] = await page.getAnnotations().catch(() => []);
  return annotations.flatMap((field) => {
    if (
      field.subtype !== 'Widget' ||
      field.fieldType !== 'Tx' ||
      field.hidden === true ||
      field.password === true
    ) {
      return [];
    }
    const [x = 0, y = 0, right = 0, top = 0] = field.rect ?? [];
    const size = Math.min(top - y, 10);
    if (typeof field.fieldValue !== 'string' || size <= 0) return [];
    const baseline = (y + top - size) / 2 + size * 0.2;
    const lines = field.fieldValue.split(/\r\n?|\n/);
    return lines.map((str, index) => ({
      str,
      dir: 'ltr',
      width: Math.min(right - x, str.length * size * 0.5),
      transform: [size, 0, 0, size, x, baseline - index * size],
    }));
  });
}

interface FormField {
  subtype?: string;
  fieldType?: string;
  fieldValue?: unknown;
  hidden?: boolean;
  password?: boolean;
  rect?: number[];
}

/** One text of all pages; a sentence that runs over the page's end is not broken by it. */
function joinPages(texts: readonly string[], joinHyphens: HyphenJoiner) {
  let content = '';
  const pages: { page: number; start: number }[] = [];
  for (const [index, text] of texts.entries()) {
    if (text === '') continue;
    if (content === '') content = text;
    else content = continuationOf(content, text, joinHyphens) ?? `${content}\n\n${text}`;
    pages.push({ page: index + 1, start: content.length - text.length });
  }
  return { content, pages };
}

/** The title in the file's metadata, unless a program put a file name or a placeholder there. */
async function titleOf(file: PdfFile): Promise<string | null> {
  const metadata = await file.getMetadata().catch(() => null);
  const info = metadata?.info as { Title?: unknown } | undefined;
  const title = typeof info?.Title === 'string' ? normalizeText(info.Title, 'plain') : '';
  const isFileName = /\.(?:docx?|pptx?|xlsx?|odt|rtf|pdf|tex|dvi|indd|qxd|html?|txt|md)\b/i.test(title);
  const isPlaceholder =
    /^(?:untitled|unbenannt|sans titre|document\d*|microsoft word|slide \d|book\d*|title)\b/i.test(title);
  return title.length < 3 || isFileName || isPlaceholder || !/\p{L}{2}/u.test(title) ? null : title;
}
