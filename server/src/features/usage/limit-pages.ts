import type { UsageLimit } from '#kernel/app-error.js';
import type { Context } from '#platform/context.js';
import type { ProjectScope } from '#platform/scope.js';
import { type HeldPages, countHeldPages, findPayerOrNull } from './holdings.queries.js';
import { lockWhereLimited } from './lock-where-limited.js';
import {
  type UsagePeriodRow,
  findPeriodOrNull,
  findPlanOfUser,
  findSubscriptionOrNull,
  limitsOf,
} from './periods.queries.js';

type Scope = Pick<ProjectScope, 'projectId'>;

export interface PagesOfAccount extends HeldPages {
  /** With credits. */
  limit: number;
}

/** What an account holds and may hold of pages as it is seen now; null: as many as it likes. Nothing is locked. */
export async function findPages(
  ctx: Pick<Context, 'db' | 'clock'>,
  scope: Scope,
  sourceId: string | null,
): Promise<PagesOfAccount | null> {
  const userId = await findPayerOrNull(ctx.db, scope);
  if (userId === null) return null;
  const now = ctx.clock.now();
  const period = await findPeriodOrNull(ctx.db, userId, now);
  const planned = period === null ? await findPlannedLimit(ctx, userId) : period.limitIndexedPages;
  if (planned === null) return null;
  const held = await countHeldPages(ctx.db, { userId, projectId: scope.projectId, sourceId, now });
  return { ...held, limit: planned + held.credits };
}

/** Of an account that has no period yet. */
async function findPlannedLimit(ctx: Pick<Context, 'db'>, userId: string): Promise<number | null> {
  const plan = await findPlanOfUser(ctx.db, userId);
  const subscription = await findSubscriptionOrNull(ctx.db, userId);
  return limitsOf(plan, subscription?.customLimits ?? {}).indexedPages;
}

/**
 * The same with the account locked until the transaction ends, so that of several who add pages at the same time each
 * counts those before it. At the end of a transaction, as others wait for it.
 */
export async function lockPages(
  tx: Pick<Context, 'db' | 'clock'>,
  scope: Scope,
  payer: { userId: string; sourceId: string | null },
): Promise<(PagesOfAccount & { period: UsagePeriodRow }) | null> {
  const { userId, sourceId } = payer;
  const limited = await lockWhereLimited(tx, userId, 'limitIndexedPages');
  if (limited === null) return null;
  const now = tx.clock.now();
  const held = await countHeldPages(tx.db, { userId, projectId: scope.projectId, sourceId, now });
  return { ...held, limit: limited.limit + held.credits, period: limited.period };
}

/**
 * Counts the pages of an account, after a source was added and before that is committed.
 * @returns the limit that the account is beyond; null: the source has a place
 */
export async function limitSources(
  tx: Pick<Context, 'db' | 'clock'>,
  scope: Scope,
): Promise<UsageLimit | null> {
  const userId = await findPayerOrNull(tx.db, scope);
  const pages = userId === null ? null : await lockPages(tx, scope, { userId, sourceId: null });
  return pages !== null && pages.visible + pages.waiting > pages.limit ? pageLimit(pages, 1) : null;
}

/**
 * Counts the pages of an account, after a project came over to it and before that is committed.
 * @returns the limit that the account is beyond by the pages of the project; null: it may have them
 */
export async function limitTransferredPages(
  tx: Pick<Context, 'db' | 'clock'>,
  scope: Scope,
  userId: string,
): Promise<UsageLimit | null> {
  const pages = await lockPages(tx, scope, { userId, sourceId: null });
  if (pages === null || pages.ofProject === 0 || pages.visible + pages.waiting <= pages.limit) return null;
  return pageLimit(pages, pages.ofProject);
}

function pageLimit({ visible, waiting, limit }: PagesOfAccount, added: number): UsageLimit {
  return { what: 'indexedPages', used: visible + waiting - added, limit, resetsAt: null };
}
