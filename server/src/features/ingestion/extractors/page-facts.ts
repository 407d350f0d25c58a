import type { PageFacts } from '#platform/ports/document-extractor.js';
import { type DomDocument, type DomElement, type DomNode, forEachChild, isElement } from './dom.js';

const MAX_LINKS = 5_000;
const MAX_ALTERNATES = 500;
const MAX_ADDRESS_CHARACTERS = 4_096;
/** A page that stays longer than this is read before it leaves. */
const MAX_REFRESH_SECONDS = 10;
/** The names by which a page addresses us. */
const ROBOT_NAMES = new Set(['robots', 'botbase']);
const REFRESH = /^\s*(\d{1,6})(?:\.\d*)?\s*[;,]\s*(?:url\s*=\s*)?["']?\s*([^"']*)/i;

export type MarkupFacts = Omit<PageFacts, 'hiddenCharacters' | 'blocks'>;

/**
 * What a page says beside its text. Reads the whole document, menus and hidden parts too, so it comes first.
 * `url`: the address of the page.
 */
export function collectPageFacts(document: DomDocument, url: string): MarkupFacts {
  const base = resolveOrNull(document.querySelector('base[href]')?.getAttribute('href') ?? '', url) ?? url;
  const links = new Set<string>();
  const facts: MarkupFacts = {
    links: [],
    canonical: null,
    alternates: [],
    refresh: null,
    isNoindex: false,
    isNofollow: false,
  };

  function visit(node: DomNode, isFallback: boolean): void {
    forEachChild(node, (child) => {
      if (!isElement(child) || child.localName === 'template') return;
      const { localName } = child;
      if (localName === 'a' || localName === 'area') addLink(child);
      // Without scripts a page asks to be left; that is not meant for its readers.
      else if (localName === 'link' && !isFallback) readLinkElement(child, base, facts);
      else if (localName === 'meta' && !isFallback) readMeta(child, base, facts);
      visit(child, isFallback || localName === 'noscript');
    });
  }

  function addLink(element: DomElement): void {
    const href = element.getAttribute('href');
    if (href === null || links.size >= MAX_LINKS || wordsOf(element, 'rel').includes('nofollow')) return;
    const address = resolveOrNull(href, base);
    if (address !== null) links.add(address);
  }

  visit(document, false);
  return { ...facts, links: [...links] };
}

function readLinkElement(element: DomElement, base: string, facts: MarkupFacts): void {
  const address = resolveOrNull(element.getAttribute('href') ?? '', base);
  if (address === null) return;
  const rel = wordsOf(element, 'rel');
  if (rel.includes('canonical')) facts.canonical ??= address;
  const language = element.getAttribute('hreflang')?.trim() ?? '';
  if (rel.includes('alternate') && language !== '' && facts.alternates.length < MAX_ALTERNATES) {
    facts.alternates.push({ language, url: address });
  }
}

function readMeta(element: DomElement, base: string, facts: MarkupFacts): void {
  const content = element.getAttribute('content') ?? '';
  if (element.getAttribute('http-equiv')?.trim().toLowerCase() === 'refresh') {
    const [, seconds, address] = REFRESH.exec(content) ?? [];
    if (Number(seconds) <= MAX_REFRESH_SECONDS) facts.refresh ??= resolveOrNull(address ?? '', base);
  }
  if (!ROBOT_NAMES.has(element.getAttribute('name')?.trim().toLowerCase() ?? '')) return;
  const wishes = content.toLowerCase().split(/[\s,]+/);
  const isNone = wishes.includes('none');
  facts.isNoindex ||= isNone || wishes.includes('noindex');
  facts.isNofollow ||= isNone || wishes.includes('nofollow');
}

function wordsOf(element: DomElement, attribute: string): string[] {
  return (element.getAttribute(attribute) ?? '').toLowerCase().split(/\s+/);
}

/** An http(s) address without its fragment, or null for anything else. */
function resolveOrNull(href: string, base: string): string | null {
  const reference = href.trim();
  if (reference === '' || reference.length > MAX_ADDRESS_CHARACTERS || !URL.canParse(reference, base))
    return null;
  const address = new URL(reference, base);
  if (address.protocol !== 'http:' && address.protocol !== 'https:') return null;
  address.hash = '';
  return address.href;
}
