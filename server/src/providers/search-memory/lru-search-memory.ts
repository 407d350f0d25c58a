import { LRUCache } from 'lru-cache';
import PQueue from 'p-queue';
import type { SearchMemory } from '#platform/ports/search-memory.js';

/**
 * In the memory of this process: what was used longest ago goes first.
 * @param options.maxBytes of all together, by their own estimate
 * @param options.concurrency searches at work at once
 */
export function createLruSearchMemory(options: { maxBytes: number; concurrency: number }): SearchMemory {
  const kept = new LRUCache<string, object>({ maxSize: options.maxBytes });
  const turns = new PQueue({ concurrency: options.concurrency });
  return {
    recall: (key) => kept.get(key),
    keep: (key, value, bytes) => void kept.set(key, value, { size: Math.max(1, Math.ceil(bytes)) }),
    inTurn: (act) => turns.add(act),
  };
}
