import type { z } from 'zod';
import { answerOptionsOf, retrievalOptionsOf } from './project-options.js';
import type { ProjectRow } from './projects.queries.js';
import type { projectSchema } from './projects.schemas.js';

/** A project as the API shows it; the response schema drops what it does not name. */
export function presentProject(row: ProjectRow): z.infer<typeof projectSchema> {
  return {
    ...row,
    retrievalOptions: retrievalOptionsOf(row.retrievalOptions),
    answerOptions: answerOptionsOf(row.answerOptions),
    retention: { conversations: null, leads: null, traces: null, ...row.retention },
    createdAt: row.createdAt.toISOString(),
    updatedAt: row.updatedAt.toISOString(),
  };
}
