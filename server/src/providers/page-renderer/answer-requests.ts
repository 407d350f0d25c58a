import type { Request, Route } from 'playwright-core';

import type { FetchedPage, PageFetcher } from '#platform/ports/page-fetcher.js';

export interface RequestAnswers {
  /** What the browser gets for a request: what the fetcher gives, or nothing. */
  answer(route: Route): Promise<void>;
}

export interface AnswerOptions {
  pages: PageFetcher;
  /** The document that is drawn, which has been fetched. */
  first: FetchedPage;
  /** Of all that the page loads. */
  maxBytes: number;
  signal: AbortSignal;
}

const MAX_REQUESTS = 200;
/** As many as browsers have for one server. */
const MAX_FETCHES_AT_ONCE = 6;
/** What may change the text of a page. Pictures, fonts and streams do not, or never end. */
const FETCHED_TYPES: ReadonlySet<string> = new Set([
  'document',
  'script',
  'stylesheet',
  'xhr',
  'fetch',
  'other',
]);

/**
 * Answers the requests of one page through the guard of the fetcher. None of them is let through to the network, and
 * none is answered by a redirect, which a browser would follow by itself.
 */
export function createRequestAnswers({ pages, first, maxBytes, signal }: AnswerOptions): RequestAnswers {
  let requests = 0;
  let bytesLeft = maxBytes;
  let isFirst = true;
  const turns = createTurns(MAX_FETCHES_AT_ONCE);

  async function fetchInTurn(url: string): Promise<FetchedPage> {
    await turns.take();
    try {
      const page = await pages.fetch({ url, maxBytes: Math.max(0, bytesLeft) }, signal);
      bytesLeft -= page.body.byteLength;
      return page;
    } finally {
      turns.give();
    }
  }

  async function pageFor(request: Request): Promise<FetchedPage | null> {
    if (request.method() !== 'GET') return null;
    if (isFirst && request.url() === first.url) {
      isFirst = false;
      return first;
    }
    requests += 1;
    if (requests > MAX_REQUESTS || bytesLeft <= 0 || !FETCHED_TYPES.has(request.resourceType())) return null;
    const page = await fetchInTurn(request.url()).catch(() => null);
    // A download, or a file that would be shown in place of the page.
    return page !== null && request.isNavigationRequest() && !isMarkup(page) ? null : page;
  }

  return {
    async answer(route) {
      const page = await pageFor(route.request());
      // `aborted` leaves a page as it is; another failure would put an error page in its place.
      const sending = page === null ? route.abort('aborted') : route.fulfill(replyOf(page, route.request()));
      // The page may be gone meanwhile.
      await sending.catch(() => undefined);
    },
  };
}

/** Whether a browser takes it for a document with scripts; without a type, it looks for itself. */
export function isMarkup({ mediaType }: FetchedPage): boolean {
  return mediaType === null || /^(?:text\/html|application\/xhtml\+xml)\s*(?:;|$)/i.test(mediaType);
}

function createTurns(count: number) {
  let free = count;
  const waiting: (() => void)[] = [];
  return {
    async take(): Promise<void> {
      if (free === 0) return new Promise((resolve) => waiting.push(resolve));
      free -= 1;
    },
    /** To whoever waits for longest. */
    give(): void {
      const next = waiting.shift();
      if (next === undefined) free += 1;
      else next();
    },
  };
}

function replyOf({ mediaType, body }: FetchedPage, request: Request) {
  const { origin = '*' } = request.headers();
  return {
    status: 200,
    headers: {
      // Nothing was fetched with cookies, so there is nothing to keep from other origins.
      'access-control-allow-origin': origin,
      'access-control-allow-credentials': 'true',
      ...(mediaType === null ? {} : { 'content-type': mediaType }),
    },
    body: Buffer.from(body.buffer, body.byteOffset, body.byteLength),
  };
}
