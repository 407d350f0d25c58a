import { setTimeout as sleep } from 'node:timers/promises';

import { ModelError, type ModelErrorKind } from '#kernel/model-error.js';
import type { CircuitState, ModelEndpoint } from '#platform/ports/model-endpoint.js';

import { type CircuitCall, createCircuit } from './circuit.js';
import { createRetryBudget } from './retry-budget.js';

/** What happened at an endpoint, for counters. */
export type EndpointEvent =
  | { type: 'call_ended'; endpoint: string; outcome: 'ok' | 'aborted' | ModelErrorKind }
  | { type: 'retry'; endpoint: string; reason: ModelErrorKind }
  | { type: 'retry_denied'; endpoint: string; reason: ModelErrorKind }
  | { type: 'call_refused'; endpoint: string }
  | { type: 'circuit_changed'; endpoint: string; state: CircuitState };

export interface EndpointPolicyOptions {
  /** What the endpoint is for: a label of metrics. */
  name: string;
  onEvent?: ((event: EndpointEvent) => void) | undefined;
  random?: (() => number) | undefined;
  /** Monotonic milliseconds. */
  now?: (() => number) | undefined;
  /** @throws the signal's reason when it fires */
  pause?: ((delayMs: number, signal: AbortSignal) => Promise<void>) | undefined;
}

export interface RequestLimits {
  signal: AbortSignal;
  /** What is left of the time for all tries and the waits between them. */
  remainingMs: () => number;
  /**
   * For work in the background: it waits for the next probe of an open circuit, and longer for `Retry-After`, which it
   * waits for as often as a busy endpoint asks.
   */
  isPatient: boolean;
}

/** A call whose answer has begun. */
interface StartedCall<T> {
  value: T;
  /** Reports how the answer ended. @param error null: well; what is no ModelError says nothing of the endpoint */
  end(error: unknown): Promise<void>;
}

export interface EndpointPolicy extends ModelEndpoint {
  /**
   * Tries until an answer begins: three times at most, as far as the budget goes and the circuit allows. Patient
   * calls that are told when to come back (429 with `Retry-After`) do so without its being one of the three.
   * @throws ModelError of the last try, or `unavailable` at once while the circuit is open
   */
  start<T>(attempt: () => Promise<T>, limits: RequestLimits): Promise<StartedCall<T>>;
  /** The same for an answer that comes whole. */
  run<T>(attempt: () => Promise<T>, limits: RequestLimits): Promise<T>;
}

const MAX_TRIES = 3;
/** An endpoint may ask for no wait at all, for ever. */
const MAX_ASKED_WAITS = 20;
const FIRST_BACKOFF_MS = 250;
const LONGEST_RETRY_AFTER_MS = 10_000;
const LONGEST_PATIENT_RETRY_AFTER_MS = 60_000;
/** How soon to look again whether another call's probe has ended. */
const PROBE_POLL_MS = 250;
/** `rejected` would be refused again; a `bad_reply` would come again and may have been paid for. */
const RETRIED_KINDS: ReadonlySet<ModelErrorKind> = new Set(['rate_limited', 'unavailable', 'timeout', 'cut']);

/** Retries, their budget and the circuit breaker of one endpoint: to be shared by all calls to it. */
export function createEndpointPolicy(options: EndpointPolicyOptions): EndpointPolicy {
  const { name: endpoint, onEvent = () => {}, random = Math.random, pause = pauseFor } = options;
  const { now = () => performance.now() } = options;
  const budget = createRetryBudget(now);
  const circuit = createCircuit({
    now,
    random,
    onChange: (state) => onEvent({ type: 'circuit_changed', endpoint, state }),
  });

  async function enter(limits: RequestLimits): Promise<CircuitCall> {
    for (;;) {
      try {
        return circuit.enter();
      } catch (refusal) {
        const waitMs = Math.max(PROBE_POLL_MS, circuit.waitMs());
        if (!limits.isPatient || waitMs >= limits.remainingMs()) {
          onEvent({ type: 'call_refused', endpoint });
          throw refusal;
        }
        await pause(waitMs, limits.signal);
      }
    }
  }

  /** @returns null: the error is the answer */
  function delayBeforeRetry(error: unknown, tries: number, limits: RequestLimits): number | null {
    if (!(error instanceof ModelError) || !RETRIED_KINDS.has(error.kind) || tries >= MAX_TRIES) return null;
    if (limits.signal.aborted || circuit.state() !== 'closed') return null;
    const askedMs = (error.retryAfterSeconds ?? 0) * 1_000;
    const longestMs = limits.isPatient ? LONGEST_PATIENT_RETRY_AFTER_MS : LONGEST_RETRY_AFTER_MS;
    // Full jitter, on top of what the endpoint asks for: all that it turned away come back at different times.
    const delayMs = askedMs + random() * FIRST_BACKOFF_MS * 2 ** (tries - 1);
    if (askedMs > longestMs || delayMs >= limits.remainingMs()) return null;
    const isAllowed = budget.spend();
    onEvent({ type: isAllowed ? 'retry' : 'retry_denied', endpoint, reason: error.kind });
    return isAllowed ? delayMs : null;
  }

  /** @returns null: nobody has said when to come back, or it is too late then */
  function delayAsAsked(error: unknown, waits: number, limits: RequestLimits): number | null {
    if (!(error instanceof ModelError) || error.kind !== 'rate_limited' || error.retryAfterSeconds === null) {
      return null;
    }
    if (!limits.isPatient || limits.signal.aborted || waits >= MAX_ASKED_WAITS) return null;
    const askedMs = error.retryAfterSeconds * 1_000;
    const delayMs = askedMs + random() * FIRST_BACKOFF_MS;
    if (askedMs > LONGEST_PATIENT_RETRY_AFTER_MS || delayMs >= limits.remainingMs()) return null;
    onEvent({ type: 'retry', endpoint, reason: error.kind });
    return delayMs;
  }

  async function start<T>(attempt: () => Promise<T>, limits: RequestLimits): Promise<StartedCall<T>> {
    budget.earn();
    let tries = 0;
    for (let waits = 0; ;) {
      const call = reported(await enter(limits), endpoint, onEvent);
      let failure: unknown;
      try {
        const value = await attempt();
        await call.begun();
        return { value, end: (error) => call.end(error) };
      } catch (error) {
        failure = error;
      }
      await call.end(failure);
      const askedMs = delayAsAsked(failure, waits, limits);
      if (askedMs !== null) {
        waits += 1;
        await pause(askedMs, limits.signal);
        continue;
      }
      tries += 1;
      const delayMs = delayBeforeRetry(failure, tries, limits);
      if (delayMs === null) throw failure;
      await pause(delayMs, limits.signal);
      // Others have seen it fail meanwhile: what it told us says more than that it is left alone.
      if (circuit.state() !== 'closed') throw failure;
    }
  }

  return {
    name: endpoint,
    circuit: () => circuit.state(),
    start,
    async run(attempt, limits) {
      const call = await start(attempt, limits);
      await call.end(null);
      return call.value;
    },
  };
}

/** Counts each call once, by how it ended. */
function reported(call: CircuitCall, endpoint: string, onEvent: (event: EndpointEvent) => void): CircuitCall {
  return {
    begun: () => call.begun(),
    async end(error) {
      const failure = error instanceof ModelError ? error.kind : 'aborted';
      onEvent({ type: 'call_ended', endpoint, outcome: error === null ? 'ok' : failure });
      await call.end(error);
    },
  };
}

/** Waits. @throws the signal's reason when it fires */
export async function pauseFor(delayMs: number, signal: AbortSignal): Promise<void> {
  try {
    await sleep(delayMs, undefined, { signal });
  } catch {
    throw signal.reason;
  }
}
