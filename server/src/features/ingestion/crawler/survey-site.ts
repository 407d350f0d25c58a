import { setTimeout as pause } from 'node:timers/promises';
import type { CrawlSettings, CrawlState } from '#db/schema/sources.js';
import { newId } from '#kernel/ids.js';
import { SourceError } from '#kernel/source-error.js';
import type { Context } from '#platform/context.js';
import { createCrawlScope } from './crawl-scope.js';
import { normalizePageUrl } from './page-url.js';
import { DISALLOW_ALL } from './robots-rules.js';
import { readRobots } from './read-robots.js';
import { readSitemaps } from './read-sitemaps.js';
import { findRecurringBlocks } from './recurring-blocks.js';
import { textFingerprint } from './similar-text.js';
import { type PageVisit, type SiteRules, reasonToStayAway, visitPage } from './visit-page.js';

/** Pages that are read to learn what recurs on a site, the start among them. */
const SAMPLED_PAGES = 8;
const SAMPLED_AT_ONCE = 4;
/** A crawl of fewer pages has no use for it. */
const LEAST_PAGES_TO_SAMPLE = 5;
/** A survey does not wait longer than this between two visits: of a host that wants more it learns less. */
const LONGEST_SURVEY_DELAY_MS = 2_000;

export interface SiteSurvey {
  state: Pick<CrawlState, 'startUrl' | 'boilerplate' | 'missingPage' | 'crawlDelayMs'>;
  rules: SiteRules;
  /** Addresses that the site's maps name, those within the scope. */
  mapped: string[];
}

export interface SiteToSurvey {
  url: string;
  crawl: CrawlSettings;
  /** Tenants do not share the process that reads their pages. */
  owner: string;
  /** Robots rules that are older are asked for again. */
  maxRobotsAgeMs: number;
}

type SurveyContext = Pick<Context, 'db' | 'clock' | 'pages' | 'extractor' | 'renderer' | 'log'>;

/**
 * Finds out about a site before its pages are visited: where its start really is, what it asks of crawlers, what its
 * maps name, what it says of addresses that it does not have, and which blocks recur on its pages.
 * @throws SourceError when the start cannot be reached; AbortError
 */
export async function surveySite(
  ctx: SurveyContext,
  site: SiteToSurvey,
  signal: AbortSignal,
): Promise<SiteSurvey> {
  const startUrl = await resolveStart(ctx, site, signal);
  const { robots } = await readRobots(ctx, { url: startUrl, maxAgeMs: site.maxRobotsAgeMs }, signal);
  const scope = createCrawlScope(startUrl, site.crawl);
  const crawlDelayMs = robots.crawlDelayMs ?? 0;
  const rules: SiteRules = {
    contains: (url) => scope.contains(url),
    robots,
    boilerplate: [],
    missingPage: null,
    isRendered: site.crawl.render,
  };
  // A site that cannot say what it wants is not asked for anything else.
  const isMapped = site.crawl.sitemap && robots !== DISALLOW_ALL;
  const mapped = isMapped ? await readSitemaps(ctx, { startUrl, rules, ...site.crawl }, signal) : [];
  const surveyed = {
    startUrl,
    crawlDelayMs,
    boilerplate: [] as string[],
    missingPage: null as string | null,
  };
  if (robots.isAllowed(startUrl) && crawlDelayMs <= LONGEST_SURVEY_DELAY_MS) {
    surveyed.missingPage = await fingerprintMissingPage(ctx, site, { startUrl, rules }, signal);
    if (site.crawl.maxPages >= LEAST_PAGES_TO_SAMPLE)
      surveyed.boilerplate = await learnBoilerplate(
        ctx,
        site,
        { startUrl, rules, mapped, crawlDelayMs },
        signal,
      );
  }
  const { boilerplate, missingPage } = surveyed;
  return { state: surveyed, rules: { ...rules, boilerplate, missingPage }, mapped };
}

/** Where the start's redirects end: the scope of the crawl is there. */
async function resolveStart(ctx: SurveyContext, { url }: SiteToSurvey, signal: AbortSignal): Promise<string> {
  const start = normalizePageUrl(url);
  if (start === null) throw new SourceError('invalid_url', 'This is not the address of a web page.');
  const { robots } = await readRobots(ctx, { url: start }, signal);
  // Who may not read it will be told so by its visit.
  if (!robots.isAllowed(start)) return start;
  const page = await ctx.pages.fetch({ url: start }, signal);
  return normalizePageUrl(page.url) ?? start;
}

/** @returns the fingerprint of what the site answers, with status 200, for an address that cannot exist; else null */
async function fingerprintMissingPage(
  ctx: SurveyContext,
  { owner }: SiteToSurvey,
  { startUrl, rules }: { startUrl: string; rules: SiteRules },
  signal: AbortSignal,
): Promise<string | null> {
  const url = new URL(`/${newId()}`, startUrl).href;
  const visit = await visitQuietly(ctx, { url, owner }, { ...rules, contains: () => true }, signal);
  return visit?.type === 'read' ? textFingerprint(visit.extracted.content) : null;
}

async function learnBoilerplate(
  ctx: SurveyContext,
  { owner }: SiteToSurvey,
  site: { startUrl: string; rules: SiteRules; mapped: readonly string[]; crawlDelayMs: number },
  signal: AbortSignal,
): Promise<string[]> {
  const { startUrl, rules, mapped, crawlDelayMs } = site;
  const start = await visitQuietly(ctx, { url: startUrl, owner }, rules, signal);
  const links = start?.type === 'read' || start?.type === 'skipped' ? start.links : [];
  const candidates = [...new Set([...mapped, ...links])].filter(
    (url) => url !== startUrl && reasonToStayAway(url, rules) === null,
  );
  const sampled = spread(candidates, SAMPLED_PAGES - 1);
  const visits: (PageVisit | null)[] = [start];
  const next = sampled.values();
  const visitOthers = async () => {
    for (const url of next) {
      if (crawlDelayMs > 0) await pause(crawlDelayMs, undefined, { signal });
      visits.push(await visitQuietly(ctx, { url, owner }, rules, signal));
    }
  };
  const atOnce = crawlDelayMs > 0 ? 1 : SAMPLED_AT_ONCE;
  await Promise.all(Array.from({ length: atOnce }, visitOthers));
  const pages = visits.flatMap((visit) =>
    visit?.type === 'read' ? [visit.extracted.page?.blocks ?? []] : [],
  );
  return findRecurringBlocks(pages);
}

/** What cannot be visited teaches nothing; its own visit will say why. */
async function visitQuietly(
  ctx: SurveyContext,
  page: { url: string; owner: string },
  rules: SiteRules,
  signal: AbortSignal,
): Promise<PageVisit | null> {
  try {
    return await visitPage(ctx, { ...page, isSingle: false, isForced: false, known: null }, rules, signal);
  } catch (error) {
    if (error instanceof SourceError && !signal.aborted) return null;
    throw error;
  }
}

/** At most `count` of the items, spread evenly. */
function spread<T>(items: readonly T[], count: number): T[] {
  if (items.length <= count) return [...items];
  return Array.from({ length: count }, (_, index) => items[Math.floor((index * items.length) / count)] as T);
}
