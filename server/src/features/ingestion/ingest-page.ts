import { sha256Hex } from '#kernel/hash.js';
import { SourceError } from '#kernel/source-error.js';
import type { CrawlState } from '#db/schema/sources.js';
import type { Context } from '#platform/context.js';
import { type JobHandler, JobPostponed, type RunningJob } from '#platform/jobs/define-job.js';
import { type ProjectScope, mintProjectScope, systemCaller } from '#platform/scope.js';
import { isForeignKeyViolation } from '#platform/database-errors.js';
import { inProjectTransaction, readInProject } from '#platform/transaction.js';
import { blockCrawlHost } from './crawler/crawl-hosts.queries.js';
import { createCrawlScope } from './crawler/crawl-scope.js';
import { carryOn, planOrFinish } from './crawler/crawl-source.js';
import { type PageEnd, endPage } from './crawler/end-page.js';
import {
  type VisitedPage,
  failedEnd,
  fullEnd,
  indexedEnd,
  skippedEnd,
  unchangedEnd,
} from './crawler/page-ends.js';
import {
  type PageRow,
  type SourceRow,
  claimText,
  deletePageDocument,
  deleteUnseenOfPage,
  findPageStatusOrNull,
  findPageWithSourceOrNull,
  lockSourceOrNull,
  updateRun,
} from './crawler/pages.queries.js';
import { isSinglePage } from './crawler/plan-visits.js';
import { readRobots } from './crawler/read-robots.js';
import { ALLOW_ALL } from './crawler/robots-rules.js';
import { type PageVisit, type SiteRules, readerKeyOf, visitPage } from './crawler/visit-page.js';
import type { IngestPagePayload } from './ingestion.jobs.js';
import { type ProcessedDocument, processDocument } from './process-document.js';

/** What a host that calls us too fast gets from then on, at least. */
const LEAST_DELAY_MS = 500;
const LONGEST_DELAY_MS = 30_000;

interface Work extends VisitedPage {
  job: RunningJob;
}

/** The page is none of its run any more: somebody has deleted its document, or the run has ended. */
class PageWithdrawn extends Error {
  constructor() {
    super('the page is not waiting for its visit any more');
    this.name = 'PageWithdrawn';
  }
}

/** Visits one page of a source and brings the index up to what it says now. Ends in one of the page's statuses. */
export const ingestPage: JobHandler<IngestPagePayload> = {
  run: async (ctx, job, payload, signal) => {
    const scope = mintProjectScope(systemCaller, payload.projectId, null);
    const found = await readInProject(ctx, scope, (tx) =>
      findPageWithSourceOrNull(tx.db, scope, payload.pageId),
    );
    if (found === null) return;
    // An attempt before this one ended it, or somebody deleted its document: the run must not wait for it.
    if (!isWaiting(found)) return carryOn(ctx, scope, job, payload.sourceId);
    const { page, source } = found;
    const rules = await rulesFor(ctx, source, page, signal);
    const work = { job, page, source, rules, hasDocument: found.hasDocument };
    const visit = await visitPage(ctx, pageToVisit(scope, found, rules), rules, signal).catch(
      async (error: unknown) => {
        await slowDown(ctx, scope, work, error);
        throw error;
      },
    );
    try {
      await storeVisit(ctx, scope, work, visit, signal);
    } catch (error) {
      if (!(await isWithdrawn(ctx, scope, work, error))) throw error;
    }
  },

  ended: async (tx, payload, { failure }) => {
    const scope = mintProjectScope(systemCaller, payload.projectId, null);
    const source = await lockSourceOrNull(tx.db, scope, payload.sourceId);
    const found = await findPageWithSourceOrNull(tx.db, scope, payload.pageId);
    if (source === null || found === null) return;
    await deleteUnseenOfPage(tx.db, scope, { sourceId: source.id, key: found.page.key });
    if (!isWaiting({ ...found, source })) {
      if (source.syncPhase === 'pages') await planOrFinish(tx, scope, { id: NO_JOB }, source);
      return;
    }
    const end = failedEnd(tx, failure, { hasDocument: found.hasDocument });
    // Its own row has ended already: no visit is under way but those of others.
    await endPage(tx, scope, { source, row: found.page, jobId: NO_JOB }, end);
  },
};

const NO_JOB = '00000000-0000-0000-0000-000000000000';

function isWaiting({ page, source }: { page: PageRow; source: SourceRow }): boolean {
  return page.status === 'queued' && source.syncPhase === 'pages' && page.sync === source.sync;
}

/** What the source, the site and its host say of visits. @throws JobPostponed where the host wants to be left alone */
async function rulesFor(
  ctx: Context,
  source: SourceRow,
  page: PageRow,
  signal: AbortSignal,
): Promise<SiteRules> {
  const { boilerplate, missingPage, startUrl } = source.crawl ?? NOTHING_KNOWN;
  if (source.origin.type !== 'url' || source.origin.crawl == null) {
    return { contains: () => true, robots: ALLOW_ALL, boilerplate: [], missingPage: null, isRendered: false };
  }
  const { crawl } = source.origin;
  const { robots, blockedUntil } = await readRobots(ctx, { url: page.key }, signal);
  if (blockedUntil !== null && blockedUntil > ctx.clock.now()) throw new JobPostponed(blockedUntil);
  const scope = createCrawlScope(startUrl, crawl);
  return {
    contains: (url) => scope.contains(url),
    robots,
    boilerplate,
    missingPage: page.key === startUrl ? null : missingPage,
    isRendered: crawl.render,
  };
}

const NOTHING_KNOWN: Pick<CrawlState, 'boilerplate' | 'missingPage' | 'startUrl'> = {
  boilerplate: [],
  missingPage: null,
  startUrl: '',
};

/** That there was no room says nothing of the page. */
const REASONS_OF_OURS = new Set(['page_limit', 'usage_limit']);

function pageToVisit(
  scope: ProjectScope,
  { page, source, hasDocument }: { page: PageRow; source: SourceRow; hasDocument: boolean },
  rules: SiteRules,
) {
  // Without a document only what says of itself that it is none stands: the reason is kept with it.
  const saysWhyNot = page.reason !== null && !REASONS_OF_OURS.has(page.reason);
  const isKnown = page.readerKey === readerKeyOf(rules) && (hasDocument || saysWhyNot);
  const { etag, lastModified, bodyHash } = page;
  return {
    url: page.key,
    isSingle: isSinglePage(source),
    isForced: page.isForced,
    known: isKnown ? { etag, lastModified, bodyHash } : null,
    owner: scope.projectId,
  };
}

async function storeVisit(
  ctx: Context,
  scope: ProjectScope,
  work: Work,
  visit: PageVisit,
  signal: AbortSignal,
): Promise<void> {
  const { page } = work;
  switch (visit.type) {
    case 'skipped':
      return storeEnd(ctx, scope, work, skippedEnd(ctx, work, visit));
    case 'unchanged':
      return storeEnd(ctx, scope, work, unchangedEnd(ctx, work, visit));
    case 'read': {
      const textHash = sha256Hex(visit.extracted.content);
      const other = isSinglePage(work.source)
        ? null
        : await inProjectTransaction(ctx, scope, (tx) => claimText(tx.db, scope, { page, textHash }));
      if (other !== null) {
        const doubled = {
          ...visit,
          type: 'skipped' as const,
          reason: 'duplicate_of' as const,
          detail: other,
        };
        return storeEnd(ctx, scope, work, skippedEnd(ctx, work, doubled));
      }
      return index(ctx, scope, work, visit, signal);
    }
  }
}

/** What was written of a page that somebody took away meanwhile goes too. @returns whether that is what happened */
async function isWithdrawn(ctx: Context, scope: ProjectScope, work: Work, error: unknown): Promise<boolean> {
  if (!(error instanceof PageWithdrawn || isForeignKeyViolation(error))) return false;
  const { page, source } = work;
  return inProjectTransaction(ctx, scope, async (tx) => {
    await work.job.fence(tx);
    const locked = await lockSourceOrNull(tx.db, scope, source.id);
    const now = await findPageStatusOrNull(tx.db, scope, page.id);
    if (locked !== null && now !== null && isWaiting({ page: { ...page, ...now }, source: locked }))
      return false;
    const document = { sourceId: source.id, key: page.key };
    // A page of a run that was given up keeps what was indexed of it before.
    if (now?.status === 'failed') await deleteUnseenOfPage(tx.db, scope, document);
    else await deletePageDocument(tx.db, scope, document);
    if (locked?.syncPhase === 'pages') await planOrFinish(tx, scope, work.job, locked);
    return true;
  });
}

async function index(
  ctx: Context,
  scope: ProjectScope,
  work: Work,
  visit: Extract<PageVisit, { type: 'read' }>,
  signal: AbortSignal,
): Promise<void> {
  const { job, page, source } = work;
  const { extracted } = visit;
  let locked: SourceRow | null = null;
  const document = {
    key: page.key,
    title: extracted.title ?? (isSinglePage(source) ? source.name : page.key),
    url: visit.url,
    extracted,
  };
  const beforePublish = async (tx: Context) => {
    locked = await lockRun(tx, scope, work);
  };
  const afterPublish = async (tx: Context, processed: ProcessedDocument) => {
    if (locked !== null)
      await endPage(tx, scope, pageOf(work, locked), indexedEnd(tx, work, visit, processed));
  };
  const documentWork = { job, sourceId: source.id, document, beforePublish, afterPublish };
  try {
    await processDocument(ctx, scope, documentWork, signal);
  } catch (error) {
    if (!(error instanceof SourceError && error.reason === 'usage_limit')) throw error;
    await storeEnd(ctx, scope, work, fullEnd(ctx, work, visit, error.message));
  }
}

/** @throws PageWithdrawn */
async function lockRun(tx: Context, scope: ProjectScope, { page, source }: Work): Promise<SourceRow> {
  const locked = await lockSourceOrNull(tx.db, scope, source.id);
  const now = await findPageStatusOrNull(tx.db, scope, page.id);
  if (locked === null || now === null) throw new PageWithdrawn();
  if (!isWaiting({ page: { ...page, ...now }, source: locked })) throw new PageWithdrawn();
  return locked;
}

function pageOf({ job, page }: Work, source: SourceRow) {
  return { source, row: page, jobId: job.id };
}

function storeEnd(ctx: Context, scope: ProjectScope, work: Work, pageEnd: PageEnd): Promise<void> {
  return inProjectTransaction(ctx, scope, async (tx) => {
    await work.job.fence(tx);
    const source = await lockRun(tx, scope, work);
    await endPage(tx, scope, pageOf(work, source), pageEnd);
  });
}

/** A host that says how long to leave it alone is left alone by all, and then visited less often. */
async function slowDown(ctx: Context, scope: ProjectScope, work: Work, error: unknown): Promise<void> {
  if (!(error instanceof SourceError)) return;
  if (error.retryAfterMs === null && error.reason !== 'http_429') return;
  const { origin } = new URL(work.page.key);
  const until = new Date(ctx.clock.now().getTime() + (error.retryAfterMs ?? 0));
  await blockCrawlHost(ctx.db, origin, until);
  await inProjectTransaction(ctx, scope, async (tx) => {
    const source = await lockSourceOrNull(tx.db, scope, work.source.id);
    if (source?.crawl == null || isSinglePage(source)) return;
    const crawlDelayMs = Math.min(LONGEST_DELAY_MS, Math.max(LEAST_DELAY_MS, 2 * source.crawl.crawlDelayMs));
    await updateRun(tx.db, scope, source.id, { crawl: { ...source.crawl, crawlDelayMs } });
  });
}
