import { LRUCache } from 'lru-cache';
import type { Computed, SearchCache } from '#platform/ports/search-cache.js';

/** A computation under way, and how many wait for it. */
interface Flight {
  result: Promise<object>;
  abort: AbortController;
  waiting: number;
}

/**
 * A cache in the memory of this process: the least recently used results go first.
 * @param options.maxBytes of all results together, by their own estimate
 * @param options.nowMs a clock that never goes back
 */
export function createLruSearchCache(options: {
  maxBytes: number;
  ttlMs: number;
  nowMs?: () => number;
}): SearchCache {
  const { maxBytes, ttlMs, nowMs = () => performance.now() } = options;
  const kept = new LRUCache<string, object>({
    maxSize: maxBytes,
    ttl: ttlMs,
    ttlResolution: 0,
    perf: { now: nowMs },
  });
  const flights = new Map<string, Flight>();

  const depart = (key: string, compute: (signal: AbortSignal) => Promise<Computed<object>>): Flight => {
    const abort = new AbortController();
    const flight: Flight = { result: fly(), abort, waiting: 0 };
    flights.set(key, flight);
    return flight;

    async function fly(): Promise<object> {
      try {
        // Not before the flight is known: what throws at once is its end as well.
        await Promise.resolve();
        const { value, isKept, size } = await compute(abort.signal);
        if (isKept && !abort.signal.aborted) kept.set(key, value, { size: Math.max(1, Math.ceil(size)) });
        return value;
      } finally {
        if (flights.get(key) === flight) flights.delete(key);
      }
    }
  };

  const leave = (key: string, flight: Flight) => {
    flight.waiting -= 1;
    if (flight.waiting > 0 || flights.get(key) !== flight) return;
    // Whoever asks from now on begins anew.
    flights.delete(key);
    flight.abort.abort();
  };

  return {
    fetch: async <Value extends object>(
      key: string,
      signal: AbortSignal,
      compute: (signal: AbortSignal) => Promise<Computed<Value>>,
    ) => {
      signal.throwIfAborted();
      const hit = kept.get(key);
      if (hit !== undefined) return { value: hit as Value, outcome: 'hit' };
      const running = flights.get(key);
      const flight = running ?? depart(key, compute);
      flight.waiting += 1;
      try {
        const value = await unlessAborted(flight.result, signal);
        return { value: value as Value, outcome: running === undefined ? 'miss' : 'shared' };
      } finally {
        leave(key, flight);
      }
    },
  };
}

/** Waits for a result, but not after `signal`; the result may then fail unheard. */
function unlessAborted<Value>(result: Promise<Value>, signal: AbortSignal): Promise<Value> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason as Error);
    signal.addEventListener('abort', onAbort, { once: true });
    result.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}
