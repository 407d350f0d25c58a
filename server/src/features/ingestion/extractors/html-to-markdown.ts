import { type DomElement, type DomNode, forEachChild, inlineText, isElement, isText } from './dom.js';
import { isMarkedAsChrome } from './html-chrome.js';
import { codeToMarkdown } from './html-code.js';
import { type MarkdownWriter, createMarkdownWriter } from './html-markdown-writer.js';
import { isPermalink, removePermalinks } from './html-permalinks.js';
import { isDataTable, tableToMarkdown } from './html-tables.js';

/** The level that a heading had before it was rewritten. */
export const HEADING_LEVEL_ATTRIBUTE = 'data-heading-level';

const BLOCKS = new Set(
  (
    'address article aside blockquote body caption center dd details dialog dir div dl dt fieldset figcaption ' +
    'figure footer form frameset header hgroup hr html legend main menu nav optgroup option p search section summary ' +
    'table tbody td tfoot th thead tr'
  ).split(' '),
);
/** Stand beside each other without a blank between their tags. */
const WORDS = new Set(['label', 'button']);
const UNREAD = new Set(['img', 'picture', 'video', 'audio', 'title', 'head', 'script', 'style']);

/**
 * Writes an element as Markdown that keeps structure and nothing else: headings, lists, tables and code blocks
 * are marked; emphasis, links and inline code become their text, so that a quote reads as it does on the page.
 */
export function htmlToMarkdown(root: DomElement): string {
  const writer = createMarkdownWriter();
  writeElement(root, writer);
  return writer.toString();
}

function writeNode(node: DomNode, writer: MarkdownWriter): void {
  if (isText(node)) writer.text((node.textContent ?? '').replaceAll('\u0000', ''));
  else if (isElement(node)) writeElement(node, writer);
}

function writeElement(element: DomElement, writer: MarkdownWriter): void {
  const name = element.localName;
  if (UNREAD.has(name) || isMarkedAsChrome(element) || isPermalink(element)) return;
  if (name === 'br') writer.lineBreak();
  else if (/^h[1-6]$/.test(name)) writeHeading(element, writer);
  else if (name === 'pre') writeBlock(codeToMarkdown(element), writer);
  else if (name === 'ul' || name === 'ol') writeList(element, writer);
  else if (name === 'li') writeItem(element, '- ', writer);
  else if (name === 'table' && isDataTable(element)) writeBlock(tableToMarkdown(element), writer);
  else writeChildren(element, writer);
}

function writeChildren(element: DomElement, writer: MarkdownWriter): void {
  const isBlock = BLOCKS.has(element.localName);
  const isWord = WORDS.has(element.localName) || (!isBlock && element.localName.includes('-'));
  if (isBlock) writer.endBlock();
  // Elements of the page's own making may be either; a blank is right for most.
  else if (isWord) writer.text(' ');
  forEachChild(element, (child) => writeNode(child, writer));
  if (isBlock) writer.endBlock();
  else if (isWord) writer.text(' ');
}

function writeBlock(lines: string, writer: MarkdownWriter): void {
  if (lines !== '') writer.block(lines);
}

function writeHeading(element: DomElement, writer: MarkdownWriter): void {
  removePermalinks(element);
  const text = inlineText(element);
  const level = Number(element.getAttribute(HEADING_LEVEL_ATTRIBUTE) ?? element.localName.slice(1));
  writeBlock(text === '' ? '' : `${'#'.repeat(level)} ${text}`, writer);
}

function writeList(list: DomElement, writer: MarkdownWriter): void {
  const start = Number.parseInt(list.getAttribute('start') ?? '1', 10);
  let number = Number.isFinite(start) ? start : 1;
  writer.openList();
  forEachChild(list, (child) => {
    if (!isElement(child) || child.localName !== 'li') writeNode(child, writer);
    else if (list.localName === 'ul') writeItem(child, '- ', writer);
    else writeItem(child, `${number++}. `, writer);
  });
  writer.closeList();
}

function writeItem(item: DomElement, marker: string, writer: MarkdownWriter): void {
  writer.openItem(marker);
  forEachChild(item, (child) => writeNode(child, writer));
  writer.closeItem();
}
