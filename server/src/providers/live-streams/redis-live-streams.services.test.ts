import type { Redis } from 'ioredis';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createLogger } from '#platform/logger.js';
import type { StreamEvent } from '#platform/ports/live-streams.js';
import { connectRedis, isRedisAway } from '#providers/redis/connect-redis.js';
import { eventually } from '#test/eventually.js';
import { type RedisServer, startRedis } from '#test/faults/start-redis.js';
import { type Gate, createGate } from '#test/gate.js';
import { createInMemoryLiveStreams } from './in-memory-live-streams.js';
import { type SharedLiveStreams, createRedisLiveStreams } from './redis-live-streams.js';

interface Peer {
  redis: Redis;
  streams: SharedLiveStreams;
}

let server: RedisServer;
let peers: Peer[];
let here: Peer;
let there: Peer;

/** A process of its own, as far as streams are concerned. */
function startPeer(): Peer {
  const redis = connectRedis({ url: server.url, log: createLogger('error', { write: () => {} }) });
  const local = createInMemoryLiveStreams({ onFailure: () => {} });
  const peer = { redis, streams: createRedisLiveStreams({ redis, processId: crypto.randomUUID(), local }) };
  peers.push(peer);
  return peer;
}

/** All of a process that another one can see of its end. */
function endPeer({ redis, streams }: Peer): void {
  streams.close();
  redis.disconnect();
}

const staying = () => new AbortController().signal;
const text = (sequence: number): StreamEvent => ({ sequence, name: 'delta', data: { text: `${sequence}` } });

/** Events 1 to `to`; before each the gate of its number is waited for, where there is one. */
async function* count(to: number, gates: Record<number, Gate> = {}): AsyncGenerator<StreamEvent> {
  for (let sequence = 1; sequence <= to; sequence += 1) {
    await gates[sequence]?.passed;
    yield text(sequence);
  }
}

const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => from + index);

/** Reads in the background, as an answer to a client does; tries until the processes have found each other. */
async function startReading({ streams }: Peer, id: string, afterSequence = 0, signal = staying()) {
  const events = await eventually(`the stream ${id}`, () => streams.read(id, afterSequence, signal));
  const seen: StreamEvent[] = [];
  const ended = (async () => {
    for await (const event of events) seen.push(event);
  })();
  const until = (sequence: number) =>
    eventually(`event ${sequence}`, () => (seen.some((event) => event.sequence === sequence) ? true : null));
  return { seen, ended, until, sequences: () => seen.map(({ sequence }) => sequence) };
}

beforeEach(async () => {
  peers = [];
  server = await startRedis();
  here = startPeer();
  there = startPeer();
});
afterEach(async () => {
  for (const peer of peers) endPeer(peer);
  await server.close();
});

describe('a stream of another process', () => {
  it('is read from any event, those that were and those to come, to its end', async () => {
    const gates = { 3: createGate(), 5: createGate() };
    here.streams.start('a', count(6, gates), new AbortController());
    const whole = await startReading(there, 'a');
    await whole.until(2);
    gates[3].open();
    await whole.until(4);
    const rest = await startReading(there, 'a', 3);
    const own = await startReading(here, 'a');
    gates[5].open();
    await Promise.all([whole.ended, rest.ended, own.ended]);
    expect(whole.seen).toEqual(range(1, 6).map(text));
    expect(rest.sequences()).toEqual([4, 5, 6]);
    expect(own.sequences()).toEqual(range(1, 6));
    expect(await there.streams.read('a', 0, staying())).toBeNull();
  });

  it('is not there where nobody drives it', async () => {
    expect(await there.streams.read('b', 0, staying())).toBeNull();
    expect(await there.streams.stop('b')).toBe(false);
  });

  it('comes over the same two connections of each process, whatever the number of streams and readers', async () => {
    const gate = createGate();
    const names = range(1, 20).map(String);
    for (const name of names) here.streams.start(name, count(3, { 3: gate }), new AbortController());
    const readers = await Promise.all([...names, ...names].map((name) => startReading(there, name)));
    await Promise.all(readers.map(({ until }) => until(2)));
    const clients = String(await server.command('CLIENT', 'LIST', 'TYPE', 'NORMAL'))
      .trim()
      .split('\n');
    const subscribers = String(await server.command('CLIENT', 'LIST', 'TYPE', 'PUBSUB'))
      .trim()
      .split('\n');
    const askingOne = 1;
    expect([clients.length, subscribers.length]).toEqual([peers.length + askingOne, peers.length]);
    gate.open();
    await Promise.all(readers.map(({ ended }) => ended));
    expect(readers.map(({ sequences }) => sequences())).toEqual(readers.map(() => [1, 2, 3]));
    expect(await server.command('DBSIZE')).toBe(0);
  });

  it('goes on for the others when one reader leaves, and is no longer sent when the last has left', async () => {
    const gates = Object.fromEntries(range(2, 4).map((number) => [number, createGate()]));
    here.streams.start('a', count(4, gates), new AbortController());
    const leave = [new AbortController(), new AbortController()] as const;
    const first = await startReading(there, 'a', 0, leave[0].signal);
    const second = await startReading(there, 'a', 0, leave[1].signal);
    await Promise.all([first.until(1), second.until(1)]);
    leave[0].abort();
    await first.ended;
    gates[2]?.open();
    await second.until(2);
    leave[1].abort();
    await second.ended;
    expect([first.sequences(), second.sequences()]).toEqual([[1], [1, 2]]);
    const signsOfLifeStopped = eventually('silence', silence());
    await signsOfLifeStopped;
    gates[3]?.open();
    gates[4]?.open();
  });

  /** Whether nothing was published from one look to one long after the next sign of life was due. */
  function silence() {
    let before = '';
    let since = performance.now();
    return async () => {
      const [calls = ''] =
        /cmdstat_publish:calls=\d+/.exec(String(await server.command('INFO', 'commandstats'))) ?? [];
      if (calls !== before) since = performance.now();
      before = calls;
      return performance.now() - since > 2_500 ? true : null;
    };
  }

  it('stops when it is told to, and its last words come', async () => {
    const stop = new AbortController();
    async function* untilStopped(): AsyncGenerator<StreamEvent> {
      yield text(1);
      await new Promise((resolve) => stop.signal.addEventListener('abort', resolve, { once: true }));
      yield text(2);
    }
    here.streams.start('a', untilStopped(), stop);
    const reader = await startReading(there, 'a');
    expect(await there.streams.stop('a')).toBe(true);
    await reader.ended;
    expect(stop.signal.aborted).toBe(true);
    expect(reader.sequences()).toEqual([1, 2]);
  });

  it('breaks off when its process dies, and nobody hangs', async () => {
    here.streams.start('a', count(2, { 2: createGate() }), new AbortController());
    const reader = await startReading(there, 'a');
    await reader.until(1);
    endPeer(here);
    await reader.ended;
    expect(reader.sequences()).toEqual([1]);
  });

  it('loses no event when Redis restarts meanwhile', async () => {
    const gates = { 2: createGate(), 3: createGate() };
    here.streams.start('a', count(3, gates), new AbortController());
    const reader = await startReading(there, 'a');
    await reader.until(1);
    await server.stop();
    await eventually('Redis to be away', () =>
      peers.every(({ redis }) => isRedisAway(redis)) ? true : null,
    );
    gates[2].open();
    await server.start();
    await reader.until(2);
    gates[3].open();
    await reader.ended;
    expect(reader.sequences()).toEqual([1, 2, 3]);
  });
});

describe('without Redis', () => {
  it('own streams run, and those of others are out of reach until it is back', async () => {
    const gates = { 2: createGate(), 3: createGate() };
    here.streams.start('a', count(3, gates), new AbortController());
    await startReading(there, 'a');
    await server.stop();
    await eventually('Redis to be away', () =>
      peers.every(({ redis }) => isRedisAway(redis)) ? true : null,
    );
    const own = await startReading(here, 'a');
    gates[2].open();
    await own.until(2);
    expect(await there.streams.read('b', 0, staying())).toBeNull();
    expect(await there.streams.stop('a')).toBe(false);
    await server.start();
    await eventually('Redis to be back', () => (peers.some(({ redis }) => isRedisAway(redis)) ? null : true));
    const foreign = await startReading(there, 'a', 1);
    // The two connections of each process come back one after the other: now all of them are there.
    await foreign.until(2);
    gates[3].open();
    await Promise.all([own.ended, foreign.ended]);
    expect([own.sequences(), foreign.sequences()]).toEqual([
      [1, 2, 3],
      [2, 3],
    ]);
  });

  it('nobody hangs on a Redis that is stopped', async () => {
    const gate = createGate();
    here.streams.start('a', count(2, { 2: gate }), new AbortController());
    const foreign = await startReading(there, 'a');
    await foreign.until(1);
    await server.kill('SIGSTOP');
    const own = await startReading(here, 'a');
    expect(await there.streams.read('b', 0, staying())).toBeNull();
    gate.open();
    await Promise.all([own.ended, foreign.ended]);
    expect(own.sequences()).toEqual([1, 2]);
    await server.kill('SIGCONT');
  });
});
