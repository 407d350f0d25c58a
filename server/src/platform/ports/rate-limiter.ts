export interface RateLimitOptions {
  /** Tells limits apart: the same key counts in each by itself. */
  name: string;
  /** How much a key may consume in a window. */
  points: number;
  windowMs: number;
}

export interface RateLimitState {
  isAllowed: boolean;
  /** What is left in this window, 0 or more. */
  remaining: number;
  /** Until the window ends and all points are there again. */
  msBeforeNext: number;
}

export interface RateLimit {
  points: number;
  windowMs: number;
  /**
   * Takes points of `key`, one where nothing is said. Never fails: without its store it limits by what this process
   * has counted.
   */
  consume(key: string, cost?: number): Promise<RateLimitState>;
}

/** Fixed windows: a key's window begins with its first point and takes them all back at its end. */
export interface RateLimiter {
  createLimit(options: RateLimitOptions): RateLimit;
}
