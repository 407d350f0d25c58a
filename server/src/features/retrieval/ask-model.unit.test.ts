import { expect, it } from 'vitest';
import { callTimeMs } from './ask-model.js';

it.each([
  ['three seconds while there is more', 4_200.7, 3_000],
  ['what is left, in whole milliseconds', 1_234.567, 1_234],
  ['none when nothing is left', 0, 0],
])('gives a call %s, as a signal takes it', (_what, remainingMs, expected) => {
  const milliseconds = callTimeMs({ remainingMs: () => remainingMs });
  expect(milliseconds).toBe(expected);
  expect(AbortSignal.timeout(milliseconds).aborted).toBe(false);
});
