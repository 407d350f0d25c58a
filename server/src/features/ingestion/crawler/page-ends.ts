import type { SourceErrorReason } from '#kernel/source-error.js';
import type { Context } from '#platform/context.js';
import type { JobFailure } from '#platform/jobs/define-job.js';
import type { ProcessedDocument } from '../process-document.js';
import type { PageEnd } from './end-page.js';
import type { PageRow, SourceRow } from './pages.queries.js';
import { type PageVisit, type SiteRules, readerKeyOf } from './visit-page.js';

/** Pages that are not there any more, and not only today. */
const GONE = new Set<string>(['http_404', 'http_410']);
/** The server is not well, or not there. */
const AWAY = /^(?:http_5\d\d|http_429|timeout|fetch_failed)$/;
const NOT_FETCHED = new Set<SourceErrorReason>(['robots', 'out_of_scope', 'too_deep']);

export interface VisitedPage {
  page: PageRow;
  source: SourceRow;
  rules: SiteRules;
  /** Searches find something of it, from an earlier visit. */
  hasDocument: boolean;
}

type EndContext = Pick<Context, 'clock'>;

/** A visit that failed for good. What was indexed of the page before stays, unless the page is gone. */
export function failedEnd(
  ctx: EndContext,
  failure: JobFailure,
  { hasDocument }: Pick<VisitedPage, 'hasDocument'>,
): PageEnd {
  const isRetired = GONE.has(failure.code);
  return {
    changes: {
      status: 'failed',
      reason: failure.code,
      detail: failure.message,
      visitedAt: ctx.clock.now(),
      ...(isRetired ? { textHash: null, chunkCount: 0 } : {}),
    },
    counts: isRetired && hasDocument ? {} : { failed: 1 },
    links: [],
    rules: null,
    isRetired,
    isFetched: true,
    isServerAway: AWAY.test(failure.code),
    isFull: false,
  };
}

/** What the page was at its last visit still stands: a document, or the reason why it has none. */
export function unchangedEnd(ctx: EndContext, visited: VisitedPage, visit: PageVisit): PageEnd {
  const { page, hasDocument } = visited;
  if (hasDocument) return { ...baseEnd(ctx, visited, visit, 'unchanged'), counts: { unchanged: 1 } };
  const base = baseEnd(ctx, visited, visit, 'skipped');
  const { reason, detail } = page;
  return { ...base, changes: { ...base.changes, reason, detail }, counts: { skipped: 1 } };
}

/** The page is left out, and what was indexed of it before goes. */
export function skippedEnd(
  ctx: EndContext,
  visited: VisitedPage,
  visit: Extract<PageVisit, { type: 'skipped' }>,
): PageEnd {
  const base = baseEnd(ctx, visited, visit, 'skipped');
  const { reason, detail } = visit;
  return {
    ...base,
    changes: { ...base.changes, reason, detail, textHash: null, chunkCount: 0 },
    // What was indexed and now is left out is gone, which is counted where it goes.
    counts: visited.hasDocument ? {} : { skipped: 1 },
    isRetired: true,
    isFetched: !NOT_FETCHED.has(reason),
  };
}

/** The page is new and the account has no room for it. The next run reads it again, changed or not. */
export function fullEnd(
  ctx: EndContext,
  visited: VisitedPage,
  visit: Extract<PageVisit, { type: 'read' }>,
  detail: string,
): PageEnd {
  const base = baseEnd(ctx, visited, visit, 'skipped');
  return {
    ...base,
    changes: { ...base.changes, reason: 'usage_limit', detail, textHash: null, chunkCount: 0 },
    counts: { skipped: 1 },
    // Pages that it leads to would be new as well.
    links: [],
    isRetired: true,
    isFull: true,
  };
}

export function indexedEnd(
  ctx: EndContext,
  visited: VisitedPage,
  visit: Extract<PageVisit, { type: 'read' }>,
  processed: ProcessedDocument,
): PageEnd {
  const { outcome, chunkCount, embeddedChunks, embeddingTokens, embeddingCost } = processed;
  const base = baseEnd(ctx, visited, visit, outcome === 'unchanged' ? 'unchanged' : 'indexed');
  const { title, language } = visit.extracted;
  return {
    ...base,
    changes: { ...base.changes, title, url: visit.url, language, chunkCount },
    counts: { [outcome]: 1, embeddedChunks, embeddingTokens, cost: embeddingCost },
  };
}

function baseEnd(
  ctx: EndContext,
  { rules }: VisitedPage,
  visit: PageVisit,
  status: PageEnd['changes']['status'],
): PageEnd {
  const { etag, lastModified, bodyHash, bytes } = visit;
  return {
    changes: {
      status,
      etag,
      lastModified,
      bodyHash,
      readerKey: readerKeyOf(rules),
      ...(bytes === null ? {} : { bytes }),
      visitedAt: ctx.clock.now(),
    },
    counts: {},
    links: visit.type === 'unchanged' ? [] : visit.links,
    rules,
    isRetired: false,
    isFetched: true,
    isServerAway: false,
    isFull: false,
  };
}
