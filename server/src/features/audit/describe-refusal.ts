import { isId } from '#kernel/ids.js';
import { maskEmail } from './mask-changes.js';

/** What is known of a request that was refused. */
export interface RefusedRequest {
  code: string;
  method: string;
  /** As the OpenAPI document has it: `/v1/projects/{projectId}`. */
  route: string;
  params: unknown;
  query: unknown;
  body: unknown;
  hasCredential: boolean;
  /** The route takes its credential in the header `Authorization`. */
  needsBearer: boolean;
  /** The route compares a secret: sign-in and the like. */
  isSecret: boolean;
  /** The caller was found to be allowed into the project; what was missing then was in it. */
  isInProject: boolean;
}

export interface Refusal {
  resourceId: string;
  /** Of the path or the query, whether it exists or not. */
  projectId: string | null;
  changes: Record<string, unknown>;
}

/**
 * What the audit log says of a refused request, or null for one that was no attempt at anything: a request without any
 * credential, a mistake in its form, something that the caller's own project does not hold.
 */
export function describeRefusal(request: RefusedRequest): Refusal | null {
  if (!isNoteworthy(request)) return null;
  const projectId = idIn(request.params) ?? idIn(request.query);
  const email = fieldOf(request.body, 'email');
  return {
    resourceId: `${request.method} ${request.route}`,
    projectId,
    changes: {
      code: request.code,
      ...(typeof email === 'string' && request.isSecret
        ? { email: maskEmail(email.trim().toLowerCase()) }
        : {}),
    },
  };
}

function isNoteworthy(request: RefusedRequest): boolean {
  switch (request.code) {
    case 'invalid_credentials':
    case 'forbidden':
      return true;
    case 'unauthenticated':
    case 'token_expired':
      return request.hasCredential || !request.needsBearer;
    case 'not_found':
      // A dead token of a mail, or something that is named by an id and is not the caller's.
      return request.isSecret || (!request.isInProject && isAboutId(request));
    case 'conflict':
    case 'rate_limited':
      return request.isSecret;
    default:
      return false;
  }
}

function isAboutId({ route, query }: RefusedRequest): boolean {
  return route.includes('{') || fieldOf(query, 'projectId') !== undefined;
}

function idIn(fields: unknown): string | null {
  const projectId = fieldOf(fields, 'projectId');
  return typeof projectId === 'string' && isId(projectId) ? projectId.toLowerCase() : null;
}

function fieldOf(fields: unknown, name: string): unknown {
  return typeof fields === 'object' && fields !== null
    ? (fields as Record<string, unknown>)[name]
    : undefined;
}
