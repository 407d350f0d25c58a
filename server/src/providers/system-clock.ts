import type { Clock } from '#platform/ports/clock.js';

export const systemClock: Clock = { now: () => new Date() };
