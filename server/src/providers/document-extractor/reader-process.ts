import { spawn } from 'node:child_process';
import type { Socket } from 'node:net';
import { fileURLToPath } from 'node:url';

import type { SourceError } from '#kernel/source-error.js';

import { crashError, memoryError, outputError } from './extraction-errors.js';
import { type ExtractionHeader, LENGTH_BYTES, REPLY_FILE_DESCRIPTOR } from './extraction-protocol.js';
import { createReplyFrames } from './reply-frames.js';
import { watchResidentBytes } from './resident-bytes.js';

export interface ProcessLimits {
  /** The module that the process runs: `app/extraction-process`. */
  entry: URL;
  /** Options for Node, such as `--import tsx` when it runs from source. */
  execArgv: string[];
  maxResidentBytes: number;
  /** UTF-16 units of text of one input. */
  maxOutputCharacters: number;
}

/** What came of one input: the JSON of a reply, or why the process is no more. */
type Answer = { type: 'reply'; json: string } | { type: 'ended'; error: unknown };

export interface ReaderProcess {
  /** 0 where it could not be started. */
  readonly processId: number;
  /** Inputs that it was given so far. */
  readonly inputCount: number;
  /** Alive, and in no conversation. */
  readonly isIdle: boolean;
  /** Resolves when it is gone; never rejects. */
  readonly ended: Promise<void>;
  /**
   * Hands over the header of the next input. `begun`: whether the process took it, after which the body is sent by
   * `write`. Neither promise rejects.
   */
  converse(header: Omit<ExtractionHeader, 'id'>): { begun: Promise<boolean>; answer: Promise<Answer> };
  /** Sends a piece of the body (an empty one ends it); resolves when more may be sent. @throws when the process is gone */
  write(bytes: Uint8Array): Promise<void>;
  /** Kills it; the first reason given is the answer to the input that it was reading. */
  stop(error: unknown): void;
  /** Whether this process waits for that one before it ends. */
  hold(isHeld: boolean): void;
}

interface Conversation {
  id: number;
  hasBegun: boolean;
  settleBegun: (hasBegun: boolean) => void;
  settle: (answer: Answer) => void;
}

const BYTES_PER_MEBIBYTE = 1024 * 1024;
/** V8 collects garbage in earnest before the process as a whole is over its limit. */
const HEAP_SHARE = 0.75;
/** The most that JSON makes of one UTF-16 unit: `\u0000`. */
const JSON_BYTES_PER_CHARACTER = 6;
/** All that a reply holds beside the text; the facts of a page are most of it. */
const REPLY_OVERHEAD_BYTES = 32 * BYTES_PER_MEBIBYTE;
const KEPT_STDERR_CHARACTERS = 8_192;

/** Starts a process that reads inputs, and kills it when it takes too much memory or breaks the protocol. */
export function startReaderProcess(limits: ProcessLimits): ReaderProcess {
  const child = spawnProcess(limits);
  // A pipe is missing where the process could not be started at all.
  const [stdin, , stderr, replies] = child.stdio as (Socket | null | undefined)[];
  const maxReplyBytes = limits.maxOutputCharacters * JSON_BYTES_PER_CHARACTER + REPLY_OVERHEAD_BYTES;
  let inputCount = 0;
  let current: Conversation | null = null;
  let stopped: { error: unknown } | null = null;
  let hasEnded = false;
  let stderrTail = '';

  const stop = (error: unknown) => {
    stopped ??= { error };
    child.kill('SIGKILL');
    // Nothing that it still says counts, and nobody who holds the other ends may keep it in the books.
    for (const pipe of [stdin, stderr, replies]) pipe?.destroy();
  };

  const ended = new Promise<void>((resolve) => {
    const end = (error: unknown) => {
      hasEnded = true;
      unwatch();
      const conversation = current;
      current = null;
      conversation?.settleBegun(false);
      conversation?.settle({ type: 'ended', error: stopped === null ? error : stopped.error });
      resolve();
    };
    child.once('error', (error) => {
      // An error with a process id is a failed kill: the process had ended by itself.
      if (child.pid === undefined) end(error);
    });
    child.once('close', (code, signal) => end(endError(code, signal, stderrTail)));
  });
  const unwatch = watchResidentBytes(child.pid ?? 0, limits.maxResidentBytes, () => stop(memoryError()));

  const takeFrame = createReplyFrames({
    onHead: ({ id, length }) => {
      const isExpected = current !== null && current.id === id && current.hasBegun === length > 0;
      if (isExpected && length <= maxReplyBytes) return true;
      stop(isExpected ? outputError() : crashError(`a reply of ${length} bytes to input ${id}, unasked`));
      return false;
    },
    onFrame: ({ payload }) => {
      const conversation = current;
      if (conversation === null) return;
      if (!conversation.hasBegun) {
        conversation.hasBegun = true;
        conversation.settleBegun(true);
        return;
      }
      current = null;
      conversation.settle({ type: 'reply', json: payload.toString('utf8') });
    },
  });
  replies?.on('data', takeFrame);
  stderr?.on('data', (chunk: Buffer) => {
    stderrTail = (stderrTail + chunk.toString('latin1')).slice(-KEPT_STDERR_CHARACTERS);
  });
  // A pipe that breaks with its process is no error of its own.
  for (const pipe of [stdin, stderr, replies]) pipe?.on('error', () => undefined);

  return {
    processId: child.pid ?? 0,
    ended,
    get inputCount() {
      return inputCount;
    },
    get isIdle() {
      return !hasEnded && stopped === null && current === null;
    },
    converse(header) {
      inputCount += 1;
      stderrTail = '';
      const id = inputCount;
      let settleBegun: Conversation['settleBegun'] = () => undefined;
      let settle: Conversation['settle'] = () => undefined;
      const begun = new Promise<boolean>((resolve) => (settleBegun = resolve));
      const answer = new Promise<Answer>((resolve) => (settle = resolve));
      current = { id, hasBegun: false, settleBegun, settle };
      stdin?.write(`${JSON.stringify({ ...header, id })}\n`);
      return { begun, answer };
    },
    write(bytes) {
      const length = Buffer.alloc(LENGTH_BYTES);
      length.writeUInt32BE(bytes.byteLength);
      return new Promise((resolve, reject) => {
        stdin?.write(Buffer.concat([length, bytes]), (error) => (error ? reject(error) : resolve()));
      });
    },
    stop,
    hold(isHeld) {
      for (const handle of [child, stdin, stderr, replies]) {
        if (isHeld) handle?.ref();
        else handle?.unref();
      }
    },
  };
}

function spawnProcess({ entry, execArgv, maxResidentBytes }: ProcessLimits) {
  const heapMebibytes = Math.floor((maxResidentBytes * HEAP_SHARE) / BYTES_PER_MEBIBYTE);
  return spawn(
    process.execPath,
    [
      `--max-old-space-size=${heapMebibytes}`,
      // Small: a reader lives for seconds, and what it keeps of its speed is not worth tens of megabytes.
      '--max-semi-space-size=4',
      ...execArgv,
      fileURLToPath(entry),
    ],
    {
      // No secret of ours is within reach of code that reads a stranger's file.
      env: {},
      stdio: Array.from({ length: REPLY_FILE_DESCRIPTOR + 1 }, (_, descriptor) =>
        descriptor === 1 ? 'ignore' : 'pipe',
      ),
    },
  );
}

function endError(code: number | null, signal: NodeJS.Signals | null, stderr: string): SourceError {
  // The kernel kills for want of memory; V8 aborts and says so.
  if (signal === 'SIGKILL' || /heap out of memory|allocation failed/i.test(stderr)) {
    return memoryError(stderr);
  }
  return crashError(`the process ended with ${signal ?? `code ${code}`}: ${stderr}`);
}
