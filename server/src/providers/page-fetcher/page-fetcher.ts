import { Agent, fetch, type Response } from 'undici';

import { SourceError } from '#kernel/source-error.js';
import type { FetchedPage, PageFetcher } from '#platform/ports/page-fetcher.js';

import { isPublicAddress } from './address-guard.js';
import { networkError, statusError } from './fetch-errors.js';
import { createGuardedLookup, type ResolveHost, resolveHostBySystem } from './guarded-lookup.js';
import { type IsAllowedAddress, parsePageUrl } from './url-guard.js';

export interface PageFetcherOptions {
  /** Lifts the check of names and addresses, and nothing else. For tests and for networks of one's own. */
  allowPrivateNetworks: boolean;
  /** Of the body, after it is decompressed. */
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
const BYTES_PER_MEBIBYTE = 1024 * 1024;
const REDIRECTS = new Set([301, 302, 303, 307, 308]);
const ACCEPT = 'text/html,application/xhtml+xml,text/markdown,text/plain,application/pdf;q=0.9,*/*;q=0.5';
/** Types that hold no text and are not worth their bytes. */
const MEDIA = /^(?:image|audio|video|font)\//i;

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
    async fetch(address, signal) {
      signal.throwIfAborted();
      const stopping = new AbortController();
      const onAbort = () => stopping.abort(signal.reason);
      signal.addEventListener('abort', onAbort, { once: true });
      const timer = setTimeout(() => stopping.abort(timeoutError(options.timeoutMs)), options.timeoutMs);
      try {
        return await fetchPage({ ...options, agent, isAllowed }, address, stopping.signal);
      } catch (error) {
        throw stopping.signal.aborted ? stopping.signal.reason : error;
      } finally {
        clearTimeout(timer);
        signal.removeEventListener('abort', onAbort);
      }
    },
  };
}

interface FetchContext extends PageFetcherOptions {
  agent: Agent;
  isAllowed: IsAllowedAddress | null;
}

async function fetchPage(context: FetchContext, address: string, signal: AbortSignal): Promise<FetchedPage> {
  let url = parsePageUrl(address, null, context.isAllowed);
  for (let redirects = 0; redirects <= context.maxRedirects; redirects += 1) {
    try {
      const response = await request(context, url, signal);
      const target = REDIRECTS.has(response.status) ? response.headers.get('location') : null;
      if (target === null) return await readPage(response, url, context.maxBytes);
      await response.body?.cancel();
      url = parsePageUrl(utf8Of(target), url, context.isAllowed);
    } catch (error) {
      throw networkError(error, url.hostname);
    }
  }
  throw new SourceError(
    'too_many_redirects',
    `The address was redirected more than ${context.maxRedirects} times. Use the address where it ends up.`,
  );
}

function request({ agent, userAgent }: FetchContext, url: URL, signal: AbortSignal): Promise<Response> {
  return fetch(url.href, {
    dispatcher: agent,
    // Each hop is checked by hand before it is asked.
    redirect: 'manual',
    headers: { 'user-agent': userAgent, accept: ACCEPT },
    signal,
  });
}

async function readPage(response: Response, url: URL, maxBytes: number): Promise<FetchedPage> {
  try {
    if (!response.ok) throw statusError(response.status, url.hostname);
    const mediaType = response.headers.get('content-type');
    if (MEDIA.test(mediaType ?? '')) {
      throw new SourceError(
        'unsupported_type',
        `The address leads to a file of type ${mediaType}, which holds no text.`,
      );
    }
    if (Number(response.headers.get('content-length')) > maxBytes) throw sizeError(maxBytes);
    return { url: url.href, mediaType, body: await readBody(response, maxBytes) };
  } catch (error) {
    await response.body?.cancel().catch(() => undefined);
    throw error;
  }
}

/** Reads what the decompressor gives, as it gives it, so that a small bomb never unfolds. */
async function readBody(response: Response, maxBytes: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    bytes += chunk.byteLength;
    if (bytes > maxBytes) throw sizeError(maxBytes);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, bytes);
}

/** Headers are decoded byte by byte; an address with letters in UTF-8 must be put together again. */
function utf8Of(header: string): string {
  return Buffer.from(header, 'latin1').toString('utf8');
}

function sizeError(maxBytes: number): SourceError {
  const megabytes = Math.max(1, Math.floor(maxBytes / BYTES_PER_MEBIBYTE));
  return new SourceError(
    'too_large',
    `The page is larger than ${megabytes} MB, which is the most that is read.`,
  );
}

function timeoutError(timeoutMs: number): SourceError {
  return new SourceError(
    'timeout',
    `The server did not send the page within ${Math.round(timeoutMs / 1000)} seconds. It is tried again.`,
    { retryable: true },
  );
}
