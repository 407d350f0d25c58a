import type { Browser, BrowserContext, Page } from 'playwright-core';
import { z } from 'zod';

import { SourceError } from '#kernel/source-error.js';
import type { FetchedPage, PageFetcher } from '#platform/ports/page-fetcher.js';
import { sizeError } from '#providers/page-fetcher/read-body.js';

import { createRequestAnswers } from './answer-requests.js';
import { DEAD_PROXY } from './browser-connection.js';

export interface DrawOptions {
  pages: PageFetcher;
  /** The document that is drawn, which has been fetched. */
  first: FetchedPage;
  /** Of all that the page loads, and of what it is in the end. */
  maxBytes: number;
  userAgent: string;
}

/** How long the document and its scripts may take after its first bytes are there. */
const LONGEST_SETTLING_MS = 10_000;
/** Ways out that are no requests. The dead proxy closes them too; this holds where a remote browser ignores it. */
const CLOSE_OTHER_WAYS = `
  for (const name of ['RTCPeerConnection', 'webkitRTCPeerConnection', 'WebTransport']) delete globalThis[name];
`;
/** A world of its own: there the page cannot have changed what these words mean. */
const READER_WORLD = 'botbase';
const worldSchema = z.object({ executionContextId: z.number() });
const readingSchema = z.object({
  result: z.object({ value: z.object({ length: z.number(), html: z.string() }) }),
});

/**
 * Draws a page in a context of its own, which is closed in any case, and gives its document.
 * @throws SourceError `too_large`, `fetch_failed`; what the browser throws when the signal fires
 */
export async function drawPage(
  browser: Browser,
  options: DrawOptions,
  signal: AbortSignal,
): Promise<{ url: string; html: string }> {
  signal.throwIfAborted();
  const context = await browser.newContext({
    userAgent: options.userAgent,
    serviceWorkers: 'block',
    acceptDownloads: false,
    proxy: DEAD_PROXY,
  });
  const close = () => void context.close().catch(() => undefined);
  signal.addEventListener('abort', close, { once: true });
  try {
    signal.throwIfAborted();
    return await drawIn(context, options, signal);
  } finally {
    signal.removeEventListener('abort', close);
    await context.close().catch(() => undefined);
  }
}

async function drawIn(context: BrowserContext, options: DrawOptions, signal: AbortSignal) {
  const { first, maxBytes } = options;
  const answers = createRequestAnswers({ ...options, signal });
  await context.route('**/*', (route) => answers.answer(route));
  await context.routeWebSocket(/.*/, (socket) => void socket.close());
  await context.addInitScript({ content: CLOSE_OTHER_WAYS });
  const page = await context.newPage();
  context.on('page', (popup) => void popup.close().catch(() => undefined));
  page.on('dialog', (dialog) => void dialog.dismiss().catch(() => undefined));
  const crashed = new Promise<never>((_resolve, reject) => {
    page.once('crash', () => reject(new SourceError('fetch_failed', 'The page made the browser crash.')));
  });
  return await Promise.race([crashed, openAndRead(page, first.url, maxBytes)]);
}

async function openAndRead(page: Page, address: string, maxBytes: number) {
  await page.goto(address, { waitUntil: 'commit', timeout: 0 });
  // One that never comes to rest is taken as it is; so is one that was on its way to where it may not go, which leaves
  // Chromium waiting for ever.
  await page.waitForLoadState('networkidle', { timeout: LONGEST_SETTLING_MS }).catch(() => undefined);
  const html = await readDocument(page, maxBytes).catch((error: unknown) => {
    if (error instanceof SourceError) throw error;
    // It was just going to another address: the document that it has now is the one.
    return readDocument(page, maxBytes);
  });
  const url = page.url();
  return { url: /^https?:/.test(url) ? url : address, html };
}

async function readDocument(page: Page, maxBytes: number): Promise<string> {
  const session = await page.context().newCDPSession(page);
  try {
    const { frameTree } = await session.send('Page.getFrameTree');
    const world = await session.send('Page.createIsolatedWorld', {
      frameId: frameTree.frame.id,
      worldName: READER_WORLD,
    });
    const reading = await session.send('Runtime.evaluate', {
      contextId: worldSchema.parse(world).executionContextId,
      // A document without end must not get as far as our own memory.
      expression: `(() => {
        const html = document.documentElement?.outerHTML ?? '';
        return { length: html.length, html: html.length > ${maxBytes} ? '' : html };
      })()`,
      returnByValue: true,
    });
    const { length, html } = readingSchema.parse(reading).result.value;
    if (length > maxBytes || Buffer.byteLength(html) > maxBytes) throw sizeError(maxBytes);
    return html;
  } finally {
    await session.detach().catch(() => undefined);
  }
}
