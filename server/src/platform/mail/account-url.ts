import type { Context } from '../context.js';

export type AccountPage = 'verify-email' | 'reset-password' | 'invitation';

/**
 * The address of a page that takes the token of a mail. It stands in the fragment, which browsers do not send: no log
 * and no `Referer` ever has it.
 */
export function accountUrl(ctx: Pick<Context, 'config'>, page: AccountPage, token: string): string {
  const { publicUrl, host, port } = ctx.config.http;
  return `${publicUrl ?? `http://${host}:${port}`}/account/${page}#token=${token}`;
}
