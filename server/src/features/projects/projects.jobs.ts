import { z } from 'zod';
import type { Context } from '#platform/context.js';
import { type JobHandler, defineJob } from '#platform/jobs/define-job.js';

export const deleteStoredFilesJob = defineJob({
  type: 'delete-stored-files',
  payload: z.object({
    /** A folder of the file storage, ending in a slash. */
    folder: z.string().regex(/^projects\/.+\/$/),
  }),
  priority: 50,
  maxAttempts: 10,
  timeoutMs: 600_000,
  backoffMs: 5_000,
});

type Payload = z.infer<typeof deleteStoredFilesJob.payload>;

/** Deletes the files of something whose rows are gone. */
export const deleteStoredFiles: JobHandler<Payload> = {
  run: (ctx, _job, { folder }) => ctx.storage.deleteFolder(folder),
  ended: async (tx: Context, { folder }) => {
    tx.log.error({ folder }, 'stored files could not be deleted');
  },
};

export function projectFolder(projectId: string): string {
  return `projects/${projectId}/`;
}

export function sourceFolder(projectId: string, sourceId: string): string {
  return `projects/${projectId}/sources/${sourceId}/`;
}
