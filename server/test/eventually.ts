import { setTimeout as delay } from 'node:timers/promises';

const PAUSE_MS = 50;

/**
 * Asks again and again until there is an answer other than null.
 * @throws Error naming what was waited for when `timeoutMs` have passed; at once what `find` throws
 */
export async function eventually<T>(
  what: string,
  find: () => Promise<T | null> | T | null,
  timeoutMs = 60_000,
): Promise<T> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const found = await find();
    if (found !== null) return found;
    if (performance.now() > deadline) throw new Error(`waited ${timeoutMs} ms in vain: ${what}`);
    await delay(PAUSE_MS);
  }
}
