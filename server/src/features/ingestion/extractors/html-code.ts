import { type DomElement, type DomNode, forEachChild, isElement, isText } from './dom.js';

/** Elements that generators put around a code block, with its language as a class. */
const MAX_WRAPPERS = 3;
const LANGUAGE_CLASS = /(?:^|\s)(?:lang(?:uage)?-|highlight-source-|highlight-|brush:\s*)([\w+#-]+)/;
const NO_LANGUAGES = new Set(['none', 'default', 'text', 'plaintext', 'plain', 'wrapper', 'container']);
/** Each is a line of its own in code blocks that are drawn line by line. */
const LINE_ELEMENTS = new Set(['div', 'p', 'li', 'tr']);

/** A `pre` element as a fenced code block; empty when it holds nothing. */
export function codeToMarkdown(element: DomElement): string {
  const lines: string[] = [];
  collectCode(element, lines);
  const code = lines
    .join('')
    .replace(/^\s*\n/, '')
    .trimEnd();
  if (code === '') return '';
  const runs = code.includes('```') ? Array.from(code.matchAll(/`+/g), (run) => run[0].length) : [];
  const fence = '`'.repeat(runs.reduce((longest, length) => Math.max(longest, length), 2) + 1);
  return `${fence}${codeLanguage(element)}\n${code}\n${fence}`;
}

function collectCode(node: DomNode, lines: string[]): void {
  if (isText(node)) lines.push(node.textContent ?? '');
  if (!isElement(node)) return;
  if (node.localName === 'br') lines.push('\n');
  forEachChild(node, (child) => collectCode(child, lines));
  if (LINE_ELEMENTS.has(node.localName) && lines.at(-1)?.endsWith('\n') === false) lines.push('\n');
}

function codeLanguage(element: DomElement): string {
  const inside = element.querySelector('code');
  const candidates = inside === null ? [element] : [inside, element];
  for (let wrapper = element.parentElement; wrapper !== null; wrapper = wrapper.parentElement) {
    candidates.push(wrapper);
    if (candidates.length > MAX_WRAPPERS + 1) break;
  }
  for (const candidate of candidates) {
    const language = LANGUAGE_CLASS.exec(candidate.getAttribute('class') ?? '')?.[1];
    if (language !== undefined && !NO_LANGUAGES.has(language)) return language;
  }
  return '';
}
