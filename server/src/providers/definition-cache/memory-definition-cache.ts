import type { DefinitionCache } from '#platform/ports/definition-cache.js';

/** Nobody tells this process that another one has changed something: it looks again after this. */
export const UNTOLD_TTL_MS = 5_000;

/**
 * A cache in the memory of this process.
 * @param options.ttlMs asked at each look, so that it may depend on whether changes are heard of
 * @param options.nowMs a clock that never goes back
 */
export function createMemoryDefinitionCache(
  options: { ttlMs?: () => number; nowMs?: () => number } = {},
): DefinitionCache {
  const { ttlMs = () => UNTOLD_TTL_MS, nowMs = () => performance.now() } = options;
  const entries = new Map<string, { value: Promise<unknown>; readAtMs: number }>();
  return {
    fetch: async <Value>(key: string, read: () => Promise<Value>): Promise<Value> => {
      const kept = entries.get(key);
      if (kept !== undefined && nowMs() - kept.readAtMs < ttlMs()) return (await kept.value) as Value;
      // Its age counts from before the reading: what is committed after that may not be in it.
      const entry = { readAtMs: nowMs(), value: read() };
      entries.set(key, entry);
      try {
        return await entry.value;
      } catch (error) {
        if (entries.get(key) === entry) entries.delete(key);
        throw error;
      }
    },
    // A reading that is under way goes on for those who wait for it, and is not kept.
    drop: () => entries.clear(),
  };
}
