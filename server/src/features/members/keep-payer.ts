import { AppError } from '#kernel/app-error.js';
import type { MemberRow } from './members.queries.js';

/**
 * Who pays for a project is its owner by role too, for as long as it pays. So there is always an owner, whoever else
 * leaves, is removed or loses the role at the same time.
 * @throws AppError `conflict`
 */
export function keepPayer(member: MemberRow): void {
  if (member.id !== member.ownerId) return;
  throw new AppError(
    'conflict',
    'This member pays for the project and stays its owner. Transfer the project to another member first.',
  );
}
