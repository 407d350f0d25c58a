import type { FastifyInstance } from 'fastify';
import { AppError } from '#kernel/app-error.js';

/** Deeper than any body of the API, and shallow enough for whatever walks a value by recursion. */
const MAX_DEPTH = 64;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COLON = 0x3a;
const OPEN_BRACE = 0x7b;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACE = 0x7d;
const CLOSE_BRACKET = 0x5d;

/** Has bodies in JSON read by `parseJson`; the framework's own parser keeps the last of two equal names. */
export function readJsonBodies(server: FastifyInstance): void {
  server.removeContentTypeParser('application/json');
  server.addContentTypeParser('application/json', { parseAs: 'buffer' }, (_request, body, done) => {
    try {
      done(null, parseJson(body as Buffer));
    } catch (error) {
      done(error as Error);
    }
  });
}

/**
 * Reads JSON (RFC 8259) that somebody sent. Refused beyond its syntax are what two readers would read differently, and
 * what is only sent to break something: a name twice in one object, bytes that are not UTF-8, more than 64 levels,
 * `__proto__`, and `prototype` in a `constructor`.
 * @throws AppError `malformed`
 */
export function parseJson(bytes: Buffer): unknown {
  if (bytes.length === 0) throw malformed('The body is empty; this route takes a JSON object.');
  const shape = measure(bytes);
  if (shape.depth > MAX_DEPTH) throw malformed(`The JSON is nested deeper than ${MAX_DEPTH} levels.`);
  const value = parse(bytes);
  // JSON.parse keeps one of two equal names, so an object that has a name twice has fewer names than colons.
  if (countNames(value) < shape.colons) throw malformed('The JSON has a name twice in one object.');
  return value;
}

/** The levels of a JSON text, and its colons outside of strings: one for each name. */
function measure(bytes: Buffer): { depth: number; colons: number } {
  let depth = 0;
  let deepest = 0;
  let colons = 0;
  for (let index = 0; index < bytes.length; index += 1) {
    const byte = bytes[index] ?? 0;
    if (byte === QUOTE) index = endOfString(bytes, index);
    else if (byte === COLON) colons += 1;
    else if (byte === OPEN_BRACE || byte === OPEN_BRACKET) deepest = Math.max(deepest, (depth += 1));
    else if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) depth -= 1;
  }
  return { depth: deepest, colons };
}

/** Where the string ends that begins at `start`: at its closing quote, or with the text. */
function endOfString(bytes: Buffer, start: number): number {
  let index = start + 1;
  while (index < bytes.length && bytes[index] !== QUOTE) index += bytes[index] === BACKSLASH ? 2 : 1;
  return index;
}

function parse(bytes: Buffer): unknown {
  try {
    // A byte order mark is left out, as RFC 8259 allows.
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    throw malformed('The body is not valid JSON.');
  }
}

/** The names of all objects in a value, which `measure` has found to be shallow. */
function countNames(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  let count = 0;
  if (Array.isArray(value)) {
    for (const item of value) count += countNames(item);
    return count;
  }
  for (const name of Object.keys(value)) {
    const item = (value as Record<string, unknown>)[name];
    if (name === '__proto__' || (name === 'constructor' && isPrototypeHolder(item)))
      throw malformed('The JSON has a reserved name: `__proto__`, or `prototype` in `constructor`.');
    count += 1 + countNames(item);
  }
  return count;
}

function isPrototypeHolder(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, 'prototype');
}

function malformed(detail: string): AppError {
  return new AppError('malformed', detail);
}
