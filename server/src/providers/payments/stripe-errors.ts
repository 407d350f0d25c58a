import { Stripe } from 'stripe';
import { AppError } from '#kernel/app-error.js';

const RETRY_SECONDS = 30;

/** What Stripe said, without its messages and bodies: those may repeat what was sent, and the key too. */
class StripeFailure extends Error {
  constructor({ type, code, statusCode, requestId, param }: Stripe.errors.StripeError) {
    const facts = { code, status: statusCode, param, request: requestId };
    const told = Object.entries(facts).flatMap(([name, value]) =>
      value === undefined ? [] : [`${name} ${String(value)}`],
    );
    super([`Stripe answered with ${type}`, ...told].join(', '));
    this.name = 'StripeFailure';
  }
}

/** Runs a request to Stripe. @throws AppError `unavailable`, `not_configured` */
export async function askStripe<T>(ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    if (!(error instanceof Stripe.errors.StripeError)) throw error;
    throw appErrorOf(error);
  }
}

/** The same for something that may be gone, which gives null. */
export async function askStripeOrNull<T>(ask: () => Promise<T>): Promise<T | null> {
  try {
    return await ask();
  } catch (error) {
    if (!(error instanceof Stripe.errors.StripeError)) throw error;
    if (error.code === 'resource_missing') return null;
    throw appErrorOf(error);
  }
}

function appErrorOf(error: Stripe.errors.StripeError): AppError {
  const cause = new StripeFailure(error);
  const isRefused =
    error instanceof Stripe.errors.StripeInvalidRequestError ||
    error instanceof Stripe.errors.StripeAuthenticationError ||
    error instanceof Stripe.errors.StripePermissionError;
  if (isRefused) {
    return new AppError(
      'not_configured',
      'Stripe refuses this, as its account is set up. Whoever runs this server finds the reason in the log.',
      { cause },
    );
  }
  return new AppError('unavailable', 'Stripe cannot be reached at the moment. Please try again.', {
    cause,
    retryAfterSeconds: RETRY_SECONDS,
  });
}
