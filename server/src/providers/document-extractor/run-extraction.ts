import { type ChildProcess, spawn } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';

import { SourceError } from '#kernel/source-error.js';
import type { ExtractedDocument, ExtractionInput } from '#platform/ports/document-extractor.js';

import { type ExtractionHeader, REPLY_FILE_DESCRIPTOR } from './extraction-protocol.js';
import { parseReply } from './parse-reply.js';
import { watchResidentBytes } from './resident-bytes.js';

export interface ExtractionLimits {
  /** The module that the process runs: `app/extraction-process`. */
  entry: URL;
  /** Options for Node, such as `--import tsx` when it runs from source. */
  execArgv: string[];
  /** From the start of the process to its end. */
  timeoutMs: number;
  maxResidentBytes: number;
  maxInputBytes: number;
  /** UTF-16 units of text. */
  maxOutputCharacters: number;
}

const BYTES_PER_MEBIBYTE = 1024 * 1024;
/** V8 collects garbage in earnest before the process as a whole is over its limit. */
const HEAP_SHARE = 0.75;
/** The most that JSON makes of one UTF-16 unit: `\u0000`. */
const JSON_BYTES_PER_CHARACTER = 6;
const REPLY_OVERHEAD_BYTES = BYTES_PER_MEBIBYTE;
const KEPT_STDERR_BYTES = 8_192;

/**
 * Runs one extraction process to its end: feeds it the file, takes its reply and kills it when it breaks a limit.
 * The process is gone when this settles.
 * @throws SourceError; the error of `input.body` when that fails; the signal's reason when it fires.
 */
export async function runExtraction(
  limits: ExtractionLimits,
  input: ExtractionInput,
  signal: AbortSignal,
): Promise<ExtractedDocument> {
  signal.throwIfAborted();
  const child = startProcess(limits);
  let stopped: unknown = null;
  const stop = (error: unknown) => {
    stopped ??= error;
    child.kill('SIGKILL');
  };
  const onAbort = () => stop(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  const timer = setTimeout(() => stop(timeoutError(limits.timeoutMs)), limits.timeoutMs);
  const unwatch = watchResidentBytes(child.pid ?? 0, limits.maxResidentBytes, () => stop(memoryError()));
  // A body that never ends must not outlive the process that it was for.
  const ended = whenEnded(child).finally(() => input.body.destroy());
  try {
    const maxReplyBytes = limits.maxOutputCharacters * JSON_BYTES_PER_CHARACTER + REPLY_OVERHEAD_BYTES;
    const [end, reply, stderr] = await Promise.all([
      ended,
      readAll(child.stdio[REPLY_FILE_DESCRIPTOR] as Readable, maxReplyBytes, () => stop(outputError())),
      readTail(child.stderr!),
      feed(child.stdin!, input, limits, stop),
    ]);
    if (stopped !== null) throw stopped;
    return parseReply(reply) ?? throwCrash(end, stderr);
  } finally {
    clearTimeout(timer);
    unwatch();
    signal.removeEventListener('abort', onAbort);
  }
}

function startProcess({ entry, execArgv, maxResidentBytes }: ExtractionLimits): ChildProcess {
  const heapMebibytes = Math.floor((maxResidentBytes * HEAP_SHARE) / BYTES_PER_MEBIBYTE);
  return spawn(
    process.execPath,
    [`--max-old-space-size=${heapMebibytes}`, ...execArgv, fileURLToPath(entry)],
    {
      // No secret of ours is within reach of code that reads a stranger's file.
      env: {},
      stdio: ['pipe', 'ignore', 'pipe', 'pipe'],
    },
  );
}

interface ProcessEnd {
  code: number | null;
  signal: NodeJS.Signals | null;
}

function whenEnded(child: ChildProcess): Promise<ProcessEnd> {
  return new Promise((resolve, reject) => {
    child.once('error', (error) => {
      // An error with a process id is a failed kill: the process had ended by itself.
      if (child.pid === undefined) reject(error);
    });
    child.once('close', (code, signal) => resolve({ code, signal }));
  });
}

/** Streams header and file to the process, no faster than it reads. */
async function feed(
  stdin: Writable,
  { body, kind, fileName, mediaType }: ExtractionInput,
  { maxInputBytes, maxOutputCharacters }: ExtractionLimits,
  stop: (error: unknown) => void,
): Promise<void> {
  const header: ExtractionHeader = { kind, fileName, mediaType, maxInputBytes, maxOutputCharacters };
  try {
    await pipeline(async function* () {
      yield `${JSON.stringify(header)}\n`;
      let bytes = 0;
      for await (const chunk of body as AsyncIterable<Uint8Array>) {
        bytes += chunk.byteLength;
        if (bytes > maxInputBytes) throw inputError(maxInputBytes);
        yield chunk;
      }
    }, stdin);
  } catch (error) {
    // A process that ended, or answered before the end of the file, closes the pipe: its end tells the story.
    if (error instanceof SourceError || body.errored !== null) stop(error);
  }
}

async function readAll(stream: Readable, maxBytes: number, onExcess: () => void): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  stream.on('data', (chunk: Buffer) => {
    bytes += chunk.byteLength;
    if (bytes <= maxBytes) chunks.push(chunk);
    else onExcess();
  });
  await whenClosed(stream);
  return Buffer.concat(chunks).toString('utf8');
}

async function readTail(stream: Readable): Promise<string> {
  let tail = '';
  stream.on('data', (chunk: Buffer) => {
    tail = (tail + chunk.toString('latin1')).slice(-KEPT_STDERR_BYTES);
  });
  await whenClosed(stream);
  return tail;
}

function whenClosed(stream: Readable): Promise<void> {
  return new Promise((resolve) => {
    // A pipe that breaks with its process is no error of its own.
    stream.once('error', () => undefined);
    stream.once('close', () => resolve());
  });
}

function throwCrash(end: ProcessEnd, stderr: string): never {
  // The kernel kills for want of memory; V8 aborts and says so.
  if (end.signal === 'SIGKILL' || /heap out of memory|allocation failed/i.test(stderr))
    throw memoryError(stderr);
  throw new SourceError(
    'parser_crashed',
    'Reading the file crashed the program that reads it. The file is probably damaged: save it again, ' +
      'or in another format, and upload the new file.',
    { cause: new Error(`the process ended with ${end.signal ?? `code ${end.code}`}: ${stderr}`) },
  );
}

function timeoutError(timeoutMs: number): SourceError {
  const seconds = Math.round(timeoutMs / 1000);
  return new SourceError(
    'timeout',
    `Reading the file took longer than ${seconds} seconds. Split it into smaller files and upload those.`,
  );
}

function memoryError(cause?: string): SourceError {
  return new SourceError(
    'parser_out_of_memory',
    'Reading the file took too much memory. Split it into smaller files, or save it in a simpler format.',
    { cause },
  );
}

function inputError(maxInputBytes: number): SourceError {
  const megabytes = Math.floor(maxInputBytes / BYTES_PER_MEBIBYTE);
  return new SourceError(
    'too_large',
    `The file is larger than ${megabytes} MB. Split it into smaller files.`,
  );
}

function outputError(): SourceError {
  return new SourceError(
    'too_large',
    'The file holds more text than can be read. Split it into smaller files.',
  );
}
