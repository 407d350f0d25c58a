import { setImmediate as nextTurn } from 'node:timers/promises';

/** For the policies of endpoints: waits pass at once, on a clock that they and the test alone move. */
export interface InstantWaits {
  now: () => number;
  random: () => number;
  pause: (delayMs: number) => Promise<void>;
  /** Lets time pass without a wait, such as for the next probe of an open circuit. */
  advance: (milliseconds: number) => void;
}

export function createInstantWaits(): InstantWaits {
  let nowMs = 0;
  const advance = (milliseconds: number) => {
    nowMs += milliseconds;
  };
  return {
    now: () => nowMs,
    random: () => 0.5,
    pause: async (delayMs) => {
      advance(delayMs);
      // Who waits for another call's answer must let it come in, or would wait for ever in one turn.
      await nextTurn();
    },
    advance,
  };
}
