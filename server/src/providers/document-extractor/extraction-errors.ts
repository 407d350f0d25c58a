import { SourceError } from '#kernel/source-error.js';

const BYTES_PER_MEBIBYTE = 1024 * 1024;

export function timeoutError(timeoutMs: number): SourceError {
  const seconds = Math.round(timeoutMs / 1000);
  return new SourceError(
    'timeout',
    `Reading the file took longer than ${seconds} seconds. Split it into smaller files and upload those.`,
  );
}

export function memoryError(cause?: string): SourceError {
  return new SourceError(
    'parser_out_of_memory',
    'Reading the file took too much memory. Split it into smaller files, or save it in a simpler format.',
    { cause },
  );
}

export function inputError(maxInputBytes: number): SourceError {
  const megabytes = Math.floor(maxInputBytes / BYTES_PER_MEBIBYTE);
  return new SourceError(
    'too_large',
    `The file is larger than ${megabytes} MB. Split it into smaller files.`,
  );
}

export function outputError(): SourceError {
  return new SourceError(
    'too_large',
    'The file holds more text than can be read. Split it into smaller files.',
  );
}

/** @param how the process ended, or what it did wrong: for us, not for the file's owner */
export function crashError(how: string): SourceError {
  return new SourceError(
    'parser_crashed',
    'Reading the file crashed the program that reads it. The file is probably damaged: save it again, ' +
      'or in another format, and upload the new file.',
    { cause: new Error(how) },
  );
}
