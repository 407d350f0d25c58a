import PQueue from 'p-queue';
import { BACKGROUND_PRIORITY } from './background-priority.js';
import type { ClaimLimits, JobRow } from './jobs.queries.js';

/** What a worker leaves for others: it decides which jobs may be claimed now, and hears of each that was. */
export interface JobShares {
  /** One claim at a time, so that each knows of the one before. */
  claim: (act: (limits: ClaimLimits) => Promise<JobRow | null>) => Promise<JobRow | null>;
  /** The job is in hand no more. */
  release: (row: JobRow) => void;
  /** Whether some job is passed over at the moment. */
  isLimiting: () => boolean;
}

const NO_LIMITS: ClaimLimits = { isBackgroundAllowed: true, fullProjectIds: [] };

/** Whatever is due. */
export const ALL_SHARES: JobShares = {
  claim: (act) => act(NO_LIMITS),
  release: () => undefined,
  isLimiting: () => false,
};

/**
 * Of `concurrency` places one is never taken by a job that can wait, and no project has more than half of them for
 * such jobs: however many pages one has to read, and however slow their server is, what others want is begun.
 */
export function createJobShares(concurrency: number): JobShares {
  const mostOfAll = Math.max(1, concurrency - 1);
  const mostOfProject = Math.max(1, Math.floor(concurrency / 2));
  const claims = new PQueue({ concurrency: 1 });
  const running = new Map<string, number>();
  let total = 0;
  const limits = (): ClaimLimits => ({
    isBackgroundAllowed: total < mostOfAll,
    fullProjectIds: [...running].filter(([, count]) => count >= mostOfProject).map(([id]) => id),
  });
  const count = ({ priority, projectId }: JobRow, change: 1 | -1) => {
    if (priority < BACKGROUND_PRIORITY) return;
    total += change;
    if (projectId === null) return;
    const ofProject = (running.get(projectId) ?? 0) + change;
    if (ofProject === 0) running.delete(projectId);
    else running.set(projectId, ofProject);
  };
  return {
    claim: (act) =>
      claims.add(async () => {
        const row = await act(limits());
        if (row !== null) count(row, 1);
        return row;
      }),
    release: (row) => count(row, -1),
    isLimiting: () => {
      const { isBackgroundAllowed, fullProjectIds } = limits();
      return !isBackgroundAllowed || fullProjectIds.length > 0;
    },
  };
}
