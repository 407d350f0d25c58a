import { ModelError } from '#kernel/model-error.js';

/** One signal for all that ends a call to an endpoint: the caller, the time for it all, the time for a step. */
export interface Deadline {
  /** Its reason is the caller's own reason, or a ModelError `timeout`. */
  readonly signal: AbortSignal;
  /** Until the first of the time limits that run. */
  remainingMs(): number;
  /** Starts (or starts again) the time limit of the step that is being waited for. */
  startStep(limitMs: number, description: string): void;
  endStep(): void;
  /** Stops all timers and whatever still listens to the signal. */
  close(): void;
}

/** Not AbortSignal.any: on Node 20 a composite of a long-lived signal stays in memory as long as that one. */
export function startDeadline(callerSignal: AbortSignal, totalMs: number, description: string): Deadline {
  const controller = new AbortController();
  const expire = (limitMs: number, what: string) =>
    controller.abort(new ModelError('timeout', `the model endpoint gave ${what} within ${limitMs} ms`));
  const followCaller = () => controller.abort(callerSignal.reason);
  callerSignal.addEventListener('abort', followCaller, { once: true });
  if (callerSignal.aborted) followCaller();

  const endsAt = performance.now() + totalMs;
  const total = setTimeout(expire, totalMs, totalMs, description);
  let step: NodeJS.Timeout | undefined;
  let stepEndsAt = Number.POSITIVE_INFINITY;
  return {
    signal: controller.signal,
    remainingMs: () => Math.min(endsAt, stepEndsAt) - performance.now(),
    startStep(limitMs, what) {
      clearTimeout(step);
      step = setTimeout(expire, limitMs, limitMs, what);
      stepEndsAt = performance.now() + limitMs;
    },
    endStep() {
      clearTimeout(step);
      stepEndsAt = Number.POSITIVE_INFINITY;
    },
    close() {
      clearTimeout(total);
      clearTimeout(step);
      callerSignal.removeEventListener('abort', followCaller);
      controller.abort();
    },
  };
}
