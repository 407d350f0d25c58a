import { expect, it } from 'vitest';
import { createJobShares } from './job-shares.js';
import type { ClaimLimits, JobRow } from './jobs.queries.js';

const job = (projectId: string | null, priority: number) => ({ projectId, priority }) as JobRow;

/** Claims a job, and tells which limits its claim was made under. */
async function claim(shares: ReturnType<typeof createJobShares>, row: JobRow | null): Promise<ClaimLimits> {
  let seen: ClaimLimits | null = null;
  await shares.claim(async (limits) => {
    seen = limits;
    return row;
  });
  return seen ?? { isBackgroundAllowed: false, fullProjectIds: [] };
}

it('leaves a place to what cannot wait, and half of the places to other projects', async () => {
  const shares = createJobShares(4);
  const free = { isBackgroundAllowed: true, fullProjectIds: [] };
  const [first, second, third] = [job('a', 20), job('a', 20), job('b', 40)];
  expect(await claim(shares, first)).toEqual(free);
  expect(await claim(shares, second)).toEqual(free);
  expect(await claim(shares, third)).toEqual({ isBackgroundAllowed: true, fullProjectIds: ['a'] });
  expect(shares.isLimiting()).toBe(true);
  expect(await claim(shares, job('a', 10))).toEqual({ isBackgroundAllowed: false, fullProjectIds: ['a'] });
  shares.release(first);
  expect(await claim(shares, null)).toEqual(free);
  shares.release(second);
  shares.release(third);
  expect(shares.isLimiting()).toBe(false);
});

it('counts no job that cannot wait, and lets a worker of one place do everything', async () => {
  const shares = createJobShares(1);
  const urgent = job('a', 10);
  await claim(shares, urgent);
  expect(shares.isLimiting()).toBe(false);
  const slow = job(null, 50);
  await claim(shares, slow);
  expect(await claim(shares, null)).toEqual({ isBackgroundAllowed: false, fullProjectIds: [] });
  shares.release(slow);
  expect(await claim(shares, null)).toEqual({ isBackgroundAllowed: true, fullProjectIds: [] });
});

it('makes one claim at a time, so that each knows of the one before', async () => {
  const shares = createJobShares(2);
  const seen = await Promise.all([1, 2, 3].map(() => claim(shares, job('a', 20))));
  expect(seen.map(({ isBackgroundAllowed }) => isBackgroundAllowed)).toEqual([true, false, false]);
});
