import type { LiveStreams, StreamEvent } from '#platform/ports/live-streams.js';
import { type EventLog, createEventLog } from './event-log.js';

interface LiveStream {
  log: EventLog;
  stop: AbortController;
  ended: Promise<void>;
}

/** Streams that run in this process. An ended stream is forgotten at once: its result is in the database. */
export function createInMemoryLiveStreams(options: { onFailure: (error: unknown) => void }): LiveStreams {
  const streams = new Map<string, LiveStream>();
  const state = { isOver: false };
  return {
    start: (id, events, stop) => {
      const stream: LiveStream = { log: createEventLog(), stop, ended: Promise.resolve() };
      streams.set(id, stream);
      stream.ended = drive(stream.log, events)
        .catch(options.onFailure)
        .finally(() => streams.delete(id));
      if (state.isOver) stop.abort(serverStops());
    },
    // Looked up before anything is awaited: a caller that has just started a stream finds it.
    read: (id, afterSequence, signal) =>
      Promise.resolve(streams.get(id)?.log.read(afterSequence, signal) ?? null),
    stop: (id) => {
      const stream = streams.get(id);
      stream?.stop.abort(new DOMException('the answer was stopped', 'AbortError'));
      return Promise.resolve(stream !== undefined);
    },
    drain: async (timeoutMs) => {
      const timer = setTimeout(() => {
        state.isOver = true;
        for (const { stop } of streams.values()) stop.abort(serverStops());
      }, timeoutMs);
      while (streams.size > 0) await Promise.all([...streams.values()].map(({ ended }) => ended));
      clearTimeout(timer);
    },
  };
}

function serverStops(): DOMException {
  return new DOMException('the server stops', 'AbortError');
}

async function drive(log: EventLog, events: AsyncIterable<StreamEvent>): Promise<void> {
  try {
    for await (const event of events) log.push(event);
  } finally {
    log.end();
  }
}
