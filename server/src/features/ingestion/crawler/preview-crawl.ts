import type { CrawlSettings } from '#db/schema/sources.js';
import { sha256Hex } from '#kernel/hash.js';
import { SourceError } from '#kernel/source-error.js';
import type { Context } from '#platform/context.js';
import { hasRepeatingPath, normalizePageUrl } from './page-url.js';
import { ALLOW_ALL } from './robots-rules.js';
import { surveySite } from './survey-site.js';
import { type PageVisit, type SiteRules, reasonToStayAway, visitPage } from './visit-page.js';

export interface PreviewedVisit {
  url: string;
  /** A SourceError: why it could not be read. */
  visit: PageVisit | SourceError;
}

type PreviewContext = Pick<Context, 'db' | 'clock' | 'pages' | 'renderer' | 'extractor' | 'log'>;

const VISITS_AT_ONCE = 4;
/** A preview may take the rules that the last crawl of the site has read. */
const MAX_ROBOTS_AGE_MS = 3_600_000;

interface Frontier {
  queue: { url: string; depth: number }[];
  seen: Set<string>;
  textOwners: Map<string, string>;
}

/**
 * Visits the pages of a site as a crawl would, and keeps nothing but what it yields.
 * @returns whether there is more of the site than was visited
 * @throws SourceError when the start cannot be reached
 */
export async function* previewCrawl(
  ctx: PreviewContext,
  site: { url: string; crawl: CrawlSettings; owner: string; isSingle: boolean },
  limits: { maxPages: number; maxMs: number },
  signal: AbortSignal,
): AsyncGenerator<PreviewedVisit, { isTruncated: boolean }> {
  const timeUp = AbortSignal.timeout(limits.maxMs);
  const stop = AbortSignal.any([signal, timeUp]);
  const most = Math.min(limits.maxPages, site.crawl.maxPages);
  const yielded = { read: 0, all: 0 };
  const frontier: Frontier = { queue: [], seen: new Set(), textOwners: new Map() };
  try {
    const rules = await prepare(ctx, site, frontier, stop);
    while (frontier.queue.length > 0 && yielded.read < most && yielded.all < limits.maxPages) {
      const room = Math.min(VISITS_AT_ONCE, most - yielded.read, limits.maxPages - yielded.all);
      const next = frontier.queue.splice(0, room);
      const visits = await Promise.all(next.map((page) => visitOne(ctx, site, { page, rules }, stop)));
      for (const [index, visit] of visits.entries()) {
        const page = next[index];
        if (page === undefined) continue;
        const told = withoutDouble(frontier, page.url, visit);
        follow(frontier, { page, visit, rules, maxDepth: site.crawl.maxDepth });
        yielded.all += 1;
        if (!(told instanceof SourceError) && told.type === 'read') yielded.read += 1;
        yield { url: page.url, visit: told };
      }
    }
  } catch (error) {
    if (!timeUp.aborted || signal.aborted) throw error;
    return { isTruncated: true };
  }
  return { isTruncated: frontier.queue.length > 0 && site.crawl.maxPages > yielded.read };
}

async function prepare(
  ctx: PreviewContext,
  site: { url: string; crawl: CrawlSettings; owner: string; isSingle: boolean },
  frontier: Frontier,
  signal: AbortSignal,
): Promise<SiteRules> {
  if (site.isSingle) {
    add(frontier, normalizePageUrl(site.url) ?? site.url, 0);
    const nothing = { boilerplate: [], missingPage: null, isRendered: false };
    return { contains: () => true, robots: ALLOW_ALL, ...nothing };
  }
  const { state, rules, mapped } = await surveySite(
    ctx,
    { ...site, maxRobotsAgeMs: MAX_ROBOTS_AGE_MS },
    signal,
  );
  add(frontier, state.startUrl, 0);
  if (site.crawl.maxDepth > 0) for (const url of mapped) add(frontier, url, 1);
  return rules;
}

async function visitOne(
  ctx: PreviewContext,
  site: { owner: string; isSingle: boolean },
  { page, rules }: { page: { url: string; depth: number }; rules: SiteRules },
  signal: AbortSignal,
): Promise<PageVisit | SourceError> {
  const { owner, isSingle } = site;
  // The start says of itself what a missing page says, where that is the start.
  const own = page.depth === 0 ? { ...rules, missingPage: null } : rules;
  try {
    return await visitPage(
      ctx,
      { url: page.url, owner, isSingle, isForced: false, known: null },
      own,
      signal,
    );
  } catch (error) {
    // Of a page that was asked for by itself there is nothing else to tell.
    if (error instanceof SourceError && !isSingle && !signal.aborted) return error;
    throw error;
  }
}

function withoutDouble(
  { textOwners }: Frontier,
  url: string,
  visit: PageVisit | SourceError,
): PageVisit | SourceError {
  if (visit instanceof SourceError || visit.type !== 'read') return visit;
  const textHash = sha256Hex(visit.extracted.content);
  const owner = textOwners.get(textHash);
  if (owner !== undefined) return { ...visit, type: 'skipped', reason: 'duplicate_of', detail: owner };
  textOwners.set(textHash, url);
  return visit;
}

function follow(
  frontier: Frontier,
  found: {
    page: { url: string; depth: number };
    visit: PageVisit | SourceError;
    rules: SiteRules;
    maxDepth: number;
  },
): void {
  const { page, visit, rules, maxDepth } = found;
  if (visit instanceof SourceError || visit.type === 'unchanged' || page.depth >= maxDepth) return;
  for (const url of visit.links) {
    if (reasonToStayAway(url, rules) === null && !hasRepeatingPath(url)) add(frontier, url, page.depth + 1);
  }
}

function add({ queue, seen }: Frontier, url: string, depth: number): void {
  if (seen.has(url)) return;
  seen.add(url);
  queue.push({ url, depth });
}
