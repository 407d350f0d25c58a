import { describe, expect, it } from 'vitest';

import { ModelError, type ModelErrorKind } from '#kernel/model-error.js';
import type { CircuitState } from '#platform/ports/model-endpoint.js';

import { createCircuit } from './circuit.js';

const LEFT = new DOMException('the visitor left', 'AbortError');

/** A circuit whose probes come after three quarters of the longest time. */
function createTestCircuit() {
  let nowMs = 0;
  const changes: CircuitState[] = [];
  const circuit = createCircuit({
    now: () => nowMs,
    random: () => 0.5,
    onChange: (state) => changes.push(state),
  });
  const end = async (error: unknown) => {
    await circuit.enter().end(error);
    return circuit.state();
  };
  const fail = (kind: ModelErrorKind = 'unavailable') => end(new ModelError(kind, 'failed'));
  return {
    ...circuit,
    changes,
    end,
    fail,
    open: async () => {
      while ((await fail()) === 'closed');
    },
    wait: (milliseconds: number) => {
      nowMs += milliseconds;
    },
  };
}

describe('a circuit', () => {
  it('opens at the fifth failure in a row, and then refuses at once', async () => {
    const circuit = createTestCircuit();
    for (let failures = 1; failures < 5; failures += 1) expect(await circuit.fail()).toBe('closed');
    expect(await circuit.fail()).toBe('open');
    expect(() => circuit.enter()).toThrow(
      expect.objectContaining({ name: 'ModelError', kind: 'unavailable', retryAfterSeconds: 4 }),
    );
    expect(circuit.waitMs()).toBe(3_750);
    expect(circuit.changes).toEqual(['open']);
  });

  it('begins to count anew after a good answer', async () => {
    const circuit = createTestCircuit();
    for (let failures = 1; failures < 5; failures += 1) await circuit.fail();
    await circuit.end(null);
    expect(await circuit.fail()).toBe('closed');
  });

  it.each<[string, unknown]>([
    ['what the endpoint rejects', new ModelError('rejected', 'failed')],
    ['callers that leave', LEFT],
  ])('counts %s neither way', async (_name, error) => {
    const circuit = createTestCircuit();
    for (let failures = 1; failures < 5; failures += 1) {
      await circuit.fail();
      expect(await circuit.end(error)).toBe('closed');
    }
    expect(await circuit.fail()).toBe('open');
  });

  it.each<ModelErrorKind>(['rate_limited', 'timeout', 'bad_reply', 'cut'])(
    'counts %s as a failure',
    async (kind) => {
      const circuit = createTestCircuit();
      for (let failures = 1; failures <= 5; failures += 1) await circuit.fail(kind);
      expect(circuit.state()).toBe('open');
    },
  );

  it('counts an answer that begins and does not end as a failure', async () => {
    const circuit = createTestCircuit();
    for (let failures = 1; failures <= 5; failures += 1) {
      const call = circuit.enter();
      await call.begun();
      await call.end(new ModelError('cut', 'failed'));
    }
    expect(circuit.state()).toBe('open');
  });

  it('lets one probe through at a time, and the others fail at once', async () => {
    const circuit = createTestCircuit();
    await circuit.open();
    circuit.wait(3_749);
    expect(() => circuit.enter()).toThrow('left alone');
    circuit.wait(1);
    const probe = circuit.enter();
    expect(circuit.state()).toBe('half_open');
    expect(() => circuit.enter()).toThrow('left alone');
    await probe.begun();
    expect(circuit.state()).toBe('closed');
    await probe.end(null);
    expect(circuit.changes).toEqual(['open', 'half_open', 'closed']);
  });

  it('waits twice as long after each probe that fails, 30 s at most', async () => {
    const circuit = createTestCircuit();
    await circuit.open();
    const waits: number[] = [];
    for (let probes = 0; probes < 5; probes += 1) {
      waits.push(circuit.waitMs());
      circuit.wait(circuit.waitMs());
      expect(await circuit.fail()).toBe('open');
    }
    expect(waits).toEqual([3_750, 7_500, 15_000, 22_500, 22_500]);
  });

  it('leaves the endpoint alone as long as it asks for, a minute at most', async () => {
    const circuit = createTestCircuit();
    await circuit.open();
    circuit.wait(3_750);
    await circuit.end(new ModelError('rate_limited', 'failed', { retryAfterSeconds: 40 }));
    expect(circuit.waitMs()).toBe(40_000);
    circuit.wait(40_000);
    await circuit.end(new ModelError('rate_limited', 'failed', { retryAfterSeconds: 86_400 }));
    expect(circuit.waitMs()).toBe(60_000);
  });

  it('is not closed by a probe whose caller leaves: the next call is the probe', async () => {
    const circuit = createTestCircuit();
    await circuit.open();
    circuit.wait(3_750);
    expect(await circuit.end(LEFT)).toBe('open');
    const probe = circuit.enter();
    expect(circuit.state()).toBe('half_open');
    await probe.end(new ModelError('unavailable', 'failed'));
    expect(circuit.state()).toBe('open');
  });

  it('is closed by a probe that the endpoint rejects: it is there', async () => {
    const circuit = createTestCircuit();
    await circuit.open();
    circuit.wait(3_750);
    expect(await circuit.fail('rejected')).toBe('closed');
  });
});
