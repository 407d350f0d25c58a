import { S3ServiceException } from '@aws-sdk/client-s3';

import { AppError } from '#kernel/app-error.js';

const FULL_NAMES = new Set([
  'InsufficientStorage',
  'QuotaExceeded',
  'XMinioStorageFull',
  'XMinioAdminBucketQuotaExceeded',
]);
const INSUFFICIENT_STORAGE_STATUS = 507;
const REFUSED_STATUSES = new Set([401, 403]);

/**
 * What a failed call to S3 means to people. The SDK's own error is not passed on: it carries the access key's id
 * and the string that was signed. Its cause is what an operator needs: status and code, or the network's code.
 */
export function storageError(error: unknown): AppError {
  const cause = causeOf(error);
  if (isFull(error)) {
    return new AppError('unavailable', 'The file could not be stored: the file storage is full.', { cause });
  }
  if (isRefused(error)) {
    return new AppError(
      'unavailable',
      'The file storage refuses us at the moment: its settings need a look.',
      {
        cause,
      },
    );
  }
  return new AppError('unavailable', 'The file storage cannot be reached at the moment. Please try again.', {
    cause,
  });
}

/** S3's code for a failure, such as `NoSuchKey`; empty where S3 did not answer. */
export function s3CodeOf(error: unknown): string {
  return error instanceof S3ServiceException ? error.name : '';
}

function isFull(error: unknown): boolean {
  return (
    error instanceof S3ServiceException &&
    (error.$metadata.httpStatusCode === INSUFFICIENT_STORAGE_STATUS || FULL_NAMES.has(error.name))
  );
}

function isRefused(error: unknown): boolean {
  if (error instanceof S3ServiceException) return REFUSED_STATUSES.has(error.$metadata.httpStatusCode ?? 0);
  return error instanceof Error && error.name === 'CredentialsProviderError';
}

function causeOf(error: unknown): Error {
  if (error instanceof S3ServiceException) {
    return Object.assign(new Error(`S3 answered ${error.$metadata.httpStatusCode ?? 'without a status'}`), {
      name: 'S3Error',
      code: error.name,
    });
  }
  if (!(error instanceof Error)) return new Error('S3 failed without an error');
  const code = 'code' in error && typeof error.code === 'string' ? error.code : error.name;
  return Object.assign(new Error('the call to S3 failed'), { name: 'S3Error', code });
}
