import type { UsageLimit } from '#kernel/app-error.js';
import type { Context } from '#platform/context.js';
import { countProjects } from './holdings.queries.js';
import { lockWhereLimited } from './lock-where-limited.js';

/**
 * Counts the projects of an account, after one was made or came over and before that is committed: of those who do this
 * at the same time, each sees what those before it have done.
 * @returns the limit that the account is beyond; null: it may have them
 */
export async function limitChatbots(
  tx: Pick<Context, 'db' | 'clock'>,
  userId: string,
): Promise<UsageLimit | null> {
  const limited = await lockWhereLimited(tx, userId, 'limitChatbots');
  if (limited === null) return null;
  const count = await countProjects(tx.db, userId);
  if (count <= limited.limit) return null;
  return { what: 'chatbots', used: count - 1, limit: limited.limit, resetsAt: null };
}
