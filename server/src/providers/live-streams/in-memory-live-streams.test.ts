import { beforeEach, describe, expect, it } from 'vitest';
import type { LiveStreams, StreamEvent } from '#platform/ports/live-streams.js';
import { type Gate, createGate } from '#test/gate.js';
import { createInMemoryLiveStreams } from './in-memory-live-streams.js';

const LONG_MS = 60_000;
/** The signal of a reader that does not leave. */
const staying = () => new AbortController().signal;

let streams: LiveStreams;

const failures: unknown[] = [];
beforeEach(() => {
  failures.length = 0;
  streams = createInMemoryLiveStreams({ onFailure: (error) => void failures.push(error) });
});

/** Events 1 to `count`; before each the gate of its number is waited for, where there is one. */
async function* count(to: number, gates: Record<number, Gate> = {}): AsyncGenerator<StreamEvent> {
  for (let sequence = 1; sequence <= to; sequence += 1) {
    await gates[sequence]?.passed;
    yield { sequence, name: 'delta', data: `event ${sequence}` };
  }
}

async function sequencesOf(reading: Promise<AsyncIterable<StreamEvent> | null>): Promise<number[]> {
  const events = await reading;
  if (events === null) throw new Error('there is no such stream');
  const sequences: number[] = [];
  for await (const { sequence } of events) sequences.push(sequence);
  return sequences;
}

/** Runs on until it is stopped, then says why in a last event, as an answer does. */
async function* untilStopped(stop: AbortController, begun: Gate): AsyncGenerator<StreamEvent> {
  yield { sequence: 1, name: 'start', data: null };
  begun.open();
  await new Promise((resolve) => stop.signal.addEventListener('abort', resolve, { once: true }));
  yield { sequence: 2, name: 'done', data: 'stopped' };
}

describe('a live stream', () => {
  it('runs on without a reader', async () => {
    const ended = createGate();
    const events = async function* () {
      yield* count(3);
      ended.open();
    };
    streams.start('a', events(), new AbortController());
    await ended.passed;
  });

  it('gives all its events to readers that come early, late and last, and the same objects to each', async () => {
    const gates = { 3: createGate(), 5: createGate() };
    streams.start('a', count(5, gates), new AbortController());
    const early = sequencesOf(streams.read('a', 0, staying()));
    gates[3].open();
    const late = await streams.read('a', 0, staying());
    const first = await late?.[Symbol.asyncIterator]().next();
    expect(first?.value).toEqual({ sequence: 1, name: 'delta', data: 'event 1' });
    const last = sequencesOf(streams.read('a', 0, staying()));
    gates[5].open();
    expect(await early).toEqual([1, 2, 3, 4, 5]);
    expect(await last).toEqual([1, 2, 3, 4, 5]);
  });

  it('resumes after a sequence, whether that has come yet or not', async () => {
    const gate = createGate();
    streams.start('a', count(6, { 4: gate }), new AbortController());
    const afterTwo = sequencesOf(streams.read('a', 2, staying()));
    const afterFive = sequencesOf(streams.read('a', 5, staying()));
    gate.open();
    expect(await afterTwo).toEqual([3, 4, 5, 6]);
    expect(await afterFive).toEqual([6]);
  });

  it('waits for a slow reader without losing an event', async () => {
    const gate = createGate();
    streams.start('a', count(100, { 100: gate }), new AbortController());
    const seen: number[] = [];
    for await (const { sequence } of (await streams.read('a', 0, staying())) ?? []) {
      seen.push(sequence);
      if (sequence === 50) gate.open();
    }
    expect(seen).toEqual(Array.from({ length: 100 }, (_, index) => index + 1));
  });

  it('lets a reader go that leaves while nothing comes, and goes on for the others', async () => {
    const gate = createGate();
    streams.start('a', count(2, { 2: gate }), new AbortController());
    const leave = new AbortController();
    const leaver = (await streams.read('a', 0, leave.signal))?.[Symbol.asyncIterator]();
    const stayed = sequencesOf(streams.read('a', 0, staying()));
    expect((await leaver?.next())?.value).toMatchObject({ sequence: 1 });
    const next = leaver?.next();
    leave.abort();
    expect(await next).toEqual({ done: true, value: undefined });
    gate.open();
    expect(await stayed).toEqual([1, 2]);
  });

  it('is forgotten at its end, and never known under another name', async () => {
    streams.start('a', count(1), new AbortController());
    expect(await streams.read('b', 0, staying())).toBeNull();
    await sequencesOf(streams.read('a', 0, staying()));
    await streams.drain(LONG_MS);
    expect(await streams.read('a', 0, staying())).toBeNull();
    expect(await streams.stop('a')).toBe(false);
  });
});

describe('stopping', () => {
  it('aborts the one that is meant, whose last events still come', async () => {
    const stops = { a: new AbortController(), b: new AbortController() };
    const begun = createGate();
    streams.start('a', untilStopped(stops.a, begun), stops.a);
    streams.start('b', untilStopped(stops.b, createGate()), stops.b);
    const read = sequencesOf(streams.read('a', 0, staying()));
    await begun.passed;
    expect(await streams.stop('a')).toBe(true);
    expect(await read).toEqual([1, 2]);
    expect([stops.a.signal.aborted, stops.b.signal.aborted]).toEqual([true, false]);
  });
});

describe('draining', () => {
  it('has nothing to wait for where nothing runs', async () => {
    await streams.drain(LONG_MS);
  });

  it('waits for streams to end by themselves', async () => {
    const gate = createGate();
    const stop = new AbortController();
    streams.start('a', count(2, { 2: gate }), stop);
    const read = sequencesOf(streams.read('a', 0, staying()));
    const drained = streams.drain(LONG_MS);
    gate.open();
    await drained;
    expect(await read).toEqual([1, 2]);
    expect(stop.signal.aborted).toBe(false);
  });

  it('stops those that take too long, and waits for their last words', async () => {
    const stop = new AbortController();
    const begun = createGate();
    streams.start('a', untilStopped(stop, begun), stop);
    const read = sequencesOf(streams.read('a', 0, staying()));
    await begun.passed;
    await streams.drain(0);
    expect(stop.signal.aborted).toBe(true);
    expect(await read).toEqual([1, 2]);
  });

  it('survives a stream that throws, tells of it and forgets it', async () => {
    // oxlint-disable-next-line require-yield
    async function* broken(): AsyncGenerator<StreamEvent> {
      throw new Error('the database is away');
    }
    streams.start('broken', broken(), new AbortController());
    await streams.drain(60_000);
    expect(failures).toMatchObject([{ message: 'the database is away' }]);
    expect(await streams.stop('broken')).toBe(false);
  });
});
