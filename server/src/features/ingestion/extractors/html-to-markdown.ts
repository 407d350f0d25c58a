import {
  type DomElement,
  type DomNode,
  forEachChild,
  inlineText,
  isElement,
  isInline,
  isText,
} from './dom.js';
import { codeToMarkdown } from './html-code.js';
import { type MarkdownWriter, createMarkdownWriter } from './html-markdown-writer.js';
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
const UNREAD = new Set(['img', 'picture', 'video', 'audio', 'title', 'head', 'script', 'style']);

/**
 * Writes an element as Markdown that keeps structure and nothing else: headings, lists, tables and code blocks
 * are marked; emphasis, links and inline code become their text, so that a quote reads as it does on the page.
 */
export function htmlToMarkdown(root: DomElement, left: ReadonlySet<DomNode> = new Set()): string {
  const writer = createMarkdownWriter();
  writeElement(root, { writer, left });
  return writer.toString();
}

interface Output {
  writer: MarkdownWriter;
  /** What is not written. */
  left: ReadonlySet<DomNode>;
}

function writeNode(node: DomNode, output: Output): void {
  if (isText(node)) output.writer.text((node.textContent ?? '').replaceAll('\u0000', ''));
  else if (isElement(node)) writeElement(node, output);
}

function writeElement(element: DomElement, output: Output): void {
  const name = element.localName;
  if (UNREAD.has(name) || output.left.has(element) || isPermalink(element)) return;
  if (name === 'br') output.writer.lineBreak();
  else if (/^h[1-6]$/.test(name)) writeHeading(element, output);
  else if (name === 'pre') writeBlock(codeToMarkdown(element), output);
  else if (name === 'ul' || name === 'ol') writeList(element, output);
  else if (name === 'li') writeItem(element, '- ', output);
  else if (name === 'table' && isDataTable(element)) writeBlock(tableToMarkdown(element), output);
  else writeChildren(element, output);
}

function writeChildren(element: DomElement, output: Output): void {
  const isBlock = BLOCKS.has(element.localName);
  const isWord = !isBlock && !isInline(element) && element.localName.includes('-');
  if (isBlock) output.writer.endBlock();
  // Elements of the page's own making may be either; a blank is right for most.
  else if (isWord) output.writer.text(' ');
  forEachChild(element, (child) => writeNode(child, output));
  if (isBlock) output.writer.endBlock();
  else if (isWord) output.writer.text(' ');
}

function writeBlock(lines: string, output: Output): void {
  if (lines !== '') output.writer.block(lines);
}

function writeHeading(element: DomElement, output: Output): void {
  for (const link of element.querySelectorAll('a')) if (isPermalink(link)) link.remove();
  const text = inlineText(element);
  const level = Number(element.getAttribute(HEADING_LEVEL_ATTRIBUTE) ?? element.localName.slice(1));
  writeBlock(text === '' ? '' : `${'#'.repeat(level)} ${text}`, output);
}

/** The `#` beside a heading that links to itself, the `↑` after a footnote. */
function isPermalink(element: DomElement): boolean {
  if (element.localName !== 'a' || element.firstChild === null) return false;
  const text = element.textContent ?? '';
  return text.length < 12 && /^[#¶§↑↩🔗]\ufe0e?$/u.test(text.trim());
}

function writeList(list: DomElement, output: Output): void {
  const start = Number.parseInt(list.getAttribute('start') ?? '1', 10);
  let number = Number.isFinite(start) ? start : 1;
  output.writer.openList();
  forEachChild(list, (child) => {
    if (!isElement(child) || child.localName !== 'li') writeNode(child, output);
    else if (list.localName === 'ul') writeItem(child, '- ', output);
    else writeItem(child, `${number++}. `, output);
  });
  output.writer.closeList();
}

function writeItem(item: DomElement, marker: string, output: Output): void {
  output.writer.openItem(marker);
  forEachChild(item, (child) => writeNode(child, output));
  output.writer.closeItem();
}
