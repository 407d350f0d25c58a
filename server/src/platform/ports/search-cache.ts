/** What a computation gives, and whether it may be given to others later. */
export interface Computed<Value> {
  value: Value;
  isKept: boolean;
  /** Estimated bytes in memory. */
  size: number;
}

type CacheOutcome = 'hit' | 'miss' | 'shared';

/**
 * Results of searches, for as long as their key says that they hold: a key names all that a result depends on, the
 * state of the index with it, so nothing is ever invalidated. Values are shared: nobody changes them.
 */
export interface SearchCache {
  /**
   * The value under `key`; else that of a computation which equal callers share (`shared`). The computation has a
   * signal of its own, aborted when all of its callers have gone: no caller fails because another one left.
   * A computation that fails fails for all who wait on it, and is not kept.
   * @throws the reason of `signal`, at once when that fires
   */
  fetch<Value extends object>(
    key: string,
    signal: AbortSignal,
    compute: (signal: AbortSignal) => Promise<Computed<Value>>,
  ): Promise<{ value: Value; outcome: CacheOutcome }>;
}
