import { SourceError } from '#kernel/source-error.js';
import type { ExtractedText } from '#platform/ports/document-extractor.js';

import { detectFormat } from './detect-format.js';
import type { FileHints } from './extractor.js';
import { normalizeText } from './normalize-text.js';
import { fileFormats } from './registry.js';

const MAX_TITLE_CHARACTERS = 300;

/**
 * Reads a file of any supported format, told by its content, into normalised text.
 * Runs in the extraction process: it trusts nothing about the file and bounds neither time nor memory itself.
 * @throws SourceError with the reason, in words for the file's owner.
 */
export async function extractDocument(bytes: Uint8Array, hints: FileHints): Promise<ExtractedText> {
  const format = fileFormats[detectFormat(bytes, hints)];
  const extract = await format.load();
  const document = await extract(bytes, hints).catch((error: unknown) => {
    if (error instanceof SourceError) throw error;
    throw new SourceError(
      'malformed_file',
      `The file is damaged: it could not be read as ${format.name}. Save it again and upload the new file.`,
      { cause: error },
    );
  });
  if (document.content.trim() === '') {
    throw new SourceError(
      'empty',
      'The file holds no text. Upload one that does, or check that it was saved.',
    );
  }
  return { ...document, title: shortTitle(document.title) };
}

function shortTitle(title: string | null): string | null {
  const oneLine = normalizeText(title ?? '', 'plain').replace(/\s+/g, ' ');
  // By code points: a cut between the halves of a surrogate pair would leave text that no database takes.
  const short = Array.from(oneLine).slice(0, MAX_TITLE_CHARACTERS).join('').trim();
  return short === '' ? null : short;
}
