import { eventually } from '../eventually.js';
import { type TokenGate, createTokenGate } from '../fakes/token-gate.js';

/** Enough for the first words to be shown, and not all of them. */
const FIRST_TOKENS = 5;

export interface StepGate extends TokenGate {
  /** Lets each of these answers show its first words, and none of them go on: they are all that is being written. */
  showFirstWords: (answers: readonly { text: () => string }[]) => Promise<void>;
}

/** A gate that lets all answers go on in step, so that none is at its end while another has not begun. */
export function createStepGate(): StepGate {
  const gate = createTokenGate();
  let waitingCount = 0;
  return {
    release: (count) => gate.release(count),
    open: () => gate.open(),
    pass: async () => {
      waitingCount += 1;
      await gate.pass();
      waitingCount -= 1;
    },
    showFirstWords: async (answers) => {
      for (let token = 0; token < FIRST_TOKENS; token += 1) {
        await eventually('all answers to wait for a token', () =>
          waitingCount === answers.length ? true : null,
        );
        gate.release(answers.length);
      }
      await eventually('all answers to show some words', () =>
        answers.every(({ text }) => text().includes('event: delta')) ? true : null,
      );
    },
  };
}
