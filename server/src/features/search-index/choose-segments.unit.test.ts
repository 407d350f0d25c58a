import { describe, expect, it } from 'vitest';
import { chooseSegments } from './choose-segments.js';
import type { SegmentSize } from './search-index.queries.js';

function segments(sizes: number[], shape: Partial<SegmentSize> = {}): SegmentSize[] {
  return sizes.map((size, index) => ({
    id: `${shape.language ?? 'en'}-${shape.analyzerVersion ?? 1}-${String(index).padStart(4, '0')}`,
    analyzerVersion: 1,
    language: 'en',
    chunkCount: size,
    visibleCount: size,
    ...shape,
  }));
}

const sizesOf = (all: SegmentSize[]) => {
  const chosen = new Set(chooseSegments(all));
  return all.filter(({ id }) => chosen.has(id)).map(({ visibleCount }) => visibleCount);
};

describe('chooseSegments', () => {
  it('takes the small ones, and leaves what is larger than all of them together', () => {
    expect(sizesOf(segments([3, 1, 1, 1, 1, 1, 1, 1, 500]))).toEqual([3, 1, 1, 1, 1, 1, 1, 1]);
    expect(sizesOf(segments([8, 1, 1, 1, 1, 1, 1, 1, 1]))).toEqual([8, 1, 1, 1, 1, 1, 1, 1, 1]);
  });

  it('leaves few alone', () => {
    expect(sizesOf(segments([1, 1, 1, 1, 1, 1, 1]))).toEqual([]);
    expect(sizesOf(segments([]))).toEqual([]);
  });

  it('keeps languages and analyzers apart', () => {
    const mixed = [
      ...segments([1, 1, 1, 1, 1]),
      ...segments([2, 2, 2, 2, 2], { language: 'de' }),
      ...segments([3, 3, 3, 3, 3, 3, 3, 3], { analyzerVersion: 2 }),
    ];
    expect(sizesOf(mixed)).toEqual([3, 3, 3, 3, 3, 3, 3, 3]);
  });

  it('makes no segment larger than 5,000 chunks, and takes 500 at once at most', () => {
    expect(sizesOf(segments(Array.from({ length: 30 }, () => 500)))).toHaveLength(10);
    expect(sizesOf(segments(Array.from({ length: 900 }, () => 1)))).toHaveLength(500);
  });

  it('writes anew what has lost a fifth, but not what is dead as a whole', () => {
    expect(sizesOf(segments([80], { chunkCount: 100 }))).toEqual([80]);
    expect(sizesOf(segments([81], { chunkCount: 100 }))).toEqual([]);
    expect(sizesOf(segments([0], { chunkCount: 100 }))).toEqual([]);
  });

  it('ends with a logarithmic number of segments, and rewrites a chunk a logarithmic number of times', () => {
    let all = segments([]);
    let rewritten = 0;
    for (let index = 0; index < 20_000; index += 1) {
      all.push(...segments([1]).map((one) => ({ ...one, id: `s${index}` })));
      for (;;) {
        const chosen = new Set(chooseSegments(all));
        if (chosen.size === 0) break;
        const sum = all
          .filter(({ id }) => chosen.has(id))
          .reduce((total, one) => total + one.visibleCount, 0);
        all = all.filter(({ id }) => !chosen.has(id));
        all.push({
          id: `m${index}-${sum}`,
          analyzerVersion: 1,
          language: 'en',
          chunkCount: sum,
          visibleCount: sum,
        });
        rewritten += sum;
      }
    }
    expect(all.length).toBeLessThanOrEqual(20);
    expect(rewritten / 20_000).toBeLessThan(20);
  });
});
