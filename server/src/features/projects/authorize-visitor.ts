import { AppError } from '#kernel/app-error.js';
import { isId } from '#kernel/ids.js';
import type { Context } from '#platform/context.js';
import { type Caller, type ProjectScope, mintProjectScope } from '#platform/scope.js';
import { findVisitorPolicyOrNull } from './projects.queries.js';

/**
 * Mints the scope of a visitor of a public project.
 * @param origin the `Origin` header; null (no browser, or the own page) is allowed
 * @throws AppError `not_found` for a private or unknown project, `forbidden` for an origin that is not allowed
 */
export async function authorizeVisitor(
  ctx: Pick<Context, 'db'>,
  caller: Caller,
  projectId: string,
  origin: string | null,
): Promise<ProjectScope> {
  const policy = isId(projectId) ? await findVisitorPolicyOrNull(ctx.db, projectId) : null;
  if (policy === null || !policy.isPublic) throw new AppError('not_found', 'There is no such project.');
  if (origin !== null && !isOriginAllowed(policy.allowedOrigins, origin)) {
    throw new AppError('forbidden', 'This website is not among the allowed origins of the project.');
  }
  return mintProjectScope({ ...caller, actor: { type: 'visitor' } }, projectId, null);
}

/** Whether a browser on `origin` may talk to a public project at all: the answer to a CORS preflight. */
export async function isVisitorOrigin(
  ctx: Pick<Context, 'db'>,
  projectId: string,
  origin: string,
): Promise<boolean> {
  const policy = isId(projectId) ? await findVisitorPolicyOrNull(ctx.db, projectId) : null;
  return policy !== null && policy.isPublic && isOriginAllowed(policy.allowedOrigins, origin);
}

function isOriginAllowed(allowedOrigins: string[], origin: string): boolean {
  return allowedOrigins.length === 0 || allowedOrigins.includes(origin);
}
