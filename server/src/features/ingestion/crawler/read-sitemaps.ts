import type { CrawlSettings } from '#db/schema/sources.js';
import { SourceError } from '#kernel/source-error.js';
import type { Context } from '#platform/context.js';
import { normalizePageUrl } from './page-url.js';
import { type SitemapEntry, parseSitemap } from './sitemap.js';
import type { SiteRules } from './visit-page.js';

/** The protocol allows 50,000 entries and 50 MiB (sitemaps.org); a map is read in this process, so it may not be that large. */
const MAX_BYTES = 10 * 1024 * 1024;
const MAX_ENTRIES = 50_000;
const MAX_FILES = 50;
const MAX_DEPTH = 3;
/** More addresses than a run may visit, so that those which turn out to be nothing can be made up for. */
const ADDRESSES_PER_PAGE = 2;
const LEAST_ADDRESSES = 100;

/**
 * The pages that a site's maps name: those of its robots.txt, else `/sitemap.xml`. What lies outside the scope is left out,
 * a map that cannot be read too. Where there are more than the crawl may visit, the latest changed come first.
 * @throws AbortError
 */
export async function readSitemaps(
  ctx: Pick<Context, 'pages' | 'log'>,
  site: { startUrl: string; rules: SiteRules } & Pick<CrawlSettings, 'maxPages'>,
  signal: AbortSignal,
): Promise<string[]> {
  const { startUrl, rules, maxPages } = site;
  const named = rules.robots.sitemaps;
  const queue = (named.length > 0 ? named : ['/sitemap.xml']).map((address) => ({ address, depth: 0 }));
  const seen = new Set<string>();
  const pages = new Map<string, SitemapEntry>();
  for (const { address, depth } of queue) {
    const url = normalizePageUrl(address, startUrl);
    if (url === null || seen.has(url) || seen.size >= MAX_FILES || pages.size >= MAX_ENTRIES) continue;
    seen.add(url);
    const map = await readSitemap(ctx, url, signal);
    if (map?.type === 'index' && depth < MAX_DEPTH)
      queue.push(...map.entries.map((entry) => ({ address: entry.url, depth: depth + 1 })));
    if (map?.type === 'urlset') {
      for (const entry of map.entries) {
        const page = normalizePageUrl(entry.url, url);
        if (page !== null && !pages.has(page) && rules.contains(page)) pages.set(page, entry);
      }
    }
  }
  const most = LEAST_ADDRESSES + ADDRESSES_PER_PAGE * maxPages;
  const entries = [...pages];
  if (entries.length > most) entries.sort(([, a], [, b]) => changedAt(b) - changedAt(a));
  return entries.slice(0, most).map(([url]) => url);
}

async function readSitemap(
  ctx: Pick<Context, 'pages' | 'log'>,
  url: string,
  signal: AbortSignal,
): Promise<ReturnType<typeof parseSitemap> | null> {
  try {
    const { body } = await ctx.pages.fetch({ url, maxBytes: MAX_BYTES }, signal);
    return parseSitemap(body, { maxEntries: MAX_ENTRIES, maxBytes: MAX_BYTES });
  } catch (error) {
    if (!(error instanceof SourceError) || signal.aborted) throw error;
    ctx.log.debug({ reason: error.reason }, 'a sitemap could not be read');
    return null;
  }
}

function changedAt({ lastModified }: SitemapEntry): number {
  return lastModified?.getTime() ?? 0;
}
