import { SourceError } from '#kernel/source-error.js';

/** @throws SourceError `malformed_file`; `what` completes "The file is damaged: …". */
export function refuseMalformed(what: string, cause?: unknown): never {
  throw new SourceError(
    'malformed_file',
    `The file is damaged or forged: ${what}. Open it in the program that it was made with, save it again and ` +
      'upload the new file.',
    { cause },
  );
}

/** @throws SourceError `too_large`; `what` is a sentence without its stop. */
export function refuseTooLarge(what: string): never {
  throw new SourceError('too_large', `${what}. Split the file into smaller ones and upload those.`);
}
