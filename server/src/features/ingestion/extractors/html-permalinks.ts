import type { DomElement } from './dom.js';

const MAX_CHARACTERS = 12;

/** The `#` beside a heading that links to itself, the `↑` after a footnote. */
export function isPermalink(element: DomElement): boolean {
  if (element.localName !== 'a' || element.firstChild === null) return false;
  const text = element.textContent ?? '';
  return text.length < MAX_CHARACTERS && /^[#¶§↑↩🔗]\ufe0e?$/u.test(text.trim());
}

/** Takes the permalinks out of a heading. */
export function removePermalinks(heading: DomElement): void {
  for (const link of heading.querySelectorAll('a')) if (isPermalink(link)) link.remove();
}
