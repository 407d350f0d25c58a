import { isUtf8 } from 'node:buffer';

import { SourceError } from '#kernel/source-error.js';

import { charsetOfMediaType, decodeText } from './decode-text.js';
import { type DomDocument, parseHtml } from './dom.js';
import type { Extractor, FileHints } from './extractor.js';
import { contentOf } from './html-article.js';
import { titleOf } from './html-title.js';
import { removeUnseen } from './html-unseen.js';
import { normalizeText } from './normalize-text.js';

const CHARSET_WINDOW_BYTES = 4_096;
/** What servers say of every page because nobody told them otherwise; text in UTF-8 is proof of the contrary. */
const DEFAULT_CHARSETS = /^(?:iso-?8859-1|latin-?1|us-ascii|windows-1252)$/i;

/** Reads a web page: its main content as Markdown, without what surrounds it and what is hidden. */
export const extractHtml: Extractor = async (bytes, hints) => {
  const { title, content } = readHtml(parseHtml(decodeHtml(bytes, hints)));
  if (content === '') {
    throw new SourceError(
      'empty',
      'The page holds no text of its own: it may be drawn by scripts in the browser. ' +
        'Add its text as a text source, or the address of a page that has the text in its HTML.',
    );
  }
  return { title, content, format: 'markdown', pages: [] };
};

export interface HtmlText {
  title: string | null;
  /** Normalised Markdown; empty when the page holds no text of its own. */
  content: string;
  /** Of text that no visitor sees, and that was left out. */
  hiddenCharacters: number;
}

/** What a parsed page says to a visitor. Takes the document apart. */
export function readHtml(page: DomDocument): HtmlText {
  const hiddenCharacters = removeUnseen(page);
  const { title, headline } = titleOf(page);
  const markdown = contentOf(page, headline);
  return {
    title,
    content: normalizeText(markdown, 'markdown'),
    hiddenCharacters: hiddenCharacters + countInvisible(markdown),
  };
}

/** The markup of a page, in the charset that its server, or it itself, declares. */
export function decodeHtml(bytes: Uint8Array, hints: FileHints): string {
  const declared = charsetOfMediaType(hints.mediaType) ?? charsetOfMarkup(bytes);
  const isDefault = declared !== null && DEFAULT_CHARSETS.test(declared) && isUtf8(bytes);
  const html = decodeText(bytes, isDefault ? 'utf-8' : declared);
  // In XHTML it marks text; HTML takes it for a comment.
  return /^\s*<\?xml/.test(html.slice(0, 100)) ? withoutCdata(html) : html;
}

/** The charset that the markup declares (HTML Standard, "prescan a byte stream"), or null. */
function charsetOfMarkup(bytes: Uint8Array): string | null {
  const start = Buffer.from(bytes.subarray(0, CHARSET_WINDOW_BYTES)).toString('latin1');
  const declared =
    /<meta[^>]+charset\s*=\s*["']?\s*([\w:.-]+)/i.exec(start)?.[1] ??
    /^\s*<\?xml[^>]+encoding\s*=\s*["']([\w:.-]+)/i.exec(start)?.[1] ??
    null;
  // A declaration that could be read byte by byte is not in UTF-16, whatever it says.
  return declared !== null && /^utf-?16/i.test(declared) ? 'utf-8' : declared;
}

function withoutCdata(html: string): string {
  const [before = '', ...sections] = html.split('<![CDATA[');
  const texts = sections.map((section) => {
    const end = section.indexOf(']]>');
    if (end === -1) return section;
    const text = section.slice(0, end).replaceAll('&', '&amp;').replaceAll('<', '&lt;');
    return `${text}${section.slice(end + 3)}`;
  });
  return [before, ...texts].join('');
}

/** Characters of no width that carry text past a reader's eye: joiners between letters, tags, turned directions. */
const INVISIBLE =
  /[\u200b\u2060-\u2064\ufeff\u202d\u202e]|(?<=[\p{Script=Latin}\p{N}])[\u200c\u200d]|(?<!\u{1f3f4}[\u{e0000}-\u{e007f}]{0,8})[\u{e0000}-\u{e007f}]/gu;

function countInvisible(text: string): number {
  return text.match(INVISIBLE)?.length ?? 0;
}
