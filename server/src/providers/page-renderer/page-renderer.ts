import { SourceError } from '#kernel/source-error.js';
import type { PageFetcher } from '#platform/ports/page-fetcher.js';
import type { PageRenderer } from '#platform/ports/page-renderer.js';

import { isMarkup } from './answer-requests.js';
import { type BrowserLocation, createBrowserConnection } from './browser-connection.js';
import { drawPage } from './draw-page.js';

export interface PageRendererOptions {
  /** What fetches everything: the document and all that it loads. */
  pages: PageFetcher;
  browser: BrowserLocation;
  /** For the whole of it: the start of the browser, the document, its scripts. */
  timeoutMs: number;
  /** Of all that a page loads, and of what it is in the end. */
  maxBytes: number;
  userAgent: string;
}

/**
 * Draws pages in a headless Chromium that has no way out but the page fetcher. Only GET is asked, without cookies;
 * pictures, fonts and sounds are left out.
 */
export function createPageRenderer(options: PageRendererOptions): PageRenderer {
  const connection = createBrowserConnection(options.browser);

  async function draw(url: string, signal: AbortSignal): Promise<{ url: string; html: string }> {
    const first = await options.pages.fetch({ url, maxBytes: options.maxBytes }, signal);
    if (!isMarkup(first)) {
      throw new SourceError('unsupported_type', `A browser does not draw files of type ${first.mediaType}.`);
    }
    return await drawPage(await connection.open(), { ...options, first }, signal);
  }

  return {
    async render(url, signal) {
      signal.throwIfAborted();
      const stopping = new AbortController();
      const onAbort = () => stopping.abort(signal.reason);
      signal.addEventListener('abort', onAbort, { once: true });
      const timer = setTimeout(() => stopping.abort(timeoutError(options.timeoutMs)), options.timeoutMs);
      try {
        // The browser may be too busy to tell that its page was closed.
        return await Promise.race([draw(url, stopping.signal), whenAborted(stopping.signal)]);
      } catch (error) {
        throw stopping.signal.aborted ? stopping.signal.reason : asSourceError(error);
      } finally {
        clearTimeout(timer);
        signal.removeEventListener('abort', onAbort);
        stopping.abort();
      }
    },
    close: () => connection.close(),
  };
}

function whenAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}

function asSourceError(error: unknown): unknown {
  if (error instanceof SourceError) return error;
  return new SourceError('fetch_failed', 'The browser could not draw the page. It is tried again.', {
    cause: error,
    retryable: true,
  });
}

function timeoutError(timeoutMs: number): SourceError {
  return new SourceError(
    'timeout',
    `The page was not drawn within ${Math.round(timeoutMs / 1000)} seconds. It is tried again.`,
    { retryable: true },
  );
}
