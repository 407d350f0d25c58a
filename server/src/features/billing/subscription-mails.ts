import type { MailContent } from '#platform/mail/render-mail.js';

const PLAN_FOOTNOTE = 'This mail comes once for each time that this happens.';

/** What an account is told when its payment was not taken, and its plan goes on for now. */
export function paymentFailedMail(name: string, plan: string): MailContent {
  return {
    subject: 'Your payment did not go through',
    paragraphs: [
      `Hello ${name},`,
      `the payment for your ${plan} plan did not go through. Your plan goes on for now, and the payment is tried again in the next days.`,
      'Please see to your means of payment in the billing portal of your account. If no payment comes through, your account goes back to the free plan.',
    ],
    footnote: PLAN_FOOTNOTE,
  };
}

/** What an account is told when its paid plan has ended. */
export function planEndedMail(name: string, plan: string): MailContent {
  return {
    subject: `Your ${plan} plan has ended`,
    paragraphs: [
      `Hello ${name},`,
      `your ${plan} plan has ended, and your account is on the free plan now. Nothing of it was deleted: its chatbots answer within the limits of the free plan.`,
      'You can subscribe again at any time.',
    ],
    footnote: PLAN_FOOTNOTE,
  };
}
