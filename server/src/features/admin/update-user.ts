import { AppError } from '#kernel/app-error.js';
import { withoutUndefined } from '#kernel/without-undefined.js';
import type { Context } from '#platform/context.js';
import type { UserCaller } from '#platform/scope.js';
import { inTransaction } from '#platform/transaction.js';
import { recordAudit } from '#features/audit/record-audit.js';
import { endSessions } from '#features/auth/end-sessions.js';
import { lockActiveAdmins } from '#features/auth/lock-active-admins.js';
import { changePlan } from '#features/usage/change-plan.js';
import {
  type UserRow,
  type UserWithCount,
  findUser,
  isPaidBySubscription,
  lockUser,
  updateUserRow,
} from './users.queries.js';
import type { UpdateUserInput } from './users.schemas.js';

type Settings = Pick<UserRow, 'plan' | 'role' | 'suspendedAt'>;

/**
 * Changes plan, what was agreed on with it, role or suspension of an account. Suspending ends its sessions.
 * @throws AppError `not_found`, `conflict` where nobody would be an admin any more or where a subscription decides about
 * the plan, `forbidden` for a caller who is none any more
 */
export function updateUser(
  ctx: Pick<Context, 'db' | 'clock' | 'afterCommit'>,
  caller: UserCaller,
  userId: string,
  input: UpdateUserInput,
): Promise<UserWithCount> {
  return inTransaction(ctx, async (tx) => {
    const adminIds = await lockActiveAdmins(tx);
    if (!adminIds.includes(caller.actor.userId)) {
      // The request was let in, and then another admin was quicker.
      throw new AppError('forbidden', 'You are not an admin any more.');
    }
    const before = await lockUser(tx.db, userId);
    const after = settingsAfter(before, input, tx.clock.now());
    const isLast = adminIds.every((id) => id === before.id);
    if (isLast && (after.role !== 'admin' || after.suspendedAt !== null)) {
      throw new AppError('conflict', 'You are the last admin. Make somebody else an admin first.');
    }
    await changeTerms(tx, caller, before, input);
    const changes = changesOf(before, after);
    if (Object.keys(changes).length > 0) {
      await updateUserRow(tx.db, before.id, { role: after.role, suspendedAt: after.suspendedAt });
      const isSuspendedNow = before.suspendedAt === null && after.suspendedAt !== null;
      const endedSessions = isSuspendedNow ? await endSessions(tx, before.id) : 0;
      await recordAudit(tx, caller, {
        projectId: null,
        action: 'admin.user.update',
        resourceType: 'user',
        resourceId: before.id,
        changes: { ...changes, ...(isSuspendedNow ? { endedSessions } : {}) },
      });
    }
    return findUser(tx.db, before.id);
  });
}

async function changeTerms(
  tx: Pick<Context, 'db' | 'clock'>,
  caller: UserCaller,
  { id, plan }: UserRow,
  input: UpdateUserInput,
): Promise<void> {
  const { customLimits, customPrice } = input;
  if (input.plan === undefined && customLimits === undefined && customPrice === undefined) return;
  const isOther = input.plan !== undefined && input.plan !== plan;
  if (isOther && (await isPaidBySubscription(tx.db, id))) {
    throw new AppError(
      'conflict',
      'A subscription at Stripe decides about the plan of this account. Change or cancel it there.',
    );
  }
  const terms = {
    plan: input.plan ?? plan,
    customPrice,
    ...(customLimits === undefined ? {} : { customLimits: withoutUndefined(customLimits) }),
  };
  await changePlan(tx, caller, id, { ...terms, reason: 'admin' });
}

/** Who is suspended already stays so since then. */
function settingsAfter(before: Settings, input: UpdateUserInput, now: Date): Settings {
  const { plan = before.plan, role = before.role, suspended = before.suspendedAt !== null } = input;
  return { plan, role, suspendedAt: suspended ? (before.suspendedAt ?? now) : null };
}

function changesOf(before: Settings, after: Settings): Record<string, { before: unknown; after: unknown }> {
  const shown = ({ plan, role, suspendedAt }: Settings) => ({ plan, role, suspended: suspendedAt !== null });
  const [old, new_] = [shown(before), shown(after)];
  const names = ['plan', 'role', 'suspended'] as const;
  return Object.fromEntries(
    names
      .filter((name) => old[name] !== new_[name])
      .map((name) => [name, { before: old[name], after: new_[name] }]),
  );
}
