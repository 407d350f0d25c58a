import { describe, expect, it } from 'vitest';

import { findRecurringBlocks } from './recurring-blocks.js';

describe('the blocks that recur', () => {
  it('are those on more than half of the pages, in the order in which they come', () => {
    const pages = [
      ['menu', 'a', 'footer'],
      ['menu', 'b', 'footer'],
      ['menu', 'c', 'half', 'footer'],
      ['menu', 'd', 'half'],
      ['e', 'half', 'footer'],
      ['f'],
    ];
    expect(findRecurringBlocks(pages)).toEqual(['menu', 'footer']);
  });

  it('counts a block once a page', () => {
    expect(findRecurringBlocks([['a', 'a', 'a'], ['a'], [], [], []])).toEqual([]);
  });

  it('needs five pages', () => {
    const pages = [['a'], ['a'], ['a'], ['a']];
    expect(findRecurringBlocks(pages)).toEqual([]);
    expect(findRecurringBlocks([...pages, []])).toEqual(['a']);
    expect(findRecurringBlocks([])).toEqual([]);
  });
});
