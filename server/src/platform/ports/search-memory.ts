/**
 * What a process remembers of the indexes it searches, and the turns that its searches take. Whoever keeps something
 * names the state of the index with it, and looks whether that still holds: nothing is ever invalidated.
 */
export interface SearchMemory {
  /** What was kept under `key`, unless it had to make room. Values are shared. */
  recall: (key: string) => object | undefined;
  /** @param bytes estimated, in memory */
  keep: (key: string, value: object, bytes: number) => void;
  /** Runs `act` when few enough others are at work: so many searches at once gain nothing and hold up everyone. */
  inTurn: <Result>(act: () => Promise<Result>) => Promise<Result>;
}
