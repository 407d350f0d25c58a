import type { Context } from '#platform/context.js';

/** Where a browser comes back to from the pages of the payment provider. */
export function returnUrls(ctx: Pick<Context, 'config'>): {
  paidUrl: string;
  cancelledUrl: string;
  returnUrl: string;
} {
  const { publicUrl, host, port } = ctx.config.http;
  const base = publicUrl ?? `http://${host}:${port}`;
  return {
    paidUrl: `${base}/?checkout=paid`,
    cancelledUrl: `${base}/?checkout=cancelled`,
    returnUrl: `${base}/`,
  };
}
