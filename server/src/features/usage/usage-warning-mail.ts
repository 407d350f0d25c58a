import type { MailContent } from '#platform/mail/render-mail.js';

const FOOTNOTE = 'This mail comes once in a period for each limit that is near, and once when it is reached.';

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
    footnote: FOOTNOTE,
  };
}

/** The same of pages, which do not come back with the next period. */
export function pageWarningMail({
  used,
  limit,
  percent,
}: {
  used: number;
  limit: number;
  percent: number;
}): MailContent {
  const isReached = percent >= 100;
  return {
    subject: isReached ? 'Your indexed pages are used up' : `${percent} % of your indexed pages are used`,
    paragraphs: [
      `Your chatbots know ${used} of the ${limit} indexed pages that your account may hold.`,
      `${isReached ? 'New pages are not indexed now' : 'At the limit new pages are not indexed any more'}; those that are there stay and are kept up to date. To make room, delete pages or sources that are not needed, or take a larger plan or an add-on.`,
    ],
    footnote: FOOTNOTE,
  };
}
