import { and, asc, eq, sql } from 'drizzle-orm';
import { documentChunks, documents } from '#db/schema/documents.js';
import { projects } from '#db/schema/projects.js';
import type { Database } from '#platform/database.js';
import type { ProjectScope } from '#platform/scope.js';

/** Projects that want to be measured and have not been since their index changed. */
export async function listProjectsToCalibrate(
  db: Database,
  { jobType, limit }: { jobType: string; limit: number },
): Promise<{ projectId: string; indexVersion: number }[]> {
  const result = await db.execute<{ projectId: string; indexVersion: number }>(sql`
    select p.id as "projectId", p.index_version as "indexVersion"
    from projects p
    where p.answer_options ->> 'threshold' = 'calibrated' and not exists (
      select from jobs j
      where j.project_id = p.id and j.type = ${jobType} and (j.payload ->> 'indexVersion')::int = p.index_version
    )
    order by p.id
    limit ${limit}`);
  return result.rows;
}

export interface SampledChunk {
  documentId: string;
  language: string;
  text: string;
}

/** Visible chunks as a sample: by the hash of their text, so that the same texts give the same ones. */
export function sampleVisibleChunks(
  db: Database,
  scope: ProjectScope,
  limit: number,
): Promise<SampledChunk[]> {
  return db
    .select({
      documentId: documents.id,
      language: documents.language,
      text: documentChunks.content,
    })
    .from(documentChunks)
    .innerJoin(
      documents,
      and(
        eq(documents.projectId, documentChunks.projectId),
        eq(documents.id, documentChunks.documentId),
        eq(documents.liveVersion, documentChunks.version),
      ),
    )
    .where(eq(documentChunks.projectId, scope.projectId))
    .orderBy(asc(documentChunks.contentHash), asc(documentChunks.chunkIndex))
    .limit(limit);
}

export async function updateCalibratedScore(
  db: Database,
  scope: ProjectScope,
  calibratedScore: number | null,
): Promise<void> {
  await db.update(projects).set({ calibratedScore }).where(eq(projects.id, scope.projectId));
}
