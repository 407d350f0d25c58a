import { type JobRegistry, registerJobs } from '#platform/jobs/job-registry.js';
import { sendMailJob } from '#platform/mail/mail.jobs.js';
import { sendMail } from '#platform/mail/send-mail.js';
import { requestPasswordResetJob } from '#features/auth/auth.jobs.js';
import { mailPasswordReset } from '#features/auth/request-password-reset.js';
import { syncSubscriptionJob } from '#features/billing/billing.jobs.js';
import { endCustomer } from '#features/billing/end-customer.js';
import { syncSubscription } from '#features/billing/mend-subscriptions.js';
import { evaluateTestSet } from '#features/evaluation/evaluate-test-set.js';
import { evaluateTestSetJob } from '#features/evaluation/evaluation.jobs.js';
import { changeEmbeddingModel } from '#features/ingestion/embedding-models/change-embedding-model.js';
import { ingestPage } from '#features/ingestion/ingest-page.js';
import { ingestSource } from '#features/ingestion/ingest-source.js';
import {
  changeEmbeddingModelJob,
  ingestPageJob,
  ingestSourceJob,
} from '#features/ingestion/ingestion.jobs.js';
import {
  calibrateThresholdJob,
  deleteStoredFiles,
  deleteStoredFilesJob,
} from '#features/projects/projects.jobs.js';
import { calibrateThreshold } from '#features/retrieval/calibrate-threshold.js';
import { endPaymentsJob } from '#features/usage/usage.jobs.js';

const jobCatalog = {
  ingestSource: ingestSourceJob,
  ingestPage: ingestPageJob,
  changeEmbeddingModel: changeEmbeddingModelJob,
  evaluateTestSet: evaluateTestSetJob,
  deleteStoredFiles: deleteStoredFilesJob,
  calibrateThreshold: calibrateThresholdJob,
  requestPasswordReset: requestPasswordResetJob,
  sendMail: sendMailJob,
  syncSubscription: syncSubscriptionJob,
  endPayments: endPaymentsJob,
};

/** Every kind of job with its handler; a missing handler does not compile. */
export const jobRegistry: JobRegistry = registerJobs(jobCatalog, {
  ingestSource,
  ingestPage,
  changeEmbeddingModel,
  evaluateTestSet,
  deleteStoredFiles,
  calibrateThreshold,
  requestPasswordReset: mailPasswordReset,
  sendMail,
  syncSubscription,
  endPayments: endCustomer,
});
