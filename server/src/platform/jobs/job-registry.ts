import type { HandlersFor, JobDefinition, JobHandler } from './define-job.js';

/** A definition with its handler: the payload's type is known to the pair alone. */
export interface RegisteredJob {
  definition: JobDefinition<unknown>;
  handler: JobHandler<unknown>;
}

export type JobRegistry = ReadonlyMap<string, RegisteredJob>;

/** Pairs a catalog with its handlers; the compiler has seen that none is missing. */
export function registerJobs<Catalog extends object>(
  catalog: Catalog,
  handlers: HandlersFor<Catalog>,
): JobRegistry {
  return new Map(
    Object.entries(catalog).map(([name, definition]: [string, JobDefinition<unknown>]) => {
      const handler = handlers[name as keyof Catalog] as unknown as JobHandler<unknown>;
      return [definition.type, { definition, handler }];
    }),
  );
}
