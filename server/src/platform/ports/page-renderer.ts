export interface PageRenderer {
  /**
   * Opens a page in a browser, lets its scripts draw it, and gives the document as it is then. Every request of the
   * browser goes through the guard of the page fetcher; there is no other way out.
   * @throws SourceError (`blocked_address`, `http_404`, `timeout`, `too_large`, `fetch_failed`, …); AbortError
   */
  render(url: string, signal: AbortSignal): Promise<{ url: string; html: string }>;
  close(): Promise<void>;
}
