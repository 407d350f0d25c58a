import type { Readable } from 'node:stream';

import { SourceError } from '#kernel/source-error.js';
import type { FetchedPage, PageRequest } from '#platform/ports/page-fetcher.js';

import { statusError } from './fetch-errors.js';
import { readBody, sizeError } from './read-body.js';
import { readRetryAfterMs } from './retry-after.js';

export interface PageReply {
  statusCode: number;
  /** Names in lower case; several values of one name are a list. */
  headers: Readonly<Record<string, string | string[] | undefined>>;
  body: Readable;
}

export interface Reading {
  page: PageRequest;
  url: URL;
  /** We asked whether something has changed. */
  isConditional: boolean;
  maxBytes: number;
}

/** Types that hold no text and are not worth their bytes. */
const MEDIA = /^(?:image|audio|video|font)\//i;
const MAX_VALIDATOR_CHARACTERS = 1_024;
/** A page that wants more of them wants to fill our memory. */
const MAX_ROBOTS_TAGS = 50;

/** The page that a reply holds. @throws SourceError for statuses, types and sizes that are none */
export async function readPage(reply: PageReply, reading: Reading): Promise<FetchedPage> {
  try {
    const { page, url, maxBytes } = reading;
    const isUnchanged = reply.statusCode === 304 && reading.isConditional;
    const isOk = reply.statusCode >= 200 && reply.statusCode < 300;
    if (!isUnchanged && !isOk) throw statusError(reply.statusCode, url.hostname, retryAfterOf(reply));
    const facts = {
      url: url.href,
      mediaType: headerOf(reply, 'content-type'),
      etag: sendableValidator(headerOf(reply, 'etag')),
      lastModified: sendableValidator(headerOf(reply, 'last-modified')),
      robotsTags: valuesOf(reply, 'x-robots-tag').slice(0, MAX_ROBOTS_TAGS),
    };
    if (isUnchanged) {
      reply.body.on('error', () => {}).resume();
      // What a 304 leaves out has not changed either.
      return {
        ...facts,
        isUnchanged,
        body: new Uint8Array(),
        etag: facts.etag ?? page.etag ?? null,
        lastModified: facts.lastModified ?? page.lastModified ?? null,
      };
    }
    if (MEDIA.test(facts.mediaType ?? '')) {
      throw new SourceError(
        'unsupported_type',
        `The address leads to a file of type ${facts.mediaType}, which holds no text.`,
      );
    }
    if (Number(headerOf(reply, 'content-length')) > maxBytes) throw sizeError(maxBytes);
    const body = await readBody(reply.body, valuesOf(reply, 'content-encoding').join(','), maxBytes);
    return { ...facts, isUnchanged, body };
  } catch (error) {
    // Its own error is the one that is being thrown.
    reply.body.on('error', () => {}).destroy();
    throw error;
  }
}

/** The first value of a header; null where there is none. */
export function headerOf(reply: PageReply, name: string): string | null {
  return valuesOf(reply, name)[0] ?? null;
}

/** An etag or a date that can be stored and sent back as it is; null: it is too long, or no text of a header. */
export function sendableValidator(value: string | null | undefined): string | null {
  if (value === null || value === undefined || value.length > MAX_VALIDATOR_CHARACTERS) return null;
  return /^[\x20-\x7e\x80-\xff]+$/.test(value) ? value : null;
}

function valuesOf({ headers }: PageReply, name: string): string[] {
  const value = headers[name];
  return typeof value === 'string' ? [value] : (value ?? []);
}

function retryAfterOf(reply: PageReply): number | null {
  if (reply.statusCode !== 429 && reply.statusCode !== 503) return null;
  return readRetryAfterMs(headerOf(reply, 'retry-after'), headerOf(reply, 'date'));
}
