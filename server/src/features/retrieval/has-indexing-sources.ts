import type { Context } from '#platform/context.js';
import type { ProjectScope } from '#platform/scope.js';
import { countIndexingSources } from './retrieval.queries.js';

/** Whether some source of the project is about to have more to answer from. */
export async function hasIndexingSources(ctx: Pick<Context, 'db'>, scope: ProjectScope): Promise<boolean> {
  return (await countIndexingSources(ctx.db, scope)) > 0;
}
