export interface PageRequest {
  url: string;
  /** What an earlier answer carried: the server may answer that nothing has changed. */
  etag?: string | null;
  lastModified?: string | null;
  /** Of the body, after it is decompressed; unset: the fetcher's own limit. */
  maxBytes?: number;
  /** Whether a redirect may be followed; throws a SourceError that says why not. Unset: any that the guard allows. */
  mayFollow?: (url: string) => void | Promise<void>;
}

export interface FetchedPage {
  /** The address after redirects. */
  url: string;
  /** Nothing has changed since the answer that `etag` or `lastModified` came from: the body is empty. */
  isUnchanged: boolean;
  mediaType: string | null;
  body: Uint8Array;
  etag: string | null;
  lastModified: string | null;
  /** The values of `X-Robots-Tag`, as sent. */
  robotsTags: string[];
}

export interface PageFetcher {
  /**
   * Fetches one http(s) address with GET. Refuses private, loopback and link-local addresses at every hop
   * unless the configuration allows them; bounds size, redirects and time.
   * @throws SourceError (`blocked_address`, `invalid_url`, `http_404`, `timeout`, `too_large`, …), with `retryAfterMs`
   * where the server said when to come back; AbortError.
   */
  fetch(request: PageRequest, signal: AbortSignal): Promise<FetchedPage>;
}
