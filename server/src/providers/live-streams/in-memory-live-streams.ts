import type { LiveStreams, StreamEvent } from '#platform/ports/live-streams.js';

interface LiveStream {
  events: StreamEvent[];
  isEnded: boolean;
  stop: AbortController;
  /** Resolves at the next event or at the end; replaced each time. */
  changed: Promise<void>;
  announce: () => void;
  ended: Promise<void>;
}

/** Streams that run in this process. An ended stream is forgotten at once: its result is in the database. */
export function createInMemoryLiveStreams(options: { onFailure: (error: unknown) => void }): LiveStreams {
  const streams = new Map<string, LiveStream>();
  const state = { isOver: false };
  return {
    start: (id, events, stop) => {
      const stream: LiveStream = {
        events: [],
        isEnded: false,
        stop,
        ...nextChange(),
        ended: Promise.resolve(),
      };
      streams.set(id, stream);
      stream.ended = drive(stream, events)
        .catch(options.onFailure)
        .finally(() => streams.delete(id));
      if (state.isOver) stop.abort(serverStops());
    },
    read: (id, afterSequence, signal) => {
      const stream = streams.get(id);
      return stream === undefined ? null : readFrom(stream, afterSequence, signal);
    },
    stop: (id) => {
      const stream = streams.get(id);
      stream?.stop.abort(new DOMException('the answer was stopped', 'AbortError'));
      return stream !== undefined;
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

async function drive(stream: LiveStream, events: AsyncIterable<StreamEvent>): Promise<void> {
  try {
    for await (const event of events) {
      stream.events.push(event);
      announce(stream);
    }
  } finally {
    stream.isEnded = true;
    announce(stream);
  }
}

async function* readFrom(
  stream: LiveStream,
  afterSequence: number,
  signal: AbortSignal,
): AsyncGenerator<StreamEvent> {
  const left = new Promise<void>((resolve) => {
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
  for (let position = 0; !signal.aborted;) {
    const { changed } = stream;
    while (position < stream.events.length) {
      const event = stream.events[position++];
      if (event !== undefined && event.sequence > afterSequence) yield event;
    }
    if (stream.isEnded) return;
    await Promise.race([changed, left]);
  }
}

function announce(stream: LiveStream): void {
  stream.announce();
  Object.assign(stream, nextChange());
}

function nextChange(): Pick<LiveStream, 'changed' | 'announce'> {
  let announceChange: () => void = () => {};
  const changed = new Promise<void>((resolve) => (announceChange = resolve));
  return { changed, announce: announceChange };
}
