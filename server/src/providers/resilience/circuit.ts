import {
  CircuitState as BreakerState,
  type CircuitBreakerPolicy,
  ConsecutiveBreaker,
  type IBackoff,
  type IHalfOpenAfterBackoffContext,
  circuitBreaker,
  handleWhen,
} from 'cockatiel';

import { ModelError } from '#kernel/model-error.js';
import type { CircuitState } from '#platform/ports/model-endpoint.js';

export interface Circuit {
  state(): CircuitState;
  /** Milliseconds until the next probe may be made; 0 when calls are let through. */
  waitMs(): number;
  /** @throws ModelError `unavailable`, at once, while the circuit is open or its probe runs */
  enter(): CircuitCall;
}

export interface CircuitCall {
  /** The endpoint has begun to answer: a probe has seen enough, other calls wait for `end`. */
  begun(): Promise<void>;
  /** Reports how the call ended; what comes after the first report says nothing. @param error null: well */
  end(error: unknown): Promise<void>;
}

export interface CircuitOptions {
  /** Monotonic milliseconds. */
  now: () => number;
  random: () => number;
  onChange: (state: CircuitState) => void;
}

/**
 * In a row, without one good answer between. Not a share of the calls within a time: a dead endpoint that hangs, or
 * that is asked once a minute, fills no such window. One that fails half of its calls comes to five in a row soon
 * enough; one that fails a tenth of them hardly ever.
 */
const FAILURES_TO_OPEN = 5;
const FIRST_PROBE_MS = 5_000;
const LATEST_PROBE_MS = 30_000;
/** What an endpoint asks for in `Retry-After` is waited for this long at most. */
const LONGEST_RETRY_AFTER_MS = 60_000;

/** A probe that says nothing of the endpoint: its caller left. */
class AbandonedProbe extends Error {}

/**
 * A circuit breaker for one endpoint, on cockatiel's, whose traps it closes: there a call during the probe waits for
 * it, a probe that is aborted counts as good, and the time is the wall clock, which can jump.
 *
 * `rejected` counts as an answer: the endpoint is there and refuses what we sent. `rate_limited` counts as a failure:
 * an endpoint that refuses five calls in a row serves nobody, and to go on asking is what it asks us not to do.
 */
export function createCircuit(options: CircuitOptions): Circuit {
  let probeAt = 0;
  const breaker = circuitBreaker(handleWhen(isCounted), {
    breaker: new ConsecutiveBreaker(FAILURES_TO_OPEN),
    halfOpenAfter: { next: scheduleProbe },
  });
  breaker.onStateChange((state) => options.onChange(nameOf(state)));

  function scheduleProbe(context: IHalfOpenAfterBackoffContext): IBackoff<IHalfOpenAfterBackoffContext> {
    const dueAt = options.now() + probeDelayMs(context, options.random);
    probeAt = dueAt;
    return {
      next: scheduleProbe,
      // Compared with a span of the wall clock: so the answer is ours alone.
      get duration() {
        return options.now() >= dueAt ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
      },
    };
  }

  const waitMs = () => (breaker.state === BreakerState.Open ? Math.max(0, probeAt - options.now()) : 0);
  return {
    state: () => nameOf(breaker.state),
    waitMs,
    enter() {
      if (breaker.state === BreakerState.HalfOpen || waitMs() > 0) throw refusal(waitMs());
      return enterBreaker(breaker);
    },
  };
}

function enterBreaker(breaker: CircuitBreakerPolicy): CircuitCall {
  const isProbe = breaker.state === BreakerState.Open;
  let report: (error: unknown) => void = () => {};
  const outcome = new Promise<void>((resolve, reject) => {
    report = (error) => (error === null ? resolve() : reject(error));
  });
  // Rejects as the outcome does, which the caller knows already.
  const counted = breaker.execute(() => outcome).catch(() => {});
  return {
    async begun() {
      if (!isProbe) return;
      report(null);
      await counted;
    },
    async end(error) {
      report(isProbe && error !== null && !(error instanceof ModelError) ? new AbandonedProbe() : error);
      await counted;
    },
  };
}

function isCounted(error: unknown): boolean {
  return error instanceof AbandonedProbe || (error instanceof ModelError && error.kind !== 'rejected');
}

/** Grows with each probe that failed; half of it is chance, so that several processes do not probe at once. */
function probeDelayMs({ attempt, result }: IHalfOpenAfterBackoffContext, random: () => number): number {
  const error = 'error' in result ? result.error : null;
  if (error instanceof AbandonedProbe) return 0;
  const longestMs = Math.min(LATEST_PROBE_MS, FIRST_PROBE_MS * 2 ** (attempt - 1));
  const askedSeconds = error instanceof ModelError ? (error.retryAfterSeconds ?? 0) : 0;
  const askedMs = Math.min(LONGEST_RETRY_AFTER_MS, askedSeconds * 1_000);
  return Math.max(askedMs, longestMs * (0.5 + random() / 2));
}

function refusal(waitMs: number): ModelError {
  return new ModelError(
    'unavailable',
    'the model endpoint has failed too often: it is left alone for a while',
    {
      retryAfterSeconds: Math.max(1, Math.ceil(waitMs / 1_000)),
    },
  );
}

function nameOf(state: BreakerState): CircuitState {
  if (state === BreakerState.Closed) return 'closed';
  return state === BreakerState.HalfOpen ? 'half_open' : 'open';
}
