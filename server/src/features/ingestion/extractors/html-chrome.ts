import { type DomDocument, type DomElement, type DomNode, forEachChild, isElement, isText } from './dom.js';

/** Of an element that is not content. A mark rather than a set: Readability builds pages anew. */
const CHROME_ATTRIBUTE = 'data-page-chrome';
const LANDMARKS = new Set(
  'navigation search menu menubar dialog alertdialog toolbar tablist doc-toc directory'.split(' '),
);
const EDGES = new Set(['header', 'footer', 'aside']);
const EDGE_ROLES = new Set(['banner', 'contentinfo', 'complementary']);
const CONSENT =
  /(?:cookie|consent|gdpr)[-_]?(?:banner|bar|notice|popup|modal|dialog|box|wall)|onetrust|cookiebot/i;
const SKIP_LINK = /\bskip-?(?:to|link|nav|content)/i;
const MENU =
  /(?:^|[\s_-])(?:nav|navbar|navigation|menu|sidebar|sidenav|toc|tableofcontents|breadcrumbs?|pagination|pager|footer|social|share)(?:[\s_-]|$)/i;
const MENU_ELEMENTS = new Set(['div', 'section', 'ul', 'ol', 'p', 'td']);
/** A menu is links, and little beside them. */
const MIN_MENU_LINK_SHARE = 0.7;
/** A form with a larger share of the page's text wraps the page (as ASP.NET does) and is no chrome. */
const FORM_CHROME_SHARE = 0.3;

interface Amount {
  text: number;
  links: number;
  hasHeadline: boolean;
}

/** Marks what surrounds the content on every page of a site: navigation, header, footer, banners, forms. */
export function markChrome(document: DomDocument): void {
  const amounts = new Map<DomNode, Amount>();
  measure(document, amounts, false);
  const pageLength = amounts.get(document)?.text ?? 0;

  function visit(element: DomElement, isInContent: boolean): void {
    const role = element.hasAttribute('role') ? (element.getAttribute('role') ?? '') : '';
    const amount = amounts.get(element) ?? { text: 0, links: 0, hasHeadline: false };
    if (isChrome(element, { role, amount, isInContent, pageLength })) {
      element.setAttribute(CHROME_ATTRIBUTE, '');
      return;
    }
    const isContent = element.localName === 'article' || element.localName === 'main' || role === 'main';
    visitAll(element, isInContent || isContent);
  }

  function visitAll(parent: DomNode, isInContent: boolean): void {
    forEachChild(parent, (child) => {
      if (isElement(child)) visit(child, isInContent);
    });
  }

  visitAll(document, false);
}

export function isMarkedAsChrome(element: DomElement): boolean {
  return element.hasAttribute(CHROME_ATTRIBUTE);
}

interface Place {
  role: string;
  amount: Amount;
  isInContent: boolean;
  pageLength: number;
}

function isChrome(element: DomElement, { role, amount, isInContent, pageLength }: Place): boolean {
  const { localName } = element;
  if (localName === 'nav' || LANDMARKS.has(role) || element.getAttribute('aria-modal') === 'true')
    return true;
  const isEdge = EDGES.has(localName) || EDGE_ROLES.has(role);
  if (isEdge && !isInContent && !amount.hasHeadline) return true;
  if (localName === 'form') return amount.text < pageLength * FORM_CHROME_SHARE;
  if (!element.hasAttribute('class') && !element.hasAttribute('id')) return false;
  const names = `${element.getAttribute('id') ?? ''} ${element.getAttribute('class') ?? ''}`;
  if (localName === 'a') return SKIP_LINK.test(names);
  if ((localName === 'div' || localName === 'section') && CONSENT.test(names)) return true;
  const isMenu = amount.links > amount.text * MIN_MENU_LINK_SHARE && amount.links < pageLength / 2;
  return isMenu && !amount.hasHeadline && MENU_ELEMENTS.has(localName) && MENU.test(names);
}

/** The length of the text of each element, and of that in links, in one walk. */
function measure(node: DomNode, amounts: Map<DomNode, Amount>, isInLink: boolean): Amount {
  const amount: Amount = { text: 0, links: 0, hasHeadline: false };
  forEachChild(node, (child) => {
    if (isText(child)) {
      const { length } = (child.textContent ?? '').trim();
      amount.text += length;
      if (isInLink) amount.links += length;
    } else if (isElement(child)) {
      const part = measure(child, amounts, isInLink || child.localName === 'a');
      amount.text += part.text;
      amount.links += part.links;
      amount.hasHeadline ||= part.hasHeadline || child.localName === 'h1';
    }
  });
  amounts.set(node, amount);
  return amount;
}
