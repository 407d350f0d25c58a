import { SourceError } from '#kernel/source-error.js';
import type { ExtractedText, PageFacts, PageReading } from '#platform/ports/document-extractor.js';
import { detectFormat } from './detect-format.js';
import { parseHtml } from './dom.js';
import { extractDocument } from './extract-document.js';
import type { FileHints } from './extractor.js';
import { decodeHtml, readHtml } from './html.js';
import { normalizeText } from './normalize-text.js';
import { dropBoilerplate } from './page-boilerplate.js';
import { collectPageFacts } from './page-facts.js';

const MAX_BLOCKS = 2_000;
const MAX_TITLE_CHARACTERS = 300;

/**
 * Reads what an address answered with: of HTML its facts too, and the text without what recurs on its site. A page
 * without text of its own has an empty content and its facts, so that its links can be followed.
 * @throws SourceError when it cannot be read, and for any other format as `extractDocument` does.
 */
export async function extractPage(
  bytes: Uint8Array,
  hints: FileHints,
  reading: PageReading,
): Promise<{ text: ExtractedText; facts: PageFacts | null }> {
  if (detectFormat(bytes, hints) !== 'html')
    return { text: await extractDocument(bytes, hints), facts: null };
  try {
    return readPage(decodeHtml(bytes, hints), reading);
  } catch (error) {
    if (error instanceof SourceError) throw error;
    throw new SourceError(
      'malformed_file',
      'The page is damaged: it could not be read as HTML. Save it again, or add its text as a text source.',
      { cause: error },
    );
  }
}

function readPage(html: string, reading: PageReading): { text: ExtractedText; facts: PageFacts } {
  const page = parseHtml(html);
  const facts = collectPageFacts(page, reading.url);
  const { title, content, hiddenCharacters } = readHtml(page);
  const own = dropBoilerplate({ content, title, boilerplate: new Set(reading.boilerplate) });
  return {
    text: { title: shortTitle(title), content: own.content, format: 'markdown', pages: [] },
    facts: { ...facts, hiddenCharacters, blocks: own.hashes.slice(0, MAX_BLOCKS) },
  };
}

function shortTitle(title: string | null): string | null {
  const oneLine = normalizeText(title ?? '', 'plain').replace(/\s+/g, ' ');
  // By code points: a cut between the halves of a surrogate pair would leave text that no database takes.
  const short = Array.from(oneLine).slice(0, MAX_TITLE_CHARACTERS).join('').trim();
  return short === '' ? null : short;
}
