import { AppError, type UsageLimit } from '#kernel/app-error.js';

/** Of a limit, from which on the account is told. */
export const WARNING_PERCENTS = [80, 100] as const;

const NAMES: Record<UsageLimit['what'], string> = {
  messagesMini: 'mini messages',
  messagesPremium: 'premium messages',
  indexedPages: 'indexed pages',
  chatbots: 'chatbots',
  spendingCap: 'US dollars of model costs',
};

/** An answer in the making may come to nothing, and gives its place back then. */
const PENDING_RETRY_SECONDS = 5;

/**
 * What is said to the members of a project; visitors learn nothing of its plan.
 * @param pending messages that are being answered, and hold a place that is not used yet
 */
export function usageLimitError(limit: UsageLimit, now: Date, pending = 0): AppError {
  const { what, resetsAt } = limit;
  const held = pending === 0 ? '' : `, and ${pending} messages are being answered`;
  const resets = resetsAt === null ? '' : ` It resets at ${resetsAt}.`;
  const more =
    what === 'spendingCap'
      ? ' Raise the spending cap of the account to go on before that.'
      : ' A larger plan or an add-on gives more: see GET /v1/billing/plans.';
  return new AppError(
    'usage_limit_exceeded',
    `The limit of ${limit.limit} ${NAMES[what]} is reached: ${limit.used} are used${held}.${resets}${more}`,
    {
      usage: limit,
      ...(resetsAt === null ? {} : { retryAfterSeconds: secondsUntil(resetsAt, now, pending) }),
    },
  );
}

function secondsUntil(instant: string, now: Date, pending: number): number {
  if (pending > 0) return PENDING_RETRY_SECONDS;
  return Math.max(1, Math.ceil((new Date(instant).getTime() - now.getTime()) / 1000));
}
