import { SourceError } from '#kernel/source-error.js';
import type { ExtractedDocument, ExtractionInput } from '#platform/ports/document-extractor.js';

import { crashError, inputError, timeoutError } from './extraction-errors.js';
import { parseReply } from './parse-reply.js';
import type { ProcessLimits, ReaderProcess } from './reader-process.js';

export interface ExtractionLimits extends ProcessLimits {
  /** From when the input is given to its answer; the start of a process counts for its first input. */
  timeoutMs: number;
  /** More for each byte of an input whose size is known; unset: none. */
  timeoutMsPerByte?: number;
  maxInputBytes: number;
}

export interface ExtractionRun {
  /** Within this time a process that is warm takes an input, or it counts as dead; null: it has all the time there is. */
  beginWithinMs: number | null;
}

/**
 * Has one process read one input, and kills it when the input breaks a limit. The process is gone when this rejects,
 * unless it gave the reason itself.
 * @returns null where the process was found dead before it took the input, whose body is untouched then.
 * @throws SourceError; the error of `input.body` when that fails; the signal's reason when it fires.
 */
export async function runExtraction(
  reader: ReaderProcess,
  input: ExtractionInput,
  limits: ExtractionLimits & ExtractionRun,
  signal: AbortSignal,
): Promise<ExtractedDocument | null> {
  signal.throwIfAborted();
  const { beginWithinMs, maxOutputCharacters } = limits;
  const timeoutMs = limits.timeoutMs + Math.round((input.bytes ?? 0) * (limits.timeoutMsPerByte ?? 0));
  const onAbort = () => reader.stop(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  const timer = setTimeout(() => reader.stop(timeoutError(timeoutMs)), timeoutMs);
  const beginTimer =
    beginWithinMs === null
      ? undefined
      : setTimeout(() => reader.stop(crashError('it did not begin')), beginWithinMs);
  try {
    const { kind, page, fileName, mediaType } = input;
    const header = {
      kind,
      fileName,
      mediaType,
      maxOutputCharacters,
      ...(page === undefined ? {} : { page }),
    };
    const { begun, answer } = reader.converse(header);
    const hasBegun = await begun;
    clearTimeout(beginTimer);
    const isFed = hasBegun ? feed(reader, input, limits.maxInputBytes) : Promise.resolve(false);
    const outcome = await answer;
    if (outcome.type === 'ended') {
      signal.throwIfAborted();
      if (!hasBegun && beginWithinMs !== null) return null;
      throw outcome.error;
    }
    // Who answers before the end of an input cannot be told the next one from the rest of this.
    if (!(await isFedByNow(isFed))) reader.stop(crashError('it answered before the end of the input'));
    return parseReply(outcome.json) ?? (await failWrongReply(reader));
  } finally {
    clearTimeout(timer);
    clearTimeout(beginTimer);
    signal.removeEventListener('abort', onAbort);
  }
}

/** Streams the body to the process, no faster than it reads. @returns whether all of it was sent; never rejects */
async function feed(
  reader: ReaderProcess,
  { body }: ExtractionInput,
  maxInputBytes: number,
): Promise<boolean> {
  try {
    let bytes = 0;
    for await (const chunk of body as AsyncIterable<Uint8Array | string>) {
      const piece = typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
      bytes += piece.byteLength;
      if (bytes > maxInputBytes) throw inputError(maxInputBytes);
      if (piece.byteLength > 0) await reader.write(piece);
    }
    await reader.write(new Uint8Array());
    return true;
  } catch (error) {
    // A process that ended closes the pipe: its end tells the story.
    if (error instanceof SourceError || body.errored !== null) reader.stop(error);
    return false;
  }
}

/** The last write may be confirmed a moment after the answer to it has come. */
function isFedByNow(isFed: Promise<boolean>): Promise<boolean> {
  return Promise.race([isFed, new Promise<boolean>((resolve) => setImmediate(() => resolve(false)))]);
}

/** A process that does not keep to the protocol has been taken over, or is broken. */
async function failWrongReply(reader: ReaderProcess): Promise<never> {
  const error = crashError('a reply that is none');
  reader.stop(error);
  await reader.ended;
  throw error;
}
