import type { Context } from '#platform/context.js';
import type { RateLimit, RateLimiter } from '#platform/ports/rate-limiter.js';
import type { Caller } from '#platform/scope.js';
import { isProjectMember } from './audit.queries.js';
import type { Refusal } from './describe-refusal.js';
import { networkOf } from './mask-changes.js';
import { recordAudit } from './record-audit.js';

const WINDOW_MS = 60_000;
const MAX_PER_CALLER = 60;
/** Many addresses together do not fill the database either. */
const MAX_IN_ALL = 600;

export interface RefusalLimits {
  perCaller: RateLimit;
  inAll: RateLimit;
}

export function createRefusalLimits(limiter: RateLimiter): RefusalLimits {
  return {
    perCaller: limiter.createLimit({ name: 'refusal', points: MAX_PER_CALLER, windowMs: WINDOW_MS }),
    inAll: limiter.createLimit({ name: 'refusals', points: MAX_IN_ALL, windowMs: WINDOW_MS }),
  };
}

/**
 * Notes that an act was refused, after the fact. A member's refusal is the project's business; anybody else's stands
 * under who tried, with the project in `changes`, so that strangers can write nothing into a project's log. More than
 * the limits allow is only counted.
 */
export async function recordRefusal(
  ctx: Pick<Context, 'db'>,
  limits: RefusalLimits,
  caller: Caller,
  refusal: Refusal,
): Promise<'written' | 'dropped'> {
  if (!(await limits.perCaller.consume(limitKeyOf(caller))).isAllowed) return 'dropped';
  if (!(await limits.inAll.consume('all')).isAllowed) return 'dropped';
  const { actor, ip } = caller;
  const { projectId } = refusal;
  const isOfProject =
    projectId !== null && actor.type === 'user' && (await isProjectMember(ctx.db, projectId, actor.userId));
  // Somebody who asks a project without an account may be a visitor of it.
  const isVisitor = actor.type === 'visitor' && projectId !== null;
  await recordAudit(ctx, isVisitor && ip !== null ? { ...caller, ip: networkOf(ip) } : caller, {
    projectId: isOfProject ? projectId : null,
    action: 'request.refused',
    outcome: 'refused',
    resourceType: 'route',
    resourceId: refusal.resourceId,
    changes: { ...refusal.changes, ...(isOfProject || projectId === null ? {} : { projectId }) },
  });
  return 'written';
}

/** Of IPv6 a site has more addresses than could be counted: its network is one caller. */
function limitKeyOf({ actor, ip }: Caller): string {
  if (actor.type === 'user') return `user ${actor.userId}`;
  return `address ${ip === null || !ip.includes(':') ? ip : networkOf(ip)}`;
}
