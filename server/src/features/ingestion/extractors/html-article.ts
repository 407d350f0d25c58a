import { Readability } from '@mozilla/readability';

import {
  type DomDocument,
  type DomElement,
  type DomNode,
  forEachChild,
  isElement,
  isText,
  sizeOf,
} from './dom.js';
import { isMarkedAsChrome, markChrome } from './html-chrome.js';
import { HEADING_LEVEL_ATTRIBUTE, htmlToMarkdown } from './html-to-markdown.js';

/** Readability looks for one article; where it keeps less of the page than this, it is no article. */
const MIN_ARTICLE_SHARE = 0.5;
/** Readability looks four times for what is shorter, and finds no more than there is. */
const MIN_ARTICLE_CHARACTERS = 250;
/** On a short page one paragraph is a large share, and Readability takes the wrong one as soon as another. */
const SHORT_PAGE_CHARACTERS = 600;
const MIN_SHORT_ARTICLE_SHARE = 0.8;
/** Readability takes time by the square of either: minutes, where a page is far beyond an article's size. */
const MAX_ARTICLE_ELEMENTS = 20_000;
const MAX_ARTICLE_DEPTH = 150;

/**
 * The main content of a page as Markdown: its article if it is one, else all of it but what surrounds the content.
 * Takes the document apart. `headline`: stands at the head of the article if it is not in it.
 */
export function contentOf(page: DomDocument, headline: string | null): string {
  markChrome(page);
  const body = mainOf(page);
  const bodyLength = proseLength(body);
  // Before Readability, which takes apart what it does not want.
  const all = htmlToMarkdown(body);
  const article = bodyLength < MIN_ARTICLE_CHARACTERS ? null : articleOf(page);
  const minShare = bodyLength < SHORT_PAGE_CHARACTERS ? MIN_SHORT_ARTICLE_SHARE : MIN_ARTICLE_SHARE;
  if (article === null || proseLength(article) < bodyLength * minShare) return all;
  return withHeadline(htmlToMarkdown(article), headline);
}

/** The element marked as the main content when it holds most of the page, else the whole body. */
function mainOf(page: DomDocument): DomElement {
  const body = page.querySelector('body') ?? page.documentElement;
  const main = page.querySelector('main, [role="main"]');
  return main !== null && proseLength(main) >= proseLength(body) * MIN_ARTICLE_SHARE ? main : body;
}

/** The article that Readability finds, or null. */
function articleOf(page: DomDocument): DomElement | null {
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

/** Readability drops a headline that the title repeats, though every visitor sees it. */
function withHeadline(markdown: string, headline: string | null): string {
  const isThere =
    headline === null || markdown.split('\n').some((line) => /^#+ /.test(line) && line.endsWith(headline));
  return isThere ? markdown : `# ${headline}\n\n${markdown}`;
}

/** The length of the text outside links: lists of links to other pages say nothing about this one. */
function proseLength(node: DomNode): number {
  let length = 0;
  forEachChild(node, (child) => {
    // A blank counts too, or formulas would count for nothing.
    if (isText(child)) length += (child.textContent ?? '').trim().length + 1;
    else if (isElement(child) && child.localName !== 'a' && !isMarkedAsChrome(child))
      length += proseLength(child);
  });
  return length;
}
