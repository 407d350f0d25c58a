import type { FastifyReply, FastifyRequest } from 'fastify';
import { AppError, type AppErrorCode } from '#kernel/app-error.js';
import type { StreamEvent } from '../ports/live-streams.js';
import { clientGone } from './event-stream.js';
import { problemOf } from './problem.js';

const LOOK_EVERY_MS = 2_000;
/** Of a credential that died, or lost what it opened; not `token_expired`, which ends nothing that was asked for in time. */
const REFUSALS: ReadonlySet<AppErrorCode> = new Set(['unauthenticated', 'forbidden', 'not_found']);

interface AllowedReader {
  /** Fires when the client has left, or may read no longer. */
  signal: AbortSignal;
  /**
   * Hands on `events`, which end with `signal`. Where the reader may read no longer, the last one is an `error` that
   * says so; it has the number of the event before, so that whoever comes back with a living credential goes on there.
   */
  read: (events: AsyncIterable<StreamEvent>, afterSequence: number) => AsyncGenerator<StreamEvent>;
}

/**
 * The reader of events that come for a while: the hooks that let its request in are asked again every two seconds, so
 * that a stream does not outlive its credential's user, project, session or key.
 */
export function allowedReader(
  request: FastifyRequest,
  reply: FastifyReply,
  hooks: readonly ((request: FastifyRequest) => Promise<void>)[],
): AllowedReader {
  const end = new AbortController();
  const gone = clientGone(reply);
  const leave = () => end.abort(gone.reason);
  if (gone.aborted) leave();
  gone.addEventListener('abort', leave, { once: true });
  return {
    signal: end.signal,
    read: async function* (events, afterSequence) {
      let seen = afterSequence;
      const refused = watch(request, hooks, end);
      try {
        for await (const event of events) {
          if (refused.error !== null) break;
          yield event;
          seen = event.sequence;
        }
        if (refused.error !== null) {
          yield { sequence: seen, name: 'error', data: problemOf(refused.error, request.id) };
        }
      } finally {
        clearInterval(refused.timer);
      }
    },
  };
}

function watch(
  request: FastifyRequest,
  hooks: readonly ((request: FastifyRequest) => Promise<void>)[],
  end: AbortController,
) {
  const refused = { error: null as AppError | null, timer: setInterval(() => void look(), LOOK_EVERY_MS) };
  let isLooking = false;
  const look = async () => {
    if (isLooking) return;
    isLooking = true;
    try {
      for (const hook of hooks) await hook(request);
    } catch (error) {
      if (!(error instanceof AppError) || !REFUSALS.has(error.code)) return;
      refused.error = error;
      end.abort(error);
    } finally {
      isLooking = false;
    }
  };
  return refused;
}
