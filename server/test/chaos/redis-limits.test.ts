import { afterAll, beforeAll, expect, it } from 'vitest';
import { eventually } from '../eventually.js';
import { atOnce } from './chaos-cluster.js';
import { type ChaosOnRedis, findBroken, startChaosOnRedis } from './service-faults.js';

const POINTS = 40;
/** Of register and login. */
const SECRET_POINTS = POINTS / 5;
const ROUNDS = 20;
/** Longer than any of these tests. */
const WINDOW_MS = 600_000;

let chaos: ChaosOnRedis;
let addresses = 0;

beforeAll(async () => {
  chaos = await startChaosOnRedis({
    settings: {
      RATE_LIMIT_MAX_REQUESTS: String(POINTS),
      RATE_LIMIT_WINDOW_MS: String(WINDOW_MS),
      TRUST_PROXY: '1',
    },
  });
});
afterAll(() => chaos.close());

/** One that nobody has counted yet. */
function newAddress(): string {
  addresses += 1;
  return `10.1.${Math.floor(addresses / 250)}.${(addresses % 250) + 1}`;
}

/** Without an account, so that the address is counted: 401 where it is let through. */
async function knock(side: number, address: string): Promise<Response> {
  const response = await fetch(`${chaos.urls[side % 2 === 0 ? 0 : 1]}/v1/projects`, {
    headers: { 'x-forwarded-for': address },
  });
  await response.arrayBuffer();
  return response;
}

/** How many of so many requests at once are let through; the others are 429 with Retry-After. */
async function countAllowed(count: number, address: string, side?: number): Promise<number> {
  const replies = await atOnce(count, (index) => knock(side ?? index, address));
  const refused = replies.filter(({ status }) => status === 429);
  expect(refused.filter(({ headers }) => Number(headers.get('retry-after')) < 1)).toEqual([]);
  const allowed = replies.filter(({ status }) => status === 401).length;
  expect(allowed + refused.length).toBe(count);
  return allowed;
}

async function whileAway(act: () => Promise<void>): Promise<void> {
  const isSeen = (away: boolean) => async () => {
    const states = await Promise.all(
      chaos.urls.map(async (url) => {
        const health = (await (await fetch(`${url}/health`)).json()) as {
          parts: { queue: { status: string } };
        };
        return (health.parts.queue.status === 'degraded') === away;
      }),
    );
    return states.every((state) => state) ? true : null;
  };
  await chaos.redis.proxy.set([{ type: 'down' }]);
  await eventually('both processes to miss Redis', isSeen(true));
  await act();
  await chaos.redis.proxy.set([]);
  await eventually('both processes to have Redis back', isSeen(false));
}

it('two processes keep one limit, whoever is asked', async () => {
  for (let round = 0; round < ROUNDS; round += 1) {
    expect(await countAllowed(2 * POINTS + 10, newAddress())).toBe(POINTS);
  }
});

it('two processes keep one limit of logins', async () => {
  for (let round = 0; round < ROUNDS; round += 1) {
    const address = newAddress();
    const replies = await atOnce(3 * SECRET_POINTS, (index) =>
      fetch(`${chaos.urls[index % 2 === 0 ? 0 : 1]}/v1/auth/login`, {
        method: 'POST',
        headers: { 'x-forwarded-for': address, 'content-type': 'application/json' },
        body: JSON.stringify({ email: 'nobody@example.com', password: 'a wrong password' }),
      }).then(({ status }) => status),
    );
    expect(replies.filter((status) => status === 401)).toHaveLength(SECRET_POINTS);
    expect(replies.filter((status) => status === 429)).toHaveLength(2 * SECRET_POINTS);
  }
});

it('without Redis each process limits by itself, with what it has seen so far', async () => {
  const seen = newAddress();
  const ownPart = 15;
  expect(await countAllowed(2 * ownPart, seen)).toBe(2 * ownPart);
  await whileAway(async () => {
    for (const side of [0, 1]) {
      expect(await countAllowed(2 * POINTS, newAddress(), side)).toBe(POINTS);
      // As strict as the limit is, and no stricter than what Redis counted for both.
      const left = await countAllowed(2 * POINTS, seen, side);
      expect(left).toBeLessThanOrEqual(POINTS - ownPart);
      expect(left).toBeGreaterThanOrEqual(POINTS - 2 * ownPart);
      // Nothing is forgotten within the window.
      expect(await countAllowed(10, seen, side)).toBe(0);
    }
  });
  expect(await countAllowed(2 * POINTS, newAddress())).toBe(POINTS);
});

it('who is over the limit stays so when Redis is emptied, at each process that has seen it', async () => {
  const address = newAddress();
  expect(await countAllowed(3 * POINTS, address)).toBe(POINTS);
  await chaos.redis.server.command('FLUSHALL');
  expect(await countAllowed(2 * POINTS, address)).toBe(0);
});

it('an emptied Redis gives nobody more than one limit anew', async () => {
  const address = newAddress();
  expect(await countAllowed(POINTS / 2, address)).toBe(POINTS / 2);
  await chaos.redis.server.command('FLUSHALL');
  expect(await countAllowed(3 * POINTS, address)).toBeLessThanOrEqual(POINTS);
  expect(await countAllowed(POINTS, address)).toBe(0);
});

it('a Redis that refuses to count leaves each process to its own limit', async () => {
  await chaos.redis.server.command('CONFIG', 'SET', 'maxmemory', '1');
  for (const side of [0, 1]) expect(await countAllowed(2 * POINTS, newAddress(), side)).toBe(POINTS);
  await chaos.redis.server.command('CONFIG', 'SET', 'maxmemory', '0');
  expect(await findBroken(chaos)).toEqual([]);
});
