export interface FetchedPage {
  /** The address after redirects. */
  url: string;
  mediaType: string | null;
  body: Uint8Array;
}

export interface PageFetcher {
  /**
   * Fetches one http(s) address with GET. Refuses private, loopback and link-local addresses at every hop
   * unless the configuration allows them; bounds size, redirects and time.
   * @throws SourceError (`blocked_address`, `invalid_url`, `http_404`, `timeout`, `too_large`, …); AbortError.
   */
  fetch(url: string, signal: AbortSignal): Promise<FetchedPage>;
}
