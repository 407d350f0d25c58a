import { z } from 'zod';
import { problemSchema } from './problem.js';

const LONE_SURROGATE = /\p{Surrogate}/u;

/** Text that PostgreSQL and JSON can hold: no NUL and no lone surrogate. */
export function text(options: { min?: number; max: number }) {
  const { min = 0, max } = options;
  return z
    .string({ error: ({ input }) => (input === undefined ? 'is required' : 'must be a text') })
    .min(min, min === 1 ? 'must not be empty' : `must have at least ${min} characters`)
    .max(max, `must have at most ${max} characters`)
    .refine(isStorableText, 'must not contain NUL characters or lone surrogates');
}

export function isStorableText(value: string): boolean {
  return !value.includes('\u0000') && !LONE_SURROGATE.test(value);
}

const MAX_NAME_LENGTH = 300;

/** A name as people give it: trimmed, and not empty. */
export const nameSchema = text({ max: MAX_NAME_LENGTH })
  .transform((value) => value.trim())
  .refine((value) => value !== '', 'must not be empty');

const MAX_EMAIL_LENGTH = 254;

/** An address in the one form that it is stored and compared in. */
export const emailSchema = text({ max: MAX_EMAIL_LENGTH })
  .transform((value) => value.normalize('NFKC').trim().toLowerCase())
  .pipe(z.email('must be an e-mail address').max(MAX_EMAIL_LENGTH));

const MAX_PHONE_LENGTH = 50;

/** A telephone number as people write it, in the one form that it is stored and compared in: `+` and digits. */
export const phoneSchema = text({ min: 1, max: MAX_PHONE_LENGTH })
  .transform(normalizePhone)
  .refine(
    (value) => /^\+?\d{5,20}$/.test(value),
    'must be a telephone number of 5 to 20 digits such as +49 30 123456',
  );

/** What is no number is left as it is. A number without a country code gets none: which one is not known here. */
function normalizePhone(written: string): string {
  const value = written.normalize('NFKC').trim();
  if (!/^\+?[\d\s().\-\u2010-\u2015/]+$/.test(value)) return value;
  const digits = value.replace(/^(\+|00)(.*?)\(0\)/, '$1$2').replaceAll(/[^\d+]/g, '');
  return digits.replace(/^00/, '+');
}

export const idSchema = z.uuid();
export const instantSchema = z.iso.datetime();

/** A month in UTC. */
export const monthSchema = z.string().regex(/^2\d{3}-(0[1-9]|1[0-2])$/, 'must be a month such as 2026-01');

/** Ids in paths are plain strings: a malformed one is `not_found`, as an unknown one is. */
export const pathId = z.string();

const MAX_METADATA_BYTES = 16 * 1024;
const MAX_METADATA_DEPTH = 5;

export const metadataSchema = z
  .record(z.string(), z.unknown())
  .refine((value) => isStorableJson(value, 0), {
    error: 'must not contain NUL characters, lone surrogates or deep nesting',
    // The next check serializes, which deep nesting would break.
    abort: true,
  })
  .refine((value) => JSON.stringify(value).length <= MAX_METADATA_BYTES, 'must not exceed 16 KiB of JSON');

function isStorableJson(value: unknown, depth: number): boolean {
  if (typeof value === 'string') return isStorableText(value);
  if (typeof value !== 'object' || value === null) return true;
  if (depth >= MAX_METADATA_DEPTH) return false;
  return Object.entries(value).every(([key, item]) => isStorableText(key) && isStorableJson(item, depth + 1));
}

const MAX_LIST_LIMIT = 100;
const DEFAULT_LIST_LIMIT = 20;
const MAX_CURSOR_LENGTH = 300;

/** Query parameters of every list. */
export const listQuery = {
  limit: z.coerce.number().int().min(1).max(MAX_LIST_LIMIT).default(DEFAULT_LIST_LIMIT),
  cursor: z.string().max(MAX_CURSOR_LENGTH).optional(),
};

export function listOf<Item extends z.ZodType>(item: Item) {
  return z.object({ data: z.array(item), nextCursor: z.string().nullable() });
}

/** The problems that any route may answer with, for the OpenAPI document. */
export const problems = {
  '4xx': problemSchema,
  '5xx': problemSchema,
};
