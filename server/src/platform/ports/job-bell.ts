/** What a worker must hear to take up a job: the row holds the rest. */
export interface JobRing {
  id: string;
  /** Lower runs first. */
  priority: number;
  /** Names the ring: the same job rung twice for the same time is one ring. */
  runAt: Date;
}

/** Tells workers on any machine which job is due. It may lose rings, and repeat them: the `jobs` table is the truth. */
export interface JobBell {
  /** @throws when the bell is away */
  ring(jobs: readonly JobRing[]): Promise<void>;
  /** Calls `answer` for every ring that this process gets, `concurrency` at once at most. */
  listen(answer: (jobId: string) => Promise<void>, concurrency: number): JobListener;
  /** `emptied`: it answers, and has forgotten whatever was rung before. */
  check(): Promise<'ready' | 'emptied' | 'away'>;
  close(): Promise<void>;
}

interface JobListener {
  /** Answers no further ring; does not wait for those in hand. */
  stop(): Promise<void>;
}
