import { Readable } from 'node:stream';
import { sha256Hex } from '#kernel/hash.js';
import { SourceError, type SourceErrorReason } from '#kernel/source-error.js';
import type { Context } from '#platform/context.js';
import type { ExtractedDocument, PageFacts } from '#platform/ports/document-extractor.js';
import type { FetchedPage } from '#platform/ports/page-fetcher.js';
import { isMediaUrl, normalizePageUrl } from './page-url.js';
import { readRobotsTags } from './robots-tag.js';
import type { RobotsRules } from './robots-rules.js';
import { isSimilarText, textFingerprint } from './similar-text.js';

const HTML = /^\s*(?:text\/html|application\/xhtml\+xml)\b/i;
/** Rises whenever the same bytes of a page give another text. */
const READER_VERSION = 1;

/** What a site allows, and what is known of it. */
export interface SiteRules {
  contains: (url: string) => boolean;
  robots: RobotsRules;
  boilerplate: readonly string[];
  /** Fingerprint of what the site says, with status 200, of an address that it does not have. */
  missingPage: string | null;
  /** Whether a browser draws the page. */
  isRendered: boolean;
}

export interface PageToVisit {
  /** Normalised. */
  url: string;
  /** Somebody asked for this page by name: what it says to crawlers is not for us (as RFC 9309 understands them). */
  isSingle: boolean;
  /** It is indexed, whatever it says of its canonical address. */
  isForced: boolean;
  /** Of the last visit, where its outcome still stands. */
  known: { etag: string | null; lastModified: string | null; bodyHash: string | null } | null;
  /** Tenants do not share the process that reads their pages. */
  owner: string;
}

interface Fetched {
  etag: string | null;
  lastModified: string | null;
  bodyHash: string | null;
  bytes: number | null;
}

export type PageVisit =
  | ({ type: 'unchanged' } & Fetched)
  | ({ type: 'skipped'; reason: SourceErrorReason; detail: string | null; links: string[] } & Fetched)
  | ({ type: 'read'; url: string; extracted: ExtractedDocument; links: string[] } & Fetched);

type VisitContext = Pick<Context, 'pages' | 'extractor' | 'renderer'>;

/**
 * By which rules a site's pages are read: bytes that were read by the same need not be read again. The page that
 * stands for missing ones is left out: it changes with every survey.
 */
export function readerKeyOf(rules: Pick<SiteRules, 'isRendered'>): string {
  return `reader:${READER_VERSION}${rules.isRendered ? ' rendered' : ''}`;
}

/**
 * Visits one page: asks whether it may, fetches it if it has changed, and reads it.
 * @throws SourceError with the reason why it could not be read; AbortError
 */
export async function visitPage(
  ctx: VisitContext,
  page: PageToVisit,
  rules: SiteRules,
  signal: AbortSignal,
): Promise<PageVisit> {
  const refusal = page.isSingle ? null : reasonToStayAway(page.url, rules);
  if (refusal !== null) return skipped(refusal, null);
  let fetched: FetchedPage;
  try {
    fetched = await fetchPage(ctx, page, rules, signal);
  } catch (error) {
    if (error instanceof Redirected) return skipped('redirected', error.target, { links: [error.target] });
    if (error instanceof SourceError && error.reason === 'unsupported_type' && !page.isSingle)
      return skipped('unsupported_type', error.message);
    throw error;
  }
  const { etag, lastModified } = fetched;
  if (fetched.isUnchanged)
    return { type: 'unchanged', etag, lastModified, bodyHash: page.known?.bodyHash ?? null, bytes: null };
  const answer: Fetched = {
    etag,
    lastModified,
    bodyHash: sha256Hex(fetched.body),
    bytes: fetched.body.byteLength,
  };
  if (page.known !== null && page.known.bodyHash === answer.bodyHash) return { type: 'unchanged', ...answer };
  return readPage(ctx, page, { fetched, answer, rules }, signal);
}

/** Why an address is not visited; null: it is. */
export function reasonToStayAway(
  url: string,
  rules: Pick<SiteRules, 'contains' | 'robots'>,
): SourceErrorReason | null {
  if (!rules.contains(url)) return 'out_of_scope';
  if (isMediaUrl(url)) return 'unsupported_type';
  return rules.robots.isAllowed(url) ? null : 'robots';
}

/** Ends a fetch at a redirect: where it leads is a page of its own. */
class Redirected extends Error {
  readonly target: string;

  constructor(target: string) {
    super(`redirected to ${target}`);
    this.name = 'Redirected';
    this.target = target;
  }
}

async function fetchPage(
  ctx: VisitContext,
  page: PageToVisit,
  rules: SiteRules,
  signal: AbortSignal,
): Promise<FetchedPage> {
  const mayFollow = (address: string) => {
    const target = normalizePageUrl(address);
    if (page.isSingle || target === page.url) return;
    throw new Redirected(target ?? address);
  };
  const isDrawn = rules.isRendered && ctx.renderer !== null;
  // What a script draws may change though the page that holds it does not.
  const known = isDrawn ? null : page.known;
  const conditions = { etag: known?.etag ?? null, lastModified: known?.lastModified ?? null };
  const fetched = await ctx.pages.fetch({ url: page.url, ...conditions, mayFollow }, signal);
  if (!isDrawn || ctx.renderer === null || !HTML.test(fetched.mediaType ?? '')) return fetched;
  const drawn = await ctx.renderer.render(fetched.url, signal);
  mayFollow(drawn.url);
  const body = Buffer.from(drawn.html);
  return {
    ...fetched,
    url: drawn.url,
    mediaType: 'text/html; charset=utf-8',
    body,
    etag: null,
    lastModified: null,
  };
}

async function readPage(
  ctx: VisitContext,
  page: PageToVisit,
  { fetched, answer, rules }: { fetched: FetchedPage; answer: Fetched; rules: SiteRules },
  signal: AbortSignal,
): Promise<PageVisit> {
  const tags = readRobotsTags(fetched.robotsTags);
  if (tags.isNoindex && tags.isNofollow && !page.isSingle) return skipped('noindex', null, answer);
  const extracted = await extract(ctx, page, { fetched, boilerplate: rules.boilerplate }, signal);
  if (extracted instanceof SourceError) return skipped(extracted.reason, extracted.message, answer);
  const { page: facts, content } = extracted;
  const isFollowed = facts !== null && !facts.isNofollow && !tags.isNofollow;
  const seen = { ...answer, links: isFollowed ? linksOf(facts, page.url) : [] };
  if (page.isSingle) {
    if (content === '') throw emptyError();
    return { type: 'read', url: fetched.url, extracted, ...seen };
  }
  const refresh = facts?.refresh == null ? null : normalizePageUrl(facts.refresh, page.url);
  if (refresh !== null && refresh !== page.url)
    return skipped('redirected', refresh, { ...seen, links: [refresh, ...seen.links] });
  if (tags.isNoindex || facts?.isNoindex === true) return skipped('noindex', null, seen);
  const canonical = facts?.canonical == null ? null : normalizePageUrl(facts.canonical, page.url);
  if (canonical !== null && canonical !== page.url && !page.isForced && rules.contains(canonical))
    return skipped('canonical', canonical, { ...seen, links: [canonical, ...seen.links] });
  if (content === '') return skipped('empty', emptyError().message, seen);
  if (rules.missingPage !== null && isSimilarText(textFingerprint(content), rules.missingPage))
    return skipped('soft_404', null, answer);
  return { type: 'read', url: fetched.url, extracted, ...seen };
}

/** @returns the error where it says that there is nothing to read, which is no failure of a site's page */
async function extract(
  ctx: Pick<Context, 'extractor'>,
  page: PageToVisit,
  { fetched, boilerplate }: { fetched: FetchedPage; boilerplate: readonly string[] },
  signal: AbortSignal,
): Promise<ExtractedDocument | SourceError> {
  const fileName = decodeURIComponentSafely(new URL(fetched.url).pathname.split('/').at(-1) ?? '');
  try {
    return await ctx.extractor.extract(
      {
        body: Readable.from([fetched.body]),
        bytes: fetched.body.byteLength,
        kind: 'page',
        page: { url: fetched.url, boilerplate },
        owner: page.owner,
        fileName: fileName === '' ? null : fileName,
        mediaType: fetched.mediaType,
      },
      signal,
    );
  } catch (error) {
    const isNothingToRead =
      error instanceof SourceError && (error.reason === 'unsupported_type' || error.reason === 'empty');
    if (isNothingToRead && !page.isSingle) return error;
    throw error;
  }
}

function linksOf(facts: PageFacts, url: string): string[] {
  const addresses = [...facts.links, ...facts.alternates.map((alternate) => alternate.url)];
  const links = new Set(addresses.flatMap((address) => normalizePageUrl(address, url) ?? []));
  links.delete(url);
  return [...links];
}

function skipped(
  reason: SourceErrorReason,
  detail: string | null,
  seen: Partial<Fetched & { links: string[] }> = {},
): PageVisit {
  const nothing = { etag: null, lastModified: null, bodyHash: null, bytes: null, links: [] };
  return { type: 'skipped', reason, detail, ...nothing, ...seen };
}

function emptyError(): SourceError {
  return new SourceError(
    'empty',
    'The page holds no text of its own: it may be drawn by scripts in the browser. ' +
      'Add its text as a text source, or the address of a page that has the text in its HTML.',
  );
}

function decodeURIComponentSafely(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
