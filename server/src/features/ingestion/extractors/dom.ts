import { parseHTML } from 'linkedom';

import { SourceError } from '#kernel/source-error.js';

/** As deep as browsers go. Much of what follows walks the tree by recursion, or pays for each level of it. */
const MAX_DEPTH = 512;
/** No page that people read has as many elements and character references, and each takes a kilobyte of memory. */
const MAX_NODES = 200_000;
/** Far more than any page leaves open by mistake. */
const MAX_OPEN_TAGS = 20_000;

/** The part of the DOM that the extractors use; the program does not know the browser's types. */
export interface DomNode {
  readonly nodeType: number;
  readonly nodeName: string;
  readonly parentNode: DomNode | null;
  readonly firstChild: DomNode | null;
  readonly nextSibling: DomNode | null;
  readonly textContent: string | null;
  remove(): void;
}

export interface DomElement extends DomNode {
  readonly localName: string;
  readonly firstElementChild: DomElement | null;
  readonly children: ArrayLike<DomElement> & Iterable<DomElement>;
  readonly parentElement: DomElement | null;
  getAttribute(name: string): string | null;
  hasAttribute(name: string): boolean;
  setAttribute(name: string, value: string): void;
  removeAttribute(name: string): void;
  getAttributeNames(): Iterable<string>;
  readonly childNodes: Iterable<DomNode>;
  replaceWith(...nodes: DomNode[]): void;
  querySelector(selector: string): DomElement | null;
  querySelectorAll(selector: string): Iterable<DomElement>;
}

export interface DomDocument extends DomNode {
  readonly firstElementChild: DomElement | null;
  readonly documentElement: DomElement;
  querySelector(selector: string): DomElement | null;
  querySelectorAll(selector: string): Iterable<DomElement>;
}

const ELEMENT_NODE = 1;
const TEXT_NODE = 3;
const CDATA_SECTION_NODE = 4;
const DOCUMENT_NODE = 9;

/** Tags that old pages leave open by the hundred, each inside the last; none of them is structure. */
const FORMATTING_TAGS = /<\/?(?:font|b|i|u|s|em|strong|span|big|small|tt|center|a)(?:\s[^<>]*)?>/gi;
const CAPITAL_ATTRIBUTE = /\s[a-z-]{0,40}[A-Z][A-Za-z-]*\s{0,9}=/;
/** Where the parser begins a node: tags, and whatever might be a tag or a character reference. */
const MARKS = /<(\/?)([a-z][a-z\d-]*)|[<&]/gi;
/** Elements that are empty, or that the next one of their kind closes. */
const NEVER_CLOSED =
  /^(?:p|li|d[dt]|t[dhr]|thead|tbody|tfoot|option|optgroup|area|base|br|col|embed|hr|img|input|link|meta|param|source|track|wbr)$/i;

/**
 * Parses a page or a fragment. No script runs and nothing is fetched; there is always a body.
 * @throws SourceError `malformed_file` when elements nest deeper than any browser shows, `too_large` when there are
 * more of them than any page needs.
 */
export function parseHtml(html: string): DomDocument {
  refuseTooMuch(html);
  const document = parsePage(html);
  if (sizeOf(document).depth <= MAX_DEPTH) return document;
  const plainer = parsePage(html.replace(FORMATTING_TAGS, ''));
  if (sizeOf(plainer).depth <= MAX_DEPTH) return plainer;
  throw tooDeep();
}

function parsePage(html: string): DomDocument {
  // The parser adds no body of its own, and without one much of the DOM answers with null.
  const page = /<body[\s>]/i.test(html) ? html : `<html><head></head><body>${html}</body></html>`;
  const document: DomDocument = parseHTML(page).document;
  if (CAPITAL_ATTRIBUTE.test(html)) lowerAttributeNames(document);
  return document;
}

/** The parser leaves the names as they are written, though in HTML their case means nothing. */
function lowerAttributeNames(document: DomDocument): void {
  for (const element of document.querySelectorAll('*')) {
    for (const name of element.getAttributeNames()) {
      const lower = name.toLowerCase();
      if (lower === name) continue;
      if (!element.hasAttribute(lower)) element.setAttribute(lower, element.getAttribute(name) ?? '');
      element.removeAttribute(name);
    }
  }
}

/** The parser takes time by the square of the depth and memory by the node: what is far too much must not come to it. */
function refuseTooMuch(html: string): void {
  // Shorter than so many marks can be.
  if (html.length < MAX_OPEN_TAGS) return;
  let nodes = 0;
  let open = 0;
  for (const [, slash, name] of html.matchAll(MARKS)) {
    if (slash !== '/') nodes += 1;
    if (name !== undefined && !NEVER_CLOSED.test(name)) open = Math.max(0, open + (slash === '/' ? -1 : 1));
    if (open > MAX_OPEN_TAGS) throw tooDeep();
    if (nodes <= MAX_NODES) continue;
    throw new SourceError(
      'too_large',
      `The page has more than ${MAX_NODES} elements. Split it into several pages, or add its text as a text source.`,
    );
  }
}

function tooDeep(): SourceError {
  return new SourceError(
    'malformed_file',
    `The elements of the page lie inside each other more than ${MAX_DEPTH} deep: its HTML is broken. ` +
      'Save the page again, or add its text as a text source.',
  );
}

/** How many elements a document holds and how deep they lie inside each other. */
export function sizeOf(document: DomDocument): { elements: number; depth: number } {
  let elements = 0;
  let depth = 0;
  let level = 0;
  let node: DomNode | null = document.firstElementChild;
  // Without recursion: this is what finds the pages on which recursion would fail.
  while (node !== null) {
    if (isElement(node)) {
      elements += 1;
      depth = Math.max(depth, level + 1);
    }
    const child: DomNode | null = isElement(node) ? node.firstChild : null;
    if (child !== null) {
      level += 1;
      node = child;
      continue;
    }
    while (node !== null && node.nextSibling === null) {
      node = node.parentNode === document ? null : node.parentNode;
      level -= 1;
    }
    node = node?.nextSibling ?? null;
  }
  return { elements, depth };
}

export function isElement(node: DomNode): node is DomElement {
  return node.nodeType === ELEMENT_NODE;
}

export function isText(node: DomNode): boolean {
  return node.nodeType === TEXT_NODE || node.nodeType === CDATA_SECTION_NODE;
}

/** Calls back for each child; the child may be removed meanwhile. */
export function forEachChild(node: DomNode, visit: (child: DomNode) => void): void {
  let child = firstChildOf(node);
  while (child !== null) {
    const next: DomNode | null = child.nextSibling;
    visit(child);
    child = next;
  }
}

/** The child of a document that is its type knows nothing of its siblings. */
function firstChildOf(node: DomNode): DomNode | null {
  return node.nodeType === DOCUMENT_NODE ? (node as DomDocument).firstElementChild : node.firstChild;
}

/** The text of a node on one line, with blanks where blocks and line breaks separate words. */
export function inlineText(node: DomNode): string {
  const parts: string[] = [];
  collectText(node, parts);
  return parts.join('').replace(/\s+/g, ' ').trim();
}

const INLINE_ELEMENTS = new Set(
  (
    'a abbr acronym b bdi bdo big cite code data del dfn em font i ins kbd label mark nobr q rp rt ruby s samp ' +
    'small span strike strong sub sup time tt u var wbr'
  ).split(' '),
);

export function isInline(element: DomElement): boolean {
  return INLINE_ELEMENTS.has(element.localName);
}

function collectText(node: DomNode, parts: string[]): void {
  if (isText(node)) parts.push(node.textContent ?? '');
  if (!isElement(node)) return;
  const separator = isInline(node) ? '' : ' ';
  parts.push(separator);
  forEachChild(node, (child) => collectText(child, parts));
  parts.push(separator);
}
