import { z } from 'zod';

import { SourceError } from '#kernel/source-error.js';
import type { ExtractedDocument } from '#platform/ports/document-extractor.js';

import { PAGE_FACTS_LIMITS } from './extraction-protocol.js';

/** The reasons that the process itself can give; the others are the parent's to say. */
const reasonSchema = z.enum([
  'unsupported_type',
  'malformed_file',
  'encrypted',
  'empty',
  'too_large',
  'parser_out_of_memory',
  'internal',
]);

const addressSchema = z
  .string()
  .max(PAGE_FACTS_LIMITS.urlCharacters)
  .regex(/^https?:\/\//);

const pageFactsSchema = z.object({
  links: z.array(addressSchema).max(PAGE_FACTS_LIMITS.links),
  canonical: addressSchema.nullable(),
  alternates: z
    .array(z.object({ language: z.string().max(PAGE_FACTS_LIMITS.languageCharacters), url: addressSchema }))
    .max(PAGE_FACTS_LIMITS.alternates),
  refresh: addressSchema.nullable(),
  isNoindex: z.boolean(),
  isNofollow: z.boolean(),
  hiddenCharacters: z.number().int().nonnegative(),
  blocks: z.array(z.string().max(PAGE_FACTS_LIMITS.blockCharacters)).max(PAGE_FACTS_LIMITS.blocks),
});

const documentSchema = z
  .object({
    title: z.string().nullable(),
    content: z.string(),
    format: z.enum(['markdown', 'plain']),
    pages: z.array(z.object({ page: z.number().int().positive(), start: z.number().int().nonnegative() })),
    language: z.string().max(3),
    chunks: z.array(
      z.object({
        start: z.number().int().nonnegative(),
        end: z.number().int().positive(),
        page: z.number().int().positive().nullable(),
        headings: z.array(z.string()),
        tokenCount: z.number().int().nonnegative(),
      }),
    ),
    page: pageFactsSchema.nullable(),
  })
  .refine(({ content, page }) => content !== '' || page !== null, 'no content')
  .refine(
    ({ content, pages }) => pages.every((page) => page.start < content.length),
    'a page outside the content',
  )
  .refine(
    ({ content, chunks }) => chunks.every(({ start, end }) => start < end && end <= content.length),
    'a chunk outside the content',
  );

const replySchema = z.discriminatedUnion('ok', [
  z.object({ ok: z.literal(true), document: documentSchema }),
  z.object({ ok: z.literal(false), reason: reasonSchema, message: z.string(), retryable: z.boolean() }),
]);

/**
 * The document in a reply of the extraction process. The process read a stranger's file, so its word is checked.
 * @returns null when the reply is none: cut off, or not what the protocol says.
 * @throws SourceError that the reply carries.
 */
export function parseReply(json: string): ExtractedDocument | null {
  const reply = replySchema.safeParse(parseJson(json));
  if (!reply.success) return null;
  if (reply.data.ok) return reply.data.document;
  throw new SourceError(reply.data.reason, reply.data.message, { retryable: reply.data.retryable });
}

function parseJson(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}
