import { Agent, type Dispatcher, request } from 'undici';

import { SourceError } from '#kernel/source-error.js';
import type { FetchedPage, PageFetcher, PageRequest } from '#platform/ports/page-fetcher.js';

import { isPublicAddress } from './address-guard.js';
import { networkError } from './fetch-errors.js';
import { createGuardedLookup, type ResolveHost, resolveHostBySystem } from './guarded-lookup.js';
import { ACCEPTED_ENCODINGS } from './read-body.js';
import { type PageReply, headerOf, readPage, sendableValidator } from './read-page.js';
import { type IsAllowedAddress, parsePageUrl } from './url-guard.js';

export interface PageFetcherOptions {
  /** Lifts the check of names and addresses, and nothing else. For tests and for networks of one's own. */
  allowPrivateNetworks: boolean;
  /** Of the body, after it is decompressed, where the request names no limit. */
  maxBytes: number;
  /** For the whole of it: name, connection, every redirect, the body. */
  timeoutMs: number;
  maxRedirects: number;
  userAgent: string;
}

/** What the fetcher knows of the network; tests bring one of their own. */
export interface PageNetwork {
  resolveHost: ResolveHost;
  isPublicAddress: IsAllowedAddress;
}

const SYSTEM_NETWORK: PageNetwork = { resolveHost: resolveHostBySystem, isPublicAddress };
const MAX_HEADER_BYTES = 32 * 1024;
/** Of the body of a redirect, which nobody reads: so that its connection can be used again. */
const MAX_DUMPED_BYTES = 16 * 1024;
const REDIRECTS = new Set([301, 302, 303, 307, 308]);
const ACCEPT = 'text/html,application/xhtml+xml,text/markdown,text/plain,application/pdf;q=0.9,*/*;q=0.5';

/** The one client that fetches addresses given by users and pages: nothing else in the program may do so. */
export function createPageFetcher(
  options: PageFetcherOptions,
  network: PageNetwork = SYSTEM_NETWORK,
): PageFetcher {
  const isAllowed = options.allowPrivateNetworks ? null : network.isPublicAddress;
  const agent = new Agent({
    connect: {
      lookup: createGuardedLookup(network.resolveHost, isAllowed),
      timeout: options.timeoutMs,
    },
    headersTimeout: options.timeoutMs,
    bodyTimeout: options.timeoutMs,
    maxHeaderSize: MAX_HEADER_BYTES,
  });
  return {
    async fetch(page, signal) {
      signal.throwIfAborted();
      const stopping = new AbortController();
      const onAbort = () => stopping.abort(signal.reason);
      signal.addEventListener('abort', onAbort, { once: true });
      const timer = setTimeout(() => stopping.abort(timeoutError(options.timeoutMs)), options.timeoutMs);
      try {
        return await fetchPage({ ...options, agent, isAllowed }, page, stopping.signal);
      } catch (error) {
        throw stopping.signal.aborted ? stopping.signal.reason : error;
      } finally {
        clearTimeout(timer);
        signal.removeEventListener('abort', onAbort);
        // Ends what is still being sent, such as the body of a redirect.
        stopping.abort();
      }
    },
  };
}

interface FetchContext extends PageFetcherOptions {
  agent: Agent;
  isAllowed: IsAllowedAddress | null;
}

async function fetchPage(
  context: FetchContext,
  page: PageRequest,
  signal: AbortSignal,
): Promise<FetchedPage> {
  const visited = new Set<string>();
  let url = parsePageUrl(page.url, null, context.isAllowed);
  // Nothing is remembered between two hops, so what led in a circle once does so forever.
  while (visited.size <= context.maxRedirects && !visited.has(url.href)) {
    const outcome = await visit(context, { page, url, isRedirected: visited.size > 0 }, signal);
    if (!(outcome instanceof URL)) return outcome;
    await page.mayFollow?.(outcome.href);
    signal.throwIfAborted();
    visited.add(url.href);
    url = outcome;
  }
  const told = visited.has(url.href) ? 'in a circle' : `more than ${context.maxRedirects} times`;
  throw new SourceError(
    'too_many_redirects',
    `The address was redirected ${told}. Use the address where it ends up.`,
  );
}

interface Hop {
  page: PageRequest;
  url: URL;
  isRedirected: boolean;
}

/** @returns an address: where the hop leads, which has been checked */
async function visit(context: FetchContext, hop: Hop, signal: AbortSignal): Promise<FetchedPage | URL> {
  const { page, url } = hop;
  const conditions = conditionsOf(hop);
  try {
    const reply = await send(context, url, conditions, signal);
    const target = REDIRECTS.has(reply.statusCode) ? headerOf(reply, 'location') : null;
    if (target !== null) {
      reply.body.dump({ limit: MAX_DUMPED_BYTES }).catch(() => undefined);
      return parsePageUrl(utf8Of(target), url, context.isAllowed);
    }
    const isConditional = Object.keys(conditions).length > 0;
    return await readPage(reply, { page, url, isConditional, maxBytes: page.maxBytes ?? context.maxBytes });
  } catch (error) {
    throw networkError(error, url.hostname);
  }
}

function send(
  { agent, userAgent }: FetchContext,
  url: URL,
  conditions: Record<string, string>,
  signal: AbortSignal,
): Promise<PageReply & Dispatcher.ResponseData> {
  return request(url, {
    dispatcher: agent,
    headers: {
      'user-agent': userAgent,
      accept: ACCEPT,
      'accept-language': '*',
      'accept-encoding': ACCEPTED_ENCODINGS,
      ...conditions,
    },
    signal,
  });
}

/**
 * An etag belongs to one version of one page, so it may be shown at every hop. A date says nothing of another page:
 * one that the address leads to since yesterday may well be older than it.
 */
function conditionsOf({ page, isRedirected }: Hop): Record<string, string> {
  const etag = sendableValidator(page.etag);
  const lastModified = isRedirected ? null : sendableValidator(page.lastModified);
  return {
    ...(etag === null ? {} : { 'if-none-match': etag }),
    ...(lastModified === null ? {} : { 'if-modified-since': lastModified }),
  };
}

/** Headers are decoded byte by byte; an address with letters in UTF-8 must be put together again. */
function utf8Of(header: string): string {
  return Buffer.from(header, 'latin1').toString('utf8');
}

function timeoutError(timeoutMs: number): SourceError {
  return new SourceError(
    'timeout',
    `The server did not send the page within ${Math.round(timeoutMs / 1000)} seconds. It is tried again.`,
    { retryable: true },
  );
}
