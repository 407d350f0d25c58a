import { type ErrorDescription, describeError } from '#platform/logger.js';
import type { ErrorOrigin } from '#platform/ports/error-tracker.js';
import { traceHeaders } from '#platform/tracing.js';

interface Frame {
  filename: string;
  function: string;
  lineno: number;
  colno: number;
  in_app: boolean;
}

/** What of an error may leave the machine, in the shape of a Sentry event. */
export interface ErrorEvent {
  level: 'error';
  platform: 'node';
  logger: string;
  transaction?: string;
  exception: { values: { type: string; value: string; stacktrace: { frames: Frame[] } }[] };
  tags: Record<string, string>;
  contexts?: { trace: { trace_id: string; span_id: string } };
}

const NO_MESSAGE = 'The message is in the log.';
/** What the engine says of code. Any other message may quote a document, a question or a row. */
const ENGINE_MESSAGES = [
  /^Cannot (?:read|set) properties of (?:undefined|null) \((?:reading|setting) '[\w$]{1,40}'\)$/,
  /^[\w$.]{1,80} is not (?:a function|a constructor|iterable|defined)$/,
  /^(?:Maximum call stack size exceeded|Assignment to constant variable\.|Invalid array length)$/,
];
const FRAME_PATTERN = /^at (?:(?<name>.+) \()?(?<file>[^()]+):(?<line>\d+):(?<column>\d+)\)?$/;
const NAME_PATTERN = /^[\w$.<> [\]]{1,100}$/;
/** Names and codes are words of programs; anything else could be text. */
const WORD_PATTERN = /^[\w$.-]{1,60}$/;

/**
 * Tells where an error came up and nothing of what was being worked on: its name and code, its stack by our own paths,
 * the route's pattern and the ids that find its line in the log. Its message stays in the log.
 */
export function errorEvent(error: unknown, origin: ErrorOrigin): ErrorEvent {
  const { what, requestId, route, jobType, task } = origin;
  const tags = { request_id: requestId, route, job_type: jobType, task };
  const transaction = route ?? jobType ?? task;
  const trace = traceContext();
  return {
    level: 'error',
    platform: 'node',
    logger: what,
    ...(transaction === undefined ? {} : { transaction }),
    exception: { values: exceptionValues(describeError(error)) },
    tags: Object.fromEntries(
      Object.entries(tags).filter((tag): tag is [string, string] => tag[1] !== undefined),
    ),
    ...(trace === null ? {} : { contexts: { trace } }),
  };
}

/** Causes first, as Sentry wants them. */
function exceptionValues(error: ErrorDescription): ErrorEvent['exception']['values'] {
  const frames = error.stack.flatMap(toFrame).toReversed();
  const type = WORD_PATTERN.test(error.name) ? error.name : 'Error';
  const value = { type, value: sayable(error), stacktrace: { frames } };
  return error.cause === undefined ? [value] : [...exceptionValues(error.cause), value];
}

function sayable({ message = '', code = '' }: ErrorDescription): string {
  if (ENGINE_MESSAGES.some((pattern) => pattern.test(message))) return message;
  return WORD_PATTERN.test(code) ? code : NO_MESSAGE;
}

function toFrame(line: string): Frame[] {
  const { name = '', file = '', line: row, column } = FRAME_PATTERN.exec(line)?.groups ?? {};
  const filename = pathInProgram(file);
  if (filename === null) return [];
  return [
    {
      filename,
      function: NAME_PATTERN.test(name) ? name : '?',
      lineno: Number(row),
      colno: Number(column),
      in_app: filename.startsWith('server/'),
    },
  ];
}

/** A path as it is in the repository, or null for what is no file of the program. */
function pathInProgram(file: string): string | null {
  if (/^node:[\w/.-]+$/.test(file)) return file;
  const [path] = /(?:server\/(?:src|dist)|node_modules)\/[\w@/.-]+$/.exec(file) ?? [];
  return path ?? null;
}

function traceContext(): { trace_id: string; span_id: string } | null {
  const [, traceId, spanId] = traceHeaders().traceparent?.split('-') ?? [];
  return traceId === undefined || spanId === undefined ? null : { trace_id: traceId, span_id: spanId };
}
