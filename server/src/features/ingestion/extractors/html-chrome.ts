import { type DomDocument, type DomElement, inlineText } from './dom.js';

/** Never text of the page, wherever it stands. */
const NEVER_SHOWN = [
  'script, style, noscript, template, svg, math annotation, iframe, object, embed, canvas',
  '[hidden], dialog:not([open]), [aria-hidden="true"], .sr-only, .visually-hidden, .screen-reader-text, .mw-editsection',
].join(', ');
const CONTROLS = 'input, select, textarea, datalist, progress, meter';
const LANDMARKS = [
  'nav, [role="navigation"], [role="search"], [role="menu"], [role="menubar"], [role="dialog"]',
  '[role="alertdialog"], [aria-modal="true"], [role="toolbar"], [role="tablist"]',
].join(', ');
const EDGES = 'header, footer, aside, [role="banner"], [role="contentinfo"], [role="complementary"]';
const CONSENT =
  /(?:cookie|consent|gdpr)[-_]?(?:banner|bar|notice|popup|modal|dialog|box|wall)|onetrust|cookiebot/i;
const HIDDEN_STYLE = /(?:^|;)\s*(?:display\s*:\s*none|visibility\s*:\s*(?:hidden|collapse))/i;
/** A form with a larger share of the page's text wraps the page (as ASP.NET does) and is no chrome. */
const FORM_CHROME_SHARE = 0.3;

/** Removes what a visitor does not see: scripts, templates, hidden elements, form controls. */
export function removeUnseen(document: DomDocument): void {
  removeAll(document.querySelectorAll(NEVER_SHOWN));
  removeAll(document.querySelectorAll(CONTROLS));
  for (const element of document.querySelectorAll('[style]')) {
    if (HIDDEN_STYLE.test(element.getAttribute('style') ?? '')) element.remove();
  }
  for (const button of document.querySelectorAll('button')) {
    // The questions of a FAQ are buttons in headings.
    if (button.closest('h1, h2, h3, h4, h5, h6, dt, summary') === null) button.remove();
  }
}

/** Removes what surrounds the content on every page of a site: navigation, header, footer, banners, forms. */
export function removeChrome(document: DomDocument): void {
  removeAll(document.querySelectorAll(LANDMARKS));
  for (const element of document.querySelectorAll(EDGES)) {
    const isPartOfContent = element.closest('article, main, [role="main"]') !== null;
    if (!isPartOfContent && element.querySelector('h1') === null) element.remove();
  }
  for (const element of document.querySelectorAll('div, section, aside')) {
    if (CONSENT.test(`${element.getAttribute('id') ?? ''} ${element.getAttribute('class') ?? ''}`))
      element.remove();
  }
  const pageLength = inlineText(document.documentElement).length;
  for (const form of document.querySelectorAll('form')) {
    if (inlineText(form).length < pageLength * FORM_CHROME_SHARE) form.remove();
  }
}

function removeAll(elements: Iterable<DomElement>): void {
  for (const element of Array.from(elements)) element.remove();
}
