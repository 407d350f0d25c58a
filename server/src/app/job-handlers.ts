import { type JobRegistry, registerJobs } from '#platform/jobs/job-registry.js';
import { ingestSource } from '#features/ingestion/ingest-source.js';
import { ingestSourceJob } from '#features/ingestion/ingestion.jobs.js';
import { deleteStoredFiles, deleteStoredFilesJob } from '#features/projects/projects.jobs.js';

const jobCatalog = { ingestSource: ingestSourceJob, deleteStoredFiles: deleteStoredFilesJob };

/** Every kind of job with its handler; a missing handler does not compile. */
export const jobRegistry: JobRegistry = registerJobs(jobCatalog, { ingestSource, deleteStoredFiles });
