import { describe, expect, it } from 'vitest';
import { similarTerms, variantPrefix } from './similar-terms.js';

describe('similarTerms', () => {
  it('gives what is spelled alike with 0.4 times the likeness, the most alike first', () => {
    const found = similarTerms(
      ['kühlschrank'],
      ['kühlschränke', 'kühlschranktür', 'kühl', 'kühlung', 'kühlschrank'],
    );
    expect(found.map(({ term }) => term)).toEqual(['kühlschranktür', 'kühlschränke']);
    // ^kü küh ühl hls lsc sch chr hra ran ank nk$ against ^kü … ank nkt ktü tür ür$: ten in common of 11 and 14.
    expect(found[0]?.weight).toBeCloseTo(0.4 * (20 / 25), 10);
  });

  it('takes the best of several forms, and forty at most', () => {
    expect(similarTerms(['zzzz', 'liefer'], ['liefert'])[0]?.weight).toBeCloseTo(0.4 * (10 / 13), 10);
    const many = Array.from({ length: 60 }, (_, index) => `warranty${index}`);
    expect(similarTerms(['warranty'], many)).toHaveLength(40);
  });

  it('leaves short words, numbers and scripts without an alphabet alone', () => {
    for (const term of ['cat', '2024', '返品期限', 'สินค้า']) expect(variantPrefix(term)).toBeNull();
    expect(variantPrefix('θάλασσα')).toBe('θάλ');
    expect(similarTerms(['cats'], ['cat', 'cat2'])).toEqual([{ term: 'cat2', weight: 0.4 * 0.5 }]);
  });
});
