import { setTimeout as delay } from 'node:timers/promises';
import { isDatabaseUnavailable } from './database-errors.js';

const LONGEST_MS = 45_000;
const FIRST_PAUSE_MS = 100;
const MAX_PAUSE_MS = 2_000;

/**
 * Runs `act` again while the database cannot be reached, for what must not be lost because it was away for a moment.
 * @throws what `act` throws for any other reason, or after 45 seconds
 */
export async function retryWhileUnavailable<T>(act: () => Promise<T>): Promise<T> {
  const deadline = performance.now() + LONGEST_MS;
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(2 * pauseMs, MAX_PAUSE_MS)) {
    try {
      return await act();
    } catch (error) {
      if (!isDatabaseUnavailable(error) || performance.now() + pauseMs > deadline) throw error;
      await delay(pauseMs);
    }
  }
}
