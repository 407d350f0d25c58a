import { Stripe } from 'stripe';
import { AppError } from '#kernel/app-error.js';

const TOLERANCE_SECONDS = 300;

/**
 * Parses what Stripe has signed (`Stripe-Signature: t=…,v1=…`, HMAC-SHA256 over `t.body`, compared in constant time).
 * The package refuses signatures that are too old; one from the future could be kept until its time, so it is refused
 * as well.
 * @throws AppError `malformed`
 */
export function parseSigned(
  { webhooks }: Pick<Stripe, 'webhooks'>,
  message: { body: Buffer; signature: string | undefined; secret: string; now: Date },
): unknown {
  const { body, signature = '', secret, now } = message;
  const nowSeconds = Math.floor(now.getTime() / 1000);
  if (timestampOf(signature) - nowSeconds > TOLERANCE_SECONDS) throw refusal();
  try {
    return webhooks.constructEvent(body, signature, secret, TOLERANCE_SECONDS, undefined, nowSeconds * 1000);
  } catch (error) {
    // Why it is refused is not said: whoever signs rightly needs no help, and others get none.
    if (error instanceof Stripe.errors.StripeSignatureVerificationError) throw refusal();
    throw new AppError('malformed', 'The body is no event of Stripe’s.');
  }
}

/** As the package reads it: the last of several. */
function timestampOf(signature: string): number {
  const times = signature.split(',').filter((item) => item.startsWith('t='));
  return Number.parseInt(times.at(-1)?.slice(2) ?? '', 10);
}

function refusal(): AppError {
  return new AppError(
    'malformed',
    'The Stripe-Signature does not fit the body, or was not made within the last five minutes.',
  );
}
