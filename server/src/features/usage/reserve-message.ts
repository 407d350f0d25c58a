import { AppError } from '#kernel/app-error.js';
import type { Context } from '#platform/context.js';
import type { ProjectScope } from '#platform/scope.js';
import { lockAccount } from './open-period.js';
import { lockPeriodOrNull } from './periods.queries.js';
import {
  type ReservedPlace,
  type Room,
  type Tier,
  findRoomOrNull,
  reserveOfCredits,
  reserveOfPlan,
} from './reservations.queries.js';
import { usageLimitError } from './usage-limit.js';

export interface Reservation {
  of: 'plan' | 'credits';
  userId: string;
  periodId: string;
  creditGrantId: string | null;
  tier: Tier;
}

interface MessagePlace {
  messageId: string;
  /** The account that pays for the project. */
  userId: string;
  tier: Tier;
  /** What visitors are told in place of the limits of an account that is not theirs. */
  fallbackMessage: string;
}

/** No answer takes longer. */
export const LONGEST_TURN_MS = 5 * 60_000;

/**
 * Reserves the place of a message: of the plan while there is room, then of the credits, the oldest first. The last act
 * of a transaction, as the account's row stays locked until it ends.
 * @throws AppError `usage_limit_exceeded`
 */
export async function reserveMessage(
  tx: Pick<Context, 'db' | 'clock' | 'processId'>,
  scope: ProjectScope,
  place: MessagePlace,
): Promise<Reservation> {
  const { userId, tier } = place;
  const { projectId } = scope;
  const now = tx.clock.now();
  const expiresAt = new Date(now.getTime() + LONGEST_TURN_MS);
  const wanted = { ...place, projectId, processId: tx.processId, now, expiresAt };
  const quick = await reserveOfPlan(tx.db, wanted);
  if (quick !== null) return reserved('plan', quick);
  // Many that come to a limit at once are refused without waiting for each other.
  const seen = await findRoomOrNull(tx.db, { userId, tier, now });
  if (seen !== null && !seen.hasRoom) throw refusal(seen);
  // There is no period yet, or credits: one after the other, from here on. What found no room above may hold the lock
  // of the period's row all the same, so the account, which others lock first, is locked only where there is none.
  const period = (await lockPeriodOrNull(tx.db, userId, now)) ?? (await lockAccount(tx, userId)).period;
  const ofPlan = await reserveOfPlan(tx.db, wanted);
  if (ofPlan !== null) return reserved('plan', ofPlan);
  const left = (await findRoomOrNull(tx.db, { userId, tier, now })) ?? {
    period,
    isUnderCap: true,
    hasRoom: true,
  };
  const ofCredits = left.hasRoom ? await reserveOfCredits(tx.db, wanted, period.id) : null;
  if (ofCredits !== null) return reserved('credits', ofCredits);
  throw refusal(left);

  function refusal(room: Room): AppError {
    return scope.memberRole === null ? refusalForVisitor(place) : refusalForMember(room, tier, now);
  }

  function reserved(of: Reservation['of'], { periodId, creditGrantId }: ReservedPlace): Reservation {
    return { of, userId, periodId, creditGrantId, tier };
  }
}

function refusalForMember({ period, isUnderCap }: Room, tier: Tier, now: Date): AppError {
  const resetsAt = period.periodEnd.toISOString();
  const { reservedMessagesMini, reservedMessagesPremium } = period;
  if (!isUnderCap) {
    const [used, limit] = [Number(period.cost), Number(period.spendingCap)];
    const pending = reservedMessagesMini + reservedMessagesPremium;
    return usageLimitError({ what: 'spendingCap', used, limit, resetsAt }, now, pending);
  }
  const isMini = tier === 'mini';
  return usageLimitError(
    {
      what: isMini ? 'messagesMini' : 'messagesPremium',
      used: isMini ? period.usedMessagesMini : period.usedMessagesPremium,
      limit: (isMini ? period.limitMessagesMini : period.limitMessagesPremium) ?? 0,
      resetsAt,
    },
    now,
    isMini ? reservedMessagesMini : reservedMessagesPremium,
  );
}

function refusalForVisitor({ fallbackMessage }: MessagePlace): AppError {
  return new AppError(
    'usage_limit_exceeded',
    'This chatbot cannot answer at the moment. Please try again later, or reach its owner in another way.',
    { fallbackMessage },
  );
}
