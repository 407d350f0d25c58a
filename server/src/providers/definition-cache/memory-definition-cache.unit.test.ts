import { describe, expect, it } from 'vitest';
import { createGate } from '#test/gate.js';
import { UNTOLD_TTL_MS, createMemoryDefinitionCache } from './memory-definition-cache.js';

function createCache() {
  const time = { ms: 1_000 };
  const cache = createMemoryDefinitionCache({ nowMs: () => time.ms });
  const ask = (value: string) => cache.fetch('plans', async () => value);
  return { cache, time, ask };
}

describe('createMemoryDefinitionCache', () => {
  it('reads once, and anew after its time', async () => {
    const { time, ask } = createCache();
    expect([await ask('a'), await ask('b')]).toEqual(['a', 'a']);
    time.ms += UNTOLD_TTL_MS - 1;
    expect(await ask('c')).toBe('a');
    time.ms += 1;
    expect([await ask('d'), await ask('e')]).toEqual(['d', 'd']);
  });

  it('reads anew once it is dropped, also while a reading is under way', async () => {
    const { cache, ask } = createCache();
    const begun = createGate();
    const slow = cache.fetch('plans', async () => {
      await begun.passed;
      return 'old';
    });
    const waiting = ask('unread');
    cache.drop();
    expect(await ask('new')).toBe('new');
    begun.open();
    expect([await slow, await waiting, await ask('later')]).toEqual(['old', 'old', 'new']);
  });

  it('fails for those who wait, and not for those who come after', async () => {
    const { cache, ask } = createCache();
    const fail = () => cache.fetch('plans', () => Promise.reject(new Error('down')));
    const [first, second] = await Promise.allSettled([fail(), ask('unread')]);
    expect([first.status, second.status]).toEqual(['rejected', 'rejected']);
    expect(await ask('a')).toBe('a');
  });
});
