import { type DomDocument, type DomElement, type DomNode, forEachChild, isElement, isText } from './dom.js';
import { parseStyleRules } from './html-style-rules.js';
import { visibilityOf } from './html-visibility.js';

/** Never text of the page, wherever it stands. */
const NEVER_TEXT = new Set(
  (
    'script style noscript template svg annotation annotation-xml iframe object embed canvas noframes ' +
    'input select textarea datalist progress meter'
  ).split(' '),
);
/** What editors and line numbers add to a text. */
const ADDED =
  /(?:^|\s)(?:mw-editsection|linenos?|linenodiv|lnt|rouge-gutter|line-numbers-rows|hljs-ln-numbers)(?:\s|$)/;
/** A button in one of these is the question of a FAQ. */
const QUESTIONS = new Set(['h1', 'h2', 'h3', 'h4', 'h5', 'h6', 'dt', 'summary']);

interface Surroundings {
  isQuestion: boolean;
  isSpeck: boolean;
  background: string | null;
}

/**
 * Removes what a visitor does not see: scripts, templates, form controls, and text that the page hides.
 * @returns the length of the hidden text in characters, blanks left out.
 */
export function removeUnseen(document: DomDocument): number {
  const rules = parseStyleRules(styleSheetsOf(document));
  let hiddenCharacters = 0;

  function visitAll(parent: DomNode, surroundings: Surroundings): void {
    forEachChild(parent, (child) => {
      if (isElement(child)) visit(child, surroundings);
      else if (surroundings.isSpeck && isText(child)) hide(child);
    });
  }

  function visit(element: DomElement, surroundings: Surroundings): void {
    const { localName } = element;
    const isLoneButton = localName === 'button' && !surroundings.isQuestion;
    if (NEVER_TEXT.has(localName) || isLoneButton || isAddition(element)) {
      element.remove();
      return;
    }
    const { isHidden, isSpeck, background } = visibilityOf(element, rules, surroundings.background);
    if (isHidden) {
      hide(element);
      return;
    }
    // What follows takes each of them for hidden.
    for (const attribute of ['hidden', 'aria-hidden']) {
      if (element.hasAttribute(attribute)) element.removeAttribute(attribute);
    }
    visitAll(element, {
      isQuestion: surroundings.isQuestion || QUESTIONS.has(localName),
      isSpeck: isSpeck ?? surroundings.isSpeck,
      background,
    });
    // What follows would take the question for a control.
    if (localName === 'button') element.replaceWith(...element.childNodes);
  }

  function hide(node: DomNode): void {
    hiddenCharacters += lengthOf(node);
    node.remove();
  }

  visitAll(document, { isQuestion: false, isSpeck: false, background: null });
  return hiddenCharacters;
}

function isAddition(element: DomElement): boolean {
  return element.hasAttribute('class') && ADDED.test(element.getAttribute('class') ?? '');
}

function lengthOf(node: DomNode): number {
  if (isText(node)) return (node.textContent ?? '').replace(/\s+/g, '').length;
  if (!isElement(node) || NEVER_TEXT.has(node.localName)) return 0;
  let length = 0;
  forEachChild(node, (child) => {
    length += lengthOf(child);
  });
  return length;
}

/** The page's own style sheets that a screen uses. */
function styleSheetsOf(document: DomDocument): string[] {
  return Array.from(document.querySelectorAll('style'))
    .filter((style) => /^(?:|all|screen)$/i.test(style.getAttribute('media')?.trim() ?? ''))
    .filter((style) => style.parentElement?.localName !== 'noscript')
    .map((style) => style.textContent ?? '');
}
