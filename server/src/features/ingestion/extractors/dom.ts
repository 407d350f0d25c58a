import { parseHTML } from 'linkedom';

import { SourceError } from '#kernel/source-error.js';

/** As deep as browsers go. Much of what follows walks the tree by recursion, or pays for each level of it. */
const MAX_DEPTH = 512;

/** The part of the DOM that the extractors use; the program does not know the browser's types. */
export interface DomNode {
  readonly nodeType: number;
  readonly nodeName: string;
  readonly childNodes: ArrayLike<DomNode> & Iterable<DomNode>;
  readonly parentNode: DomNode | null;
  readonly textContent: string | null;
}

export interface DomElement extends DomNode {
  readonly localName: string;
  readonly firstElementChild: DomElement | null;
  readonly children: ArrayLike<DomElement> & Iterable<DomElement>;
  readonly parentElement: DomElement | null;
  getAttribute(name: string): string | null;
  hasAttribute(name: string): boolean;
  setAttribute(name: string, value: string): void;
  querySelector(selector: string): DomElement | null;
  querySelectorAll(selector: string): Iterable<DomElement>;
  closest(selector: string): DomElement | null;
  matches(selector: string): boolean;
  remove(): void;
}

export interface DomDocument {
  readonly documentElement: DomElement;
  querySelector(selector: string): DomElement | null;
  querySelectorAll(selector: string): Iterable<DomElement>;
}

const ELEMENT_NODE = 1;
const TEXT_NODE = 3;

/** Tags that old pages leave open by the hundred, each inside the last; none of them is structure. */
const FORMATTING_TAGS = /<\/?(?:font|b|i|u|s|em|strong|span|big|small|tt|center|a)(?:\s[^<>]*)?>/gi;

/**
 * Parses a page or a fragment. No script runs and nothing is fetched; there is always a body.
 * @throws SourceError `malformed_file` when elements nest deeper than any browser shows.
 */
export function parseHtml(html: string): DomDocument {
  const document = parsePage(html);
  if (sizeOf(document).depth <= MAX_DEPTH) return document;
  const plainer = parsePage(html.replace(FORMATTING_TAGS, ''));
  if (sizeOf(plainer).depth <= MAX_DEPTH) return plainer;
  throw new SourceError(
    'malformed_file',
    `The elements of the page lie inside each other more than ${MAX_DEPTH} deep: its HTML is broken. ` +
      'Save the page again, or add its text as a text source.',
  );
}

function parsePage(html: string): DomDocument {
  // The parser adds no body of its own, and without one much of the DOM answers with null.
  const page = /<body[\s>]/i.test(html) ? html : `<html><head></head><body>${html}</body></html>`;
  return parseHTML(page).document;
}

/** How many elements a document holds and how deep they lie inside each other. */
export function sizeOf(document: DomDocument): { elements: number; depth: number } {
  let elements = 0;
  let depth = 0;
  for (let level = [document.documentElement]; level.length > 0; depth += 1) {
    elements += level.length;
    level = level.flatMap((element) => Array.from(element.children));
  }
  return { elements, depth };
}

export function isElement(node: DomNode): node is DomElement {
  return node.nodeType === ELEMENT_NODE;
}

/** The text of a node on one line, with blanks where blocks and line breaks separate words. */
export function inlineText(node: DomNode): string {
  return separatedText(node).replace(/\s+/g, ' ').trim();
}

const INLINE_ELEMENTS = new Set(
  (
    'a abbr acronym b bdi bdo big cite code data del dfn em font i ins kbd label mark nobr q rp rt ruby s samp ' +
    'small span strike strong sub sup time tt u var wbr'
  ).split(' '),
);

function separatedText(node: DomNode): string {
  if (node.nodeType === TEXT_NODE) return node.textContent ?? '';
  if (!isElement(node)) return '';
  const text = Array.from(node.childNodes, separatedText).join('');
  return INLINE_ELEMENTS.has(node.localName) ? text : ` ${text} `;
}
