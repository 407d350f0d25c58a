import type { MailContent } from '#platform/mail/render-mail.js';

/** What an account is told when a limit of its plan is near, or reached. */
export function usageWarningMail(warning: {
  /** Such as `mini messages`. */
  what: string;
  used: number;
  limit: number;
  percent: number;
  resetsAt: Date;
}): MailContent {
  const { what, used, limit, percent, resetsAt } = warning;
  const day = resetsAt.toISOString().slice(0, 10);
  const isReached = percent >= 100;
  return {
    subject: isReached ? `Your ${what} are used up` : `${percent} % of your ${what} are used`,
    paragraphs: [
      `Your chatbots have used ${used} of the ${limit} ${what} of your plan.`,
      isReached
        ? `Until ${day} they answer from add-on credits, where you have some, and else show their fallback message. A larger plan or an add-on lets them go on.`
        : `When they reach the limit they answer from add-on credits, where you have some, and else show their fallback message. It resets on ${day} (UTC).`,
    ],
    footnote: 'This mail comes once in a period for each limit that is near, and once when it is reached.',
  };
}
