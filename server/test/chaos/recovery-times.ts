/** Times that something took to come back, for the reader of the test's output: only promised limits are asserted. */
export interface RecoveryTimes {
  /** @returns the milliseconds since `startedAt`, of `performance.now()` */
  add: (startedAt: number) => number;
  print: () => void;
}

export function recordRecovery(what: string): RecoveryTimes {
  const seconds: number[] = [];
  return {
    add: (startedAt) => {
      const milliseconds = performance.now() - startedAt;
      seconds.push(milliseconds / 1000);
      return milliseconds;
    },
    print: () => {
      const sorted = seconds.toSorted((left, right) => left - right);
      const at = (place: number) => `${(sorted[place] ?? Number.NaN).toFixed(1)} s`;
      const middle = at(Math.floor(sorted.length / 2));
      note(
        `recovery: ${what}: median ${middle} (range ${at(0)} to ${at(sorted.length - 1)}), n=${sorted.length}`,
      );
    },
  };
}

/** Writes a line for the reader of the test's output. */
export function note(line: string): void {
  // oxlint-disable-next-line no-console
  console.info(line);
}
