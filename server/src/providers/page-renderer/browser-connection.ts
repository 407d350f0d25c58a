import type { Browser } from 'playwright-core';

import { SourceError } from '#kernel/source-error.js';

/** `endpoint`: of a running Chromium's DevTools, such as `ws://browser:9222/devtools/browser/…`. */
export type BrowserLocation = { endpoint: string } | { executablePath: string };

export interface BrowserConnection {
  /** Starts the browser, or connects to it, unless that has been done. @throws SourceError `fetch_failed` */
  open(): Promise<Browser>;
  close(): Promise<void>;
}

/** Nothing listens there: what is not intercepted ends at it, names are not even looked up. */
export const DEAD_PROXY = { server: 'http://127.0.0.1:9', bypass: '<-loopback>' };

const START_TIMEOUT_MS = 30_000;
const LAUNCH_ARGUMENTS = [
  '--force-webrtc-ip-handling-policy=disable_non_proxied_udp',
  '--host-resolver-rules=MAP * ~NOTFOUND',
  '--dns-prefetch-disable',
  '--disable-quic',
];
/** What a browser needs of the environment. The rest holds keys, and pages run in it. */
const PASSED_VARIABLES = ['PATH', 'HOME', 'TMPDIR', 'LANG'];

/** One browser for all pages, from the first of them on. When it dies, the next page gets a new one. */
export function createBrowserConnection(location: BrowserLocation): BrowserConnection {
  let opening: Promise<Browser> | null = null;
  const forget = () => {
    opening = null;
  };

  async function open(): Promise<Browser> {
    try {
      const browser = await startBrowser(location);
      browser.on('disconnected', forget);
      return browser;
    } catch (error) {
      forget();
      throw new SourceError(
        'fetch_failed',
        'The browser that draws pages did not start. It is tried again; if it goes on, check its configuration.',
        { cause: error, retryable: true },
      );
    }
  }

  return {
    open: () => (opening ??= open()),
    async close() {
      const browser = await opening?.catch(() => null);
      forget();
      await browser?.close();
    },
  };
}

async function startBrowser(location: BrowserLocation): Promise<Browser> {
  // Large, and most processes never draw a page.
  const { chromium } = await import('playwright-core');
  if ('endpoint' in location) {
    return await chromium.connectOverCDP(location.endpoint, { timeout: START_TIMEOUT_MS });
  }
  return await chromium.launch({
    executablePath: location.executablePath,
    args: LAUNCH_ARGUMENTS,
    // Chromium refuses to put root into its sandbox.
    chromiumSandbox: process.getuid?.() !== 0,
    proxy: DEAD_PROXY,
    timeout: START_TIMEOUT_MS,
    env: Object.fromEntries(
      PASSED_VARIABLES.flatMap((name) => {
        const value = process.env[name];
        return value === undefined ? [] : [[name, value]];
      }),
    ),
    // Our own shutdown closes it.
    handleSIGINT: false,
    handleSIGTERM: false,
    handleSIGHUP: false,
  });
}
