import type { z } from 'zod';
import type { ProjectRow } from './projects.queries.js';
import type { projectSchema } from './projects.schemas.js';

/** A project as the API shows it; the response schema drops what it does not name. */
export function presentProject(row: ProjectRow): z.infer<typeof projectSchema> {
  return { ...row, createdAt: row.createdAt.toISOString(), updatedAt: row.updatedAt.toISOString() };
}
