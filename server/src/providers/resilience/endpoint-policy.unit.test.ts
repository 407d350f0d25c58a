import { describe, expect, it } from 'vitest';

import { ModelError, type ModelErrorKind } from '#kernel/model-error.js';

import { type EndpointEvent, type RequestLimits, createEndpointPolicy } from './endpoint-policy.js';

/** A policy whose waits pass at once on its own clock, with jitter at one half. */
function createTestPolicy() {
  let nowMs = 0;
  const pauses: number[] = [];
  const events: EndpointEvent[] = [];
  const policy = createEndpointPolicy({
    name: 'chat',
    now: () => nowMs,
    random: () => 0.5,
    pause: async (delayMs) => {
      pauses.push(delayMs);
      nowMs += delayMs;
    },
    onEvent: (event) => events.push(event),
  });
  return {
    policy,
    pauses,
    events,
    wait: (milliseconds: number) => {
      nowMs += milliseconds;
    },
  };
}

function limits(changes: Partial<RequestLimits> = {}): RequestLimits {
  return { signal: new AbortController().signal, remainingMs: () => 30_000, isPatient: false, ...changes };
}

/** An endpoint that fails with these, one after the other, and then answers. */
function endpoint(...errors: ModelError[]) {
  let calls = 0;
  return {
    calls: () => calls,
    ask: async () => {
      calls += 1;
      const failure = errors.shift();
      if (failure !== undefined) throw failure;
      return 'answer';
    },
  };
}

function failed(kind: ModelErrorKind, retryAfterSeconds?: number): ModelError {
  return new ModelError(kind, 'failed', retryAfterSeconds === undefined ? {} : { retryAfterSeconds });
}

function failures(count: number): ModelError[] {
  return Array.from({ length: count }, () => failed('unavailable'));
}

describe('a request', () => {
  it('is tried three times at most, after waits that double and are jittered', async () => {
    const { policy, pauses } = createTestPolicy();
    const good = endpoint(...failures(2));
    expect(await policy.run(good.ask, limits())).toBe('answer');
    const dead = endpoint(...failures(3));
    await expect(policy.run(dead.ask, limits())).rejects.toMatchObject({ kind: 'unavailable' });
    expect([good.calls(), dead.calls()]).toEqual([3, 2]);
    expect(pauses).toEqual([125, 250, 125]);
  });

  it.each<ModelErrorKind>(['rejected', 'bad_reply'])('that is %s is not tried again', async (kind) => {
    const { policy, pauses } = createTestPolicy();
    const { ask, calls } = endpoint(failed(kind));
    await expect(policy.run(ask, limits())).rejects.toMatchObject({ kind });
    expect([calls(), pauses]).toEqual([1, []]);
  });

  it('that fails by a fault of ours is not tried again', async () => {
    const { policy } = createTestPolicy();
    let calls = 0;
    const ask = async () => {
      calls += 1;
      throw new TypeError('a bug');
    };
    await expect(policy.run(ask, limits())).rejects.toThrow('a bug');
    expect(calls).toBe(1);
  });

  it('waits as long as the endpoint asks, and its own backoff on top', async () => {
    const { policy, pauses } = createTestPolicy();
    const { ask } = endpoint(failed('rate_limited', 7), failed('unavailable', 0));
    expect(await policy.run(ask, limits())).toBe('answer');
    expect(pauses).toEqual([7_125, 250]);
  });

  it.each([
    ['more than ten seconds', 11, 30_000],
    ['more than what is left of its time', 5, 5_000],
  ])('fails at once when it would have to wait %s', async (_name, retryAfterSeconds, remainingMs) => {
    const { policy, pauses } = createTestPolicy();
    const { ask, calls } = endpoint(failed('rate_limited', retryAfterSeconds));
    const request = policy.run(ask, limits({ remainingMs: () => remainingMs }));
    await expect(request).rejects.toMatchObject({ kind: 'rate_limited', retryAfterSeconds });
    expect([calls(), pauses]).toEqual([1, []]);
  });

  it('of patient work waits as often as it is asked to, which is none of its three tries', async () => {
    const { policy, pauses, events } = createTestPolicy();
    const busy = Array.from({ length: 3 }, () => failed('rate_limited', 2));
    const { ask, calls } = endpoint(...busy, ...failures(1));
    expect(await policy.run(ask, limits({ isPatient: true }))).toBe('answer');
    expect([calls(), pauses]).toEqual([5, [2_125, 2_125, 2_125, 125]]);
    expect(events.filter(({ type }) => type === 'retry_denied')).toEqual([]);
  });

  it('of patient work that is asked to wait for too long or for ever fails', async () => {
    const { policy } = createTestPolicy();
    const late = endpoint(failed('rate_limited', 61));
    await expect(policy.run(late.ask, limits({ isPatient: true }))).rejects.toMatchObject({
      retryAfterSeconds: 61,
    });
    const endless = endpoint(...Array.from({ length: 100 }, () => failed('rate_limited', 0)));
    const patient = limits({ isPatient: true, remainingMs: () => 60_000 });
    await expect(policy.run(endless.ask, patient)).rejects.toMatchObject({ name: 'ModelError' });
    expect([late.calls(), endless.calls()]).toEqual([1, 21]);
  });

  it('is not tried again once the budget is spent', async () => {
    const { policy, events } = createTestPolicy();
    const requests = Array.from({ length: 4 }, () => endpoint(failed('unavailable')));
    const outcomes = await Promise.allSettled(requests.map(({ ask }) => policy.run(ask, limits())));
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'fulfilled', 'rejected']);
    expect(events.filter(({ type }) => type === 'retry_denied')).toEqual([
      { type: 'retry_denied', endpoint: 'chat', reason: 'unavailable' },
    ]);
  });

  it('ends with the caller’s reason when the caller leaves while it waits', async () => {
    const policy = createEndpointPolicy({ name: 'chat', random: () => 0.5 });
    const controller = new AbortController();
    const { ask, calls } = endpoint(failed('rate_limited', 9));
    const request = policy.run(ask, limits({ signal: controller.signal }));
    setImmediate(() => controller.abort(new Error('stopped by the visitor')));
    await expect(request).rejects.toThrow('stopped by the visitor');
    expect([calls(), policy.circuit()]).toEqual([1, 'closed']);
  });
});

describe('a dead endpoint', () => {
  it('is asked five times for 200 messages, and the rest are refused', async () => {
    const { policy, events, pauses } = createTestPolicy();
    const { ask, calls } = endpoint(...failures(1_000));
    for (let messages = 0; messages < 200; messages += 1) {
      await expect(policy.run(ask, limits())).rejects.toMatchObject({ kind: 'unavailable' });
    }
    expect([calls(), pauses.length, policy.circuit()]).toEqual([5, 3, 'open']);
    expect(events.filter(({ type }) => type === 'call_refused')).toHaveLength(198);
    expect(events).toContainEqual({ type: 'circuit_changed', endpoint: 'chat', state: 'open' });
  });

  it('is asked once by each of 200 messages at the same time, and not again', async () => {
    const { policy } = createTestPolicy();
    const { ask, calls } = endpoint(...failures(1_000));
    await Promise.allSettled(Array.from({ length: 200 }, () => policy.run(ask, limits())));
    expect(calls()).toBeLessThanOrEqual(220);
    expect(calls()).toBeGreaterThanOrEqual(200);
  });

  it('is probed by one call, which closes the circuit when it is answered', async () => {
    const { policy, wait } = createTestPolicy();
    const dead = endpoint(...failures(1_000));
    while (policy.circuit() === 'closed') await policy.run(dead.ask, limits()).catch(() => {});
    wait(5_000);
    const alive = endpoint();
    expect(await policy.run(alive.ask, limits())).toBe('answer');
    expect(policy.circuit()).toBe('closed');
  });

  it('is waited for by patient work until the next probe, and no longer than its time', async () => {
    const { policy, pauses } = createTestPolicy();
    const dead = endpoint(...failures(1_000));
    while (policy.circuit() === 'closed') await policy.run(dead.ask, limits()).catch(() => {});
    pauses.length = 0;
    const patient = limits({ isPatient: true });
    await expect(policy.run(dead.ask, patient)).rejects.toThrow('failed');
    expect([pauses, policy.circuit()]).toEqual([[3_750], 'open']);
    expect(await policy.run(endpoint().ask, patient)).toBe('answer');
    expect([pauses, policy.circuit()]).toEqual([[3_750, 7_500], 'closed']);

    while (policy.circuit() === 'closed') await policy.run(dead.ask, limits()).catch(() => {});
    const hurried = limits({ isPatient: true, remainingMs: () => 1_000 });
    await expect(policy.run(dead.ask, hurried)).rejects.toThrow('left alone');
  });
});

describe('the events of an endpoint', () => {
  it('say how each call ended and why it was made again', async () => {
    const { policy, events } = createTestPolicy();
    await policy.run(endpoint(failed('timeout')).ask, limits());
    const call = await policy.start(endpoint().ask, limits());
    await call.end(Symbol('the reader left'));
    expect(events).toEqual([
      { type: 'call_ended', endpoint: 'chat', outcome: 'timeout' },
      { type: 'retry', endpoint: 'chat', reason: 'timeout' },
      { type: 'call_ended', endpoint: 'chat', outcome: 'ok' },
      { type: 'call_ended', endpoint: 'chat', outcome: 'aborted' },
    ]);
  });
});
