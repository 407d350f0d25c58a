import { newId } from '#kernel/ids.js';
import type { SourceErrorReason } from '#kernel/source-error.js';
import type { CrawlSettings } from '#db/schema/sources.js';
import type { Context } from '#platform/context.js';
import type { ProjectScope } from '#platform/scope.js';
import { batches } from '#kernel/batches.js';
import { hasRepeatingPath } from './page-url.js';
import { type NewPage, insertPages, listKnownPages } from './pages.queries.js';
import { type SiteRules, reasonToStayAway } from './visit-page.js';

const ROWS_PER_INSERT = 500;
/** Addresses that are kept of a run, those that will not be visited among them: a few for each page that may be. */
const ROWS_PER_PAGE = 10;
const LEAST_ROWS = 1_000;

export function mostPageRows({ maxPages }: Pick<CrawlSettings, 'maxPages'>): number {
  return LEAST_ROWS + ROWS_PER_PAGE * maxPages;
}

export interface AddedLinks {
  queued: number;
  /** With their reason, at once. */
  skipped: number;
  /** There was no room for them. */
  dropped: number;
}

/**
 * Puts the addresses that a page leads to on the frontier of its source, or notes why they are not visited.
 * @param room for as many new rows
 */
export async function addLinks(
  tx: Pick<Context, 'db'>,
  scope: ProjectScope,
  found: {
    sourceId: string;
    sync: number;
    links: readonly string[];
    depth: number;
    maxDepth: number;
    room: number;
    rules: Pick<SiteRules, 'contains' | 'robots'>;
  },
): Promise<AddedLinks> {
  const { sourceId, sync, depth, room, rules } = found;
  // The same menu stands on every page of a site.
  const known = await listKnownPages(tx.db, scope, sourceId, found.links);
  const fresh = found.links.filter((url) => !known.has(url));
  const kept = fresh.slice(0, Math.max(0, room));
  const added: AddedLinks = { queued: 0, skipped: 0, dropped: fresh.length - kept.length };
  const pages = kept.map((url): NewPage => {
    const reason = reasonToSkip(url, { depth, maxDepth: found.maxDepth, rules });
    const status = reason === null ? 'queued' : 'skipped';
    return { id: newId(), projectId: scope.projectId, sourceId, key: url, url, status, reason, depth, sync };
  });
  for (const batch of batches(pages, ROWS_PER_INSERT)) {
    for (const status of await insertPages(tx.db, scope, batch))
      added[status === 'queued' ? 'queued' : 'skipped'] += 1;
  }
  return added;
}

function reasonToSkip(
  url: string,
  {
    depth,
    maxDepth,
    rules,
  }: { depth: number; maxDepth: number; rules: Pick<SiteRules, 'contains' | 'robots'> },
): SourceErrorReason | null {
  const reason = reasonToStayAway(url, rules);
  if (reason !== null) return reason;
  return depth > maxDepth || hasRepeatingPath(url) ? 'too_deep' : null;
}
