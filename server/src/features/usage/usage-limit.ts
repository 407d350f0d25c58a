import { AppError, type UsageLimit } from '#kernel/app-error.js';

const NAMES: Record<UsageLimit['what'], string> = {
  messagesMini: 'mini messages',
  messagesPremium: 'premium messages',
  indexedPages: 'indexed pages',
  chatbots: 'chatbots',
  spendingCap: 'US dollars of model costs',
};

/** What is said to the members of a project; visitors learn nothing of its plan. */
export function usageLimitError(limit: UsageLimit, now: Date): AppError {
  const { what, resetsAt } = limit;
  const resets = resetsAt === null ? '' : ` It resets at ${resetsAt}.`;
  const more =
    what === 'spendingCap'
      ? ' Raise the spending cap of the account to go on before that.'
      : ' A larger plan or an add-on gives more: see GET /v1/billing/plans.';
  return new AppError(
    'usage_limit_exceeded',
    `The limit of ${limit.limit} ${NAMES[what]} is reached: ${limit.used} are used.${resets}${more}`,
    {
      usage: limit,
      ...(resetsAt === null ? {} : { retryAfterSeconds: secondsUntil(resetsAt, now) }),
    },
  );
}

function secondsUntil(instant: string, now: Date): number {
  return Math.max(1, Math.ceil((new Date(instant).getTime() - now.getTime()) / 1000));
}
