import { Readability } from '@mozilla/readability';

import { SourceError } from '#kernel/source-error.js';

import { charsetOfMediaType, decodeText } from './decode-text.js';
import { type DomDocument, type DomElement, inlineText, parseHtml, sizeOf } from './dom.js';
import type { Extractor } from './extractor.js';
import { removeChrome, removeUnseen } from './html-chrome.js';
import { HEADING_LEVEL_ATTRIBUTE, htmlToMarkdown } from './html-to-markdown.js';
import { normalizeText } from './normalize-text.js';

const CHARSET_WINDOW_BYTES = 4_096;
/** Readability looks for one article; where it keeps less of the page than this, it is no article. */
const MIN_ARTICLE_SHARE = 0.5;

/** Readability takes time by the square of either: minutes, where a page is far beyond an article's size. */
const MAX_ARTICLE_ELEMENTS = 20_000;
const MAX_ARTICLE_DEPTH = 150;
/** A shorter headline within the title is the name of the site. */
const MIN_HEADLINE_SHARE = 0.4;

/** Reads a web page: its main content as Markdown, without what surrounds it and what is hidden. */
export const extractHtml: Extractor = async (bytes, hints) => {
  const html = decodeText(bytes, charsetOfMediaType(hints.mediaType) ?? charsetOfMarkup(bytes));
  const page = parseHtml(html);
  removeUnseen(page);
  const title = titleOf(page);
  const headline = headlinesOf(page).find((text) => text === title) ?? null;
  const article = articleOf(html);
  removeChrome(page);
  const body = mainOf(page);
  const isArticle = article !== null && proseLength(article) >= proseLength(body) * MIN_ARTICLE_SHARE;
  const markdown = isArticle ? withHeadline(htmlToMarkdown(article), headline) : htmlToMarkdown(body);
  const content = normalizeText(markdown, 'markdown');
  if (content === '') {
    throw new SourceError(
      'empty',
      'The page holds no text of its own: it may be drawn by scripts in the browser. ' +
        'Add its text as a text source, or the address of a page that has the text in its HTML.',
    );
  }
  return { title, content, format: 'markdown', pages: [] };
};

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

/** The article that Readability finds, or null. It takes the document apart, so it gets one of its own. */
function articleOf(html: string): DomElement | null {
  const page = parseHtml(html);
  removeUnseen(page);
  const { elements, depth } = sizeOf(page);
  if (elements > MAX_ARTICLE_ELEMENTS || depth > MAX_ARTICLE_DEPTH) return null;
  // Readability makes every headline a heading of the second level.
  for (const headline of page.querySelectorAll('h1')) headline.setAttribute(HEADING_LEVEL_ATTRIBUTE, '1');
  const reader = new Readability<DomElement>(page, {
    serializer: (node) => node as never,
    // The language of a code block is the name of a class.
    keepClasses: true,
  });
  return reader.parse()?.content ?? null;
}

/** The element marked as the main content when it holds most of the page, else the whole body. */
function mainOf(page: DomDocument): DomElement {
  const body = page.querySelector('body') ?? page.documentElement;
  const main = page.querySelector('main, [role="main"]');
  return main !== null && proseLength(main) >= proseLength(body) * MIN_ARTICLE_SHARE ? main : body;
}

/** The headline that the page's title repeats, else the title as it stands, else the first headline. */
function titleOf(page: DomDocument): string | null {
  const title = textOf(page.querySelector('title')) || metaTitle(page);
  const headlines = headlinesOf(page);
  const repeated = headlines.find(
    (headline) =>
      title.startsWith(headline) ||
      (title.includes(headline) && headline.length >= title.length * MIN_HEADLINE_SHARE),
  );
  return repeated ?? (title || (headlines[0] ?? null));
}

/** Readability drops a headline that the title repeats, though every visitor sees it. */
function withHeadline(markdown: string, headline: string | null): string {
  const isThere =
    headline === null || markdown.split('\n').some((line) => /^#+ /.test(line) && line.endsWith(headline));
  return isThere ? markdown : `# ${headline}\n\n${markdown}`;
}

function headlinesOf(page: DomDocument): string[] {
  return Array.from(page.querySelectorAll('h1'), inlineText).filter((text) => text.length > 1);
}

function metaTitle(page: DomDocument): string {
  return page.querySelector('meta[property="og:title"]')?.getAttribute('content')?.trim() ?? '';
}

function textOf(element: DomElement | null): string {
  return element === null ? '' : inlineText(element);
}

/** The length of the text outside links: lists of links to other pages say nothing about this one. */
function proseLength(element: DomElement): number {
  const links = Array.from(element.querySelectorAll('a'), (link) => inlineText(link).length);
  return inlineText(element).length - links.reduce((sum, length) => sum + length, 0);
}
