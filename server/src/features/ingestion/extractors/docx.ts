import mammoth from 'mammoth';

import { SourceError } from '#kernel/source-error.js';

import { packDocxParts, readDocxParts } from './docx-parts.js';
import { inlineText, parseHtml } from './dom.js';
import type { Extractor } from './extractor.js';
import { htmlToMarkdown } from './html-to-markdown.js';
import { titleOfFirstHeading } from './markdown.js';
import { normalizeText } from './normalize-text.js';

/** Reads a Word document as Markdown: headings, lists and tables kept, pictures dropped, nothing else opened. */
export const extractDocx: Extractor = async (bytes) => {
  const { 'docProps/core.xml': core, ...parts } = readDocxParts(bytes);
  const { value: html } = await mammoth.convertToHtml(
    { buffer: packDocxParts(parts) },
    {
      externalFileAccess: false,
      includeEmbeddedStyleMap: false,
      // Pictures were not unpacked; an empty source leaves an image that the Markdown drops.
      convertImage: mammoth.images.imgElement(() => Promise.resolve({ src: '' })),
    },
  );
  const body = parseHtml(html).querySelector('body');
  const content = body === null ? '' : normalizeText(htmlToMarkdown(body), 'markdown');
  if (content === '') {
    throw new SourceError(
      'empty',
      'The Word document holds no text (pictures are not read). Upload one that holds its text as text.',
    );
  }
  return {
    title: titleOfProperties(core) ?? titleOfFirstHeading(content),
    content,
    format: 'markdown',
    pages: [],
  };
};

/** The title in the document's core properties (ECMA-376 part 2, 11), or null. */
function titleOfProperties(core: Uint8Array | undefined): string | null {
  const xml = new TextDecoder().decode(core ?? new Uint8Array());
  const markup = /<dc:title(?:\s[^>]*)?>([^<]*)<\/dc:title>/.exec(xml)?.[1] ?? '';
  const element = parseHtml(markup).querySelector('body');
  const title = element === null ? '' : inlineText(element);
  return title === '' || /^(?:untitled|document\d*|title|microsoft word)/i.test(title) ? null : title;
}
