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

/** Measures from which score on a project's sources answer a question. It holds nothing up. */
export const calibrateThresholdJob = defineJob({
  type: 'calibrate-threshold',
  payload: z.object({
    projectId: z.uuid(),
    /** The state of the index that is to be measured, or a later one. */
    indexVersion: z.int(),
  }),
  priority: 60,
  maxAttempts: 5,
  timeoutMs: 10 * 60_000,
  backoffMs: 15_000,
});

export type CalibrateThresholdPayload = z.infer<typeof calibrateThresholdJob.payload>;

/** One job per project at a time. */
export function calibrateDedupeKey(projectId: string): string {
  return `${calibrateThresholdJob.type}:${projectId}`;
}

type Payload = z.infer<typeof deleteStoredFilesJob.payload>;

/** Deletes the files of something whose rows are gone. */
export const deleteStoredFiles: JobHandler<Payload> = {
  run: (ctx, _job, { folder }) => ctx.storage.deleteFolder(folder),
  retried: async () => {},
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
