import { AppError } from '#kernel/app-error.js';
import { newId } from '#kernel/ids.js';
import { withoutUndefined } from '#kernel/without-undefined.js';
import type { Context } from '#platform/context.js';
import type { Caller } from '#platform/scope.js';
import { inTransaction } from '#platform/transaction.js';
import { changedFields } from '#features/audit/changed-fields.js';
import { recordAudit } from '#features/audit/record-audit.js';
import { newPrice } from './new-price.js';
import { type PlanRow, insertPlan, lockPlan } from './plans.queries.js';
import type { NewPlanVersionInput } from './plans.schemas.js';

const FIELDS = [
  'price',
  'currency',
  'limitChatbots',
  'limitMessagesMini',
  'limitMessagesPremium',
  'limitIndexedPages',
  'stripePriceId',
] as const;

/**
 * Changes a plan by a new version of it. Periods that are under way stay as they are; those that begin from now on get
 * the new one. Another price takes the price at Stripe away where none is named, so that nobody pays the old one.
 * @throws AppError `validation_failed` where nothing would be different
 */
export function addPlanVersion(
  ctx: Pick<Context, 'db' | 'clock' | 'afterCommit' | 'definitions'>,
  caller: Caller,
  { plan, changes }: { plan: PlanRow['name']; changes: NewPlanVersionInput },
): Promise<PlanRow> {
  return inTransaction(ctx, async (tx) => {
    const before = await lockPlan(tx.db, plan);
    const now = tx.clock.now();
    const after = { ...before, ...changesOf(before, changes) };
    const changed = changedFields(before, after, FIELDS);
    if (Object.keys(changed).length === 0) {
      throw new AppError('validation_failed', 'The plan is like this already: name what shall be different.');
    }
    const row = await insertPlan(tx.db, {
      ...after,
      id: newId(),
      version: before.version + 1,
      createdAt: now,
      updatedAt: now,
    });
    await recordAudit(tx, caller, {
      projectId: null,
      action: 'plan.change',
      resourceType: 'plan',
      resourceId: row.id,
      changes: { plan, version: row.version, ...changed },
    });
    tx.afterCommit(() => ctx.definitions.drop());
    return row;
  });
}

function changesOf(before: PlanRow, input: NewPlanVersionInput): Partial<PlanRow> {
  const { limits = {} } = input;
  return {
    ...newPrice(before, input),
    ...withoutUndefined({
      limitChatbots: limits.chatbots,
      limitMessagesMini: limits.messagesMini,
      limitMessagesPremium: limits.messagesPremium,
      limitIndexedPages: limits.indexedPages,
    }),
  };
}
