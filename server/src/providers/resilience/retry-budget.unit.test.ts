import { describe, expect, it } from 'vitest';

import { createRetryBudget } from './retry-budget.js';

function createBudget() {
  let nowMs = 0;
  const budget = createRetryBudget(() => nowMs);
  return {
    ...budget,
    earnMany: (count: number) => {
      for (let request = 0; request < count; request += 1) budget.earn();
    },
    /** How many retries it gives now. */
    drain: () => {
      let count = 0;
      while (budget.spend()) count += 1;
      return count;
    },
    wait: (milliseconds: number) => {
      nowMs += milliseconds;
    },
  };
}

describe('a retry budget', () => {
  it('lets little traffic retry three times in ten seconds', () => {
    const budget = createBudget();
    expect(budget.drain()).toBe(3);
    budget.wait(3_333);
    expect(budget.drain()).toBe(0);
    budget.wait(1);
    expect(budget.drain()).toBe(1);
    budget.wait(60_000);
    expect(budget.drain()).toBe(3);
  });

  it('gives a tenth of the requests beyond that', () => {
    const budget = createBudget();
    budget.drain();
    budget.earnMany(50);
    expect(budget.drain()).toBe(5);
  });

  it('saves no more than ten for a burst, and time alone adds none of them', () => {
    const budget = createBudget();
    budget.earnMany(10_000);
    budget.wait(3_600_000);
    expect(budget.drain()).toBe(10);
  });
});
