import type { Context } from '#platform/context.js';
import type { ProjectScope } from '#platform/scope.js';
import { readInProject } from '#platform/transaction.js';
import { countIndexingSources } from './retrieval.queries.js';

/** Whether some source of the project is about to have more to answer from. */
export async function hasIndexingSources(ctx: Pick<Context, 'db'>, scope: ProjectScope): Promise<boolean> {
  const count = await readInProject(ctx, scope, (tx) => countIndexingSources(tx.db, scope));
  return count > 0;
}
