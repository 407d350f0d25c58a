import { describe, expect, it } from 'vitest';
import type { Computed, SearchCache } from '#platform/ports/search-cache.js';
import { createLruSearchCache } from './lru-search-cache.js';

interface Value {
  number: number;
}

const never = new AbortController().signal;

function createCache(options: { maxBytes?: number } = {}) {
  const time = { ms: 1_000 };
  const cache = createLruSearchCache({ maxBytes: 1_000, ttlMs: 60_000, nowMs: () => time.ms, ...options });
  return { cache, time };
}

/** A computation that ends when the test says so. */
function controlled() {
  const calls: {
    signal: AbortSignal;
    end: (computed: Computed<Value>) => void;
    fail: (error: Error) => void;
  }[] = [];
  const compute = (signal: AbortSignal) =>
    new Promise<Computed<Value>>((end, fail) => void calls.push({ signal, end, fail }));
  return { calls, compute };
}

const keep = (number: number): Computed<Value> => ({ value: { number }, isKept: true, size: 100 });
const ask = (cache: SearchCache, key: string, number: number, isKept = true) =>
  cache.fetch(key, never, () => Promise.resolve({ ...keep(number), isKept }));
const turn = () => new Promise(setImmediate);

describe('createLruSearchCache', () => {
  it('computes once, and gives what it kept', async () => {
    const { cache } = createCache();
    expect(await ask(cache, 'a', 1)).toEqual({ value: { number: 1 }, outcome: 'miss' });
    expect(await ask(cache, 'a', 2)).toEqual({ value: { number: 1 }, outcome: 'hit' });
    expect(await ask(cache, 'b', 3)).toEqual({ value: { number: 3 }, outcome: 'miss' });
  });

  it('forgets after its time, and does not keep what must not be kept', async () => {
    const { cache, time } = createCache();
    await ask(cache, 'a', 1);
    time.ms += 59_999;
    expect((await ask(cache, 'a', 2)).outcome).toBe('hit');
    time.ms += 2;
    expect(await ask(cache, 'a', 2)).toEqual({ value: { number: 2 }, outcome: 'miss' });
    await ask(cache, 'b', 1, false);
    expect(await ask(cache, 'b', 2)).toEqual({ value: { number: 2 }, outcome: 'miss' });
  });

  it('stays within its bytes: the least recently used goes first', async () => {
    const { cache } = createCache({ maxBytes: 250 });
    await ask(cache, 'a', 1);
    await ask(cache, 'b', 2);
    await ask(cache, 'a', 1);
    await ask(cache, 'c', 3);
    expect((await ask(cache, 'a', 9)).outcome).toBe('hit');
    expect((await ask(cache, 'c', 9)).outcome).toBe('hit');
    expect((await ask(cache, 'b', 9)).outcome).toBe('miss');
  });

  it('lets equal callers share one computation, and none suffer from another that leaves', async () => {
    const { cache } = createCache();
    const { calls, compute } = controlled();
    const leaver = new AbortController();
    const first = cache.fetch('a', leaver.signal, compute);
    const second = cache.fetch('a', never, compute);
    await turn();
    leaver.abort(new Error('gone'));
    await expect(first).rejects.toThrow('gone');
    expect(calls).toHaveLength(1);
    expect(calls[0]?.signal.aborted).toBe(false);
    calls[0]?.end(keep(7));
    expect(await second).toEqual({ value: { number: 7 }, outcome: 'shared' });
    expect((await ask(cache, 'a', 9)).outcome).toBe('hit');
  });

  it('stops a computation that nobody waits for, keeps nothing of it, and begins anew', async () => {
    const { cache } = createCache();
    const { calls, compute } = controlled();
    const leavers = [new AbortController(), new AbortController()];
    const left = leavers.map(({ signal }) => cache.fetch('a', signal, compute));
    await turn();
    for (const leaver of leavers) leaver.abort(new Error('gone'));
    expect((await Promise.allSettled(left)).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(calls[0]?.signal.aborted).toBe(true);
    const again = cache.fetch('a', never, compute);
    await turn();
    calls[0]?.end(keep(1));
    await turn();
    calls[1]?.end(keep(2));
    expect(await again).toEqual({ value: { number: 2 }, outcome: 'miss' });
    expect((await ask(cache, 'a', 9)).value).toEqual({ number: 2 });
  });

  it('fails for all who wait, and not for those who come after', async () => {
    const { cache } = createCache();
    const { calls, compute } = controlled();
    const waiting = [cache.fetch('a', never, compute), cache.fetch('a', never, compute)];
    await turn();
    calls[0]?.fail(new Error('down'));
    const ends = await Promise.allSettled(waiting);
    expect(ends.map((end) => end.status === 'rejected' && String(end.reason))).toEqual([
      'Error: down',
      'Error: down',
    ]);
    expect(await ask(cache, 'a', 3)).toEqual({ value: { number: 3 }, outcome: 'miss' });
  });

  it('does not begin for a caller that is gone already', async () => {
    const { cache } = createCache();
    const { calls, compute } = controlled();
    await expect(cache.fetch('a', AbortSignal.abort(new Error('gone')), compute)).rejects.toThrow('gone');
    await turn();
    expect(calls).toHaveLength(0);
  });
});
