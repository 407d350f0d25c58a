import { randomBytes } from 'node:crypto';
import { sha256Hex } from '#kernel/hash.js';
import type { Context } from '#platform/context.js';
import type { InvitationRenewal } from './invitations.queries.js';

const TOKEN_BYTES = 32;
const LIFETIME_MS = 7 * 24 * 3_600_000;

/** A new token of an invitation. It goes into a mail and nowhere else; what is stored is its hash. */
export function issueToken(ctx: Pick<Context, 'clock'>): { token: string; renewal: InvitationRenewal } {
  const token = randomBytes(TOKEN_BYTES).toString('base64url');
  const expiresAt = new Date(ctx.clock.now().getTime() + LIFETIME_MS);
  return { token, renewal: { tokenHash: sha256Hex(token), expiresAt } };
}
