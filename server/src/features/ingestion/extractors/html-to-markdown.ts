import TurndownService from 'turndown';

import { type DomElement, type DomNode, inlineText, isElement } from './dom.js';
import { isDataTable, tableToMarkdown } from './html-tables.js';

/** The level that a heading had before it was rewritten. */
export const HEADING_LEVEL_ATTRIBUTE = 'data-heading-level';
const MARKER_ATTRIBUTE = 'data-list-marker';

/**
 * Writes an element as Markdown that keeps structure and nothing else: headings, lists, tables and code blocks
 * are marked; emphasis, links and inline code become their text, so that a quote reads as it does on the page.
 */
export function htmlToMarkdown(root: DomElement): string {
  markListItems(root);
  return createTurndown().turndown(root);
}

function createTurndown(): TurndownService {
  const turndown = new TurndownService({
    headingStyle: 'atx',
    codeBlockStyle: 'fenced',
    bulletListMarker: '-',
    br: '',
  });
  turndown.escape = (text) => text;
  const keepText = (content: string) => content;
  const trimmed = (content: string) => content.replace(/^\n+/, '').trimEnd();
  const asBlock = (content: string) => `\n\n${trimmed(content)}\n\n`;
  turndown
    .addRule('inline', { filter: ['em', 'i', 'strong', 'b', 'code', 'a'], replacement: keepText })
    .addRule('permalink', {
      filter: (node) => isPermalink(node),
      replacement: () => '',
    })
    .addRule('unread', { filter: ['img', 'picture', 'video', 'audio', 'title'], replacement: () => '' })
    .addRule('blockquote', { filter: 'blockquote', replacement: asBlock })
    .addRule('rule', { filter: 'hr', replacement: () => '\n\n' })
    .addRule('heading', {
      filter: ['h1', 'h2', 'h3', 'h4', 'h5', 'h6'],
      replacement: (_content, node) => heading(node),
    })
    .addRule('list', {
      filter: ['ul', 'ol'],
      replacement: (content, node) =>
        node.parentNode?.nodeName === 'LI' ? `\n${trimmed(content)}\n` : asBlock(content),
    })
    .addRule('listItem', {
      filter: 'li',
      replacement: (content, node) => listItem(content, node),
    })
    .addRule('codeBlock', {
      filter: 'pre',
      replacement: (_content, node) => codeBlock(node),
    })
    .addRule('table', {
      filter: (node) => node.nodeName === 'TABLE' && isDataTable(node),
      replacement: (_content, node) => asBlock(tableToMarkdown(node)),
    });
  return turndown;
}

function heading(element: DomElement): string {
  for (const link of element.querySelectorAll('a')) if (isPermalink(link)) link.remove();
  const text = inlineText(element);
  const level = Number(element.getAttribute(HEADING_LEVEL_ATTRIBUTE) ?? element.localName.slice(1));
  return text === '' ? '' : `\n\n${'#'.repeat(level)} ${text}\n\n`;
}

/** The `#` beside a heading that links to itself, the `↑` after a footnote. */
function isPermalink(element: DomElement): boolean {
  return element.localName === 'a' && /^[#¶§↑↩🔗]$/u.test((element.textContent ?? '').trim());
}

/** Numbers the items once: asking each for its place among its siblings is quadratic. */
function markListItems(root: DomElement): void {
  for (const list of root.querySelectorAll('ol')) {
    const start = Number.parseInt(list.getAttribute('start') ?? '1', 10);
    let number = Number.isFinite(start) ? start : 1;
    for (const child of list.children) {
      if (child.localName === 'li') child.setAttribute(MARKER_ATTRIBUTE, `${number++}. `);
    }
  }
}

function listItem(content: string, element: DomElement): string {
  const marker = element.getAttribute(MARKER_ATTRIBUTE) ?? '- ';
  const indented = content.trim().replace(/\n/g, `\n${' '.repeat(marker.length)}`);
  return indented === '' ? '' : `\n${marker}${indented}\n`;
}

function codeBlock(element: DomElement): string {
  const code = preformattedText(element).replace(/^\n+|\s+$/g, '');
  if (code === '') return '';
  const longestRun = Math.max(2, ...Array.from(code.matchAll(/`+/g), (run) => run[0].length));
  const fence = '`'.repeat(longestRun + 1);
  return `\n\n${fence}${codeLanguage(element)}\n${code}\n${fence}\n\n`;
}

function preformattedText(node: DomNode): string {
  if (!isElement(node)) return node.textContent ?? '';
  if (node.localName === 'br') return '\n';
  return Array.from(node.childNodes, preformattedText).join('');
}

function codeLanguage(element: DomElement): string {
  const classes = `${element.getAttribute('class') ?? ''} ${element.firstElementChild?.getAttribute('class') ?? ''}`;
  return /\blang(?:uage)?-([\w+#-]+)/.exec(classes)?.[1] ?? '';
}
