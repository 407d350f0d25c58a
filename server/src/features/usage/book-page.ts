import { newId } from '#kernel/ids.js';
import type { Context } from '#platform/context.js';
import type { ProjectScope } from '#platform/scope.js';
import { findPayerOrNull } from './holdings.queries.js';
import { type PagesOfAccount, findPages, lockPages } from './limit-pages.js';
import { lockAccount } from './open-period.js';
import { insertPageBooking } from './page-bookings.queries.js';
import { warnOfPages } from './warn-of-usage.js';

const COST_DECIMALS = 9;

export interface BookedPage {
  sourceId: string;
  documentId: string;
  version: number;
  outcome: 'added' | 'changed';
  /** What embedding it cost, in US dollars. */
  cost: number;
}

/**
 * Books a page whose new version has just become visible, in the transaction that makes it so and as its last act: a
 * new page must fit into what the account may hold, and each is counted once with what it cost.
 * @returns the number of pages that the account may hold, where this one does not fit; null: it is booked
 */
export async function bookPage(
  tx: Pick<Context, 'db' | 'clock' | 'config' | 'afterCommit' | 'dispatchJob'>,
  scope: Pick<ProjectScope, 'projectId'>,
  page: BookedPage,
): Promise<number | null> {
  const { sourceId, documentId, version, outcome, cost } = page;
  const userId = await findPayerOrNull(tx.db, scope);
  if (userId === null) return null;
  // A page that is there already may change as often as it likes.
  const pages = outcome === 'added' ? await lockPages(tx, scope, { userId, sourceId }) : null;
  if (pages !== null && placesTaken(pages, pages.ofSource === 1) > pages.limit) return pages.limit;
  const booking = {
    userId,
    projectId: scope.projectId,
    documentId,
    version,
    reason: outcome,
    cost: cost.toFixed(COST_DECIMALS),
    now: tx.clock.now(),
    ids: { event: newId(), tracking: newId() },
  };
  if (!(await insertPageBooking(tx.db, booking))) {
    await lockAccount(tx, userId);
    await insertPageBooking(tx.db, booking);
  }
  if (pages !== null) await warnOfPages(tx, pages);
  return null;
}

/**
 * Whether a new page of a source would not fit, as it is seen now: before anything is paid for a page that could not
 * stay.
 * @returns the number of pages that the account may hold, where they are used up; null: there is room
 */
export async function findFullLimit(
  ctx: Pick<Context, 'db' | 'clock'>,
  scope: Pick<ProjectScope, 'projectId'>,
  sourceId: string,
): Promise<number | null> {
  const pages = await findPages(ctx, scope, sourceId);
  if (pages === null) return null;
  return placesTaken(pages, pages.ofSource === 0) + 1 > pages.limit ? pages.limit : null;
}

/**
 * The first page of a source takes the place that the source had while it waited. Those after it leave room for the
 * sources that wait for their first one.
 */
function placesTaken({ visible, waiting }: PagesOfAccount, isFirstOfSource: boolean): number {
  return visible + (isFirstOfSource ? 0 : waiting);
}
