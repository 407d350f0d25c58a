import { describe, expect, it } from 'vitest';
import { VECTOR_INDEX_LIMITS, isIndexQuicker, vectorIndexOf } from './vector-index.js';

describe('the index of a model', () => {
  it('has a name of its own for each model, size and kind, whatever the model is called', () => {
    const names = [
      vectorIndexOf({ model: 'a', dimensions: 12 }, 'halfvec'),
      vectorIndexOf({ model: 'a', dimensions: 12 }, 'bit'),
      vectorIndexOf({ model: 'a', dimensions: 13 }, 'halfvec'),
      vectorIndexOf({ model: 'a1', dimensions: 2 }, 'halfvec'),
      vectorIndexOf({ model: `'"; drop table embeddings; --${'x'.repeat(200)}`, dimensions: 12 }, 'halfvec'),
    ].map((index) => index?.name ?? '');
    expect(new Set(names).size).toBe(5);
    for (const name of names) expect(name).toMatch(/^embeddings_hnsw_(halfvec|bit)_[0-9a-f]{16}$/);
  });

  it('is none where its vectors are larger than an index can hold', () => {
    expect(vectorIndexOf({ model: 'large', dimensions: 4_000 }, 'halfvec')).not.toBeNull();
    expect(vectorIndexOf({ model: 'large', dimensions: 4_001 }, 'halfvec')).toBeNull();
    expect(vectorIndexOf({ model: 'large', dimensions: 4_001 }, 'bit')).not.toBeNull();
  });
});

describe('an index is quicker', () => {
  it.each([
    ['in a large project that has the index to itself', 100_000, 100_000, true],
    ['not in a small project', 9_999, 9_999, false],
    ['in a large project among others', 50_000, 1_000_000, true],
    ['not where nearly all that it finds is of others', 12_000, 10_000_000, false],
    ['not while nobody knows how large it is', 100_000, -1, false],
  ])('%s', (_case, matching, indexed, expected) => {
    expect(isIndexQuicker({ matching, indexed, wanted: 100 }, VECTOR_INDEX_LIMITS)).toBe(expected);
  });
});
