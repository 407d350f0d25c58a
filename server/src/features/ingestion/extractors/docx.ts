import mammoth from 'mammoth';

import { SourceError } from '#kernel/source-error.js';

import { withLinkTargets } from './docx-links.js';
import { packDocxParts, readDocxParts } from './docx-parts.js';
import { parseHtml } from './dom.js';
import type { Extractor } from './extractor.js';
import { htmlToMarkdown } from './html-to-markdown.js';
import { titleOfFirstHeading } from './markdown.js';
import { normalizeText } from './normalize-text.js';
import { readDocumentTitle } from './read-document-title.js';
import { openZipArchive } from './zip-archive.js';

/** Reads a Word document as Markdown: headings, lists, tables and links kept, pictures dropped, nothing else opened. */
export const extractDocx: Extractor = async (bytes) => {
  const archive = openZipArchive(bytes);
  const { value: html } = await mammoth.convertToHtml(
    { buffer: packDocxParts(readDocxParts(archive)) },
    {
      externalFileAccess: false,
      includeEmbeddedStyleMap: false,
      // Pictures were not unpacked; an empty source leaves an image that the Markdown drops.
      convertImage: mammoth.images.imgElement(() => Promise.resolve({ src: '' })),
    },
  );
  const body = parseHtml(withLinkTargets(html)).querySelector('body');
  const content = body === null ? '' : normalizeText(htmlToMarkdown(body), 'markdown');
  if (content === '') {
    throw new SourceError(
      'empty',
      'The Word document holds no text (pictures are not read). Upload one that holds its text as text.',
    );
  }
  return {
    title: readDocumentTitle(archive) ?? titleOfFirstHeading(content),
    content,
    format: 'markdown',
    pages: [],
  };
};
