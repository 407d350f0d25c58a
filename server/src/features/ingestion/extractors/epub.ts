import { SourceError } from '#kernel/source-error.js';

import { decodeText } from './decode-text.js';
import { parseHtml } from './dom.js';
import { refuseProtectedEpub } from './epub-encryption.js';
import { readEpubPackage } from './epub-package.js';
import type { Extractor } from './extractor.js';
import { removeUnseen } from './html-unseen.js';
import { htmlToMarkdown } from './html-to-markdown.js';
import { titleOfFirstHeading } from './markdown.js';
import { normalizeText } from './normalize-text.js';
import { openZipArchive } from './zip-archive.js';

/** HTML has no self-closing elements but these: read as HTML, `<title/>` would swallow the page. */
const SELF_CLOSED =
  /<(?!(?:area|base|br|col|embed|hr|img|input|link|meta|source|track|wbr)\b)([a-z][\w:-]*)((?:\s[^<>]*)?)\/>/gi;

/** Reads an electronic book chapter by chapter, in the order of its spine. */
export const extractEpub: Extractor = async (bytes) => {
  const archive = openZipArchive(bytes);
  const { title, chapters } = readEpubPackage(archive);
  refuseProtectedEpub(archive, chapters);
  const texts: string[] = [];
  for (const chapter of chapters) {
    const xhtml = archive.readOrNull(chapter);
    const text = xhtml === null ? '' : chapterText(xhtml);
    if (text !== '') texts.push(text);
  }
  const content = normalizeText(texts.join('\n\n'), 'markdown');
  if (content === '') {
    throw new SourceError('empty', 'The book holds no text: its pages are pictures, which are not read.');
  }
  return { title: title ?? titleOfFirstHeading(content), content, format: 'markdown', pages: [] };
};

function chapterText(xhtml: Uint8Array): string {
  const declared = /^<\?xml[^>]+encoding\s*=\s*["']([\w:.-]+)/i.exec(
    Buffer.from(xhtml.subarray(0, 200)).toString('latin1'),
  )?.[1];
  const markup = decodeText(xhtml, declared ?? null)
    .replace(/^\ufeff?\s*<\?xml[^>]*>/i, '')
    .replace(SELF_CLOSED, '<$1$2></$1>');
  const page = parseHtml(markup);
  removeUnseen(page);
  const body = page.querySelector('body');
  return body === null ? '' : htmlToMarkdown(body).trim();
}
