import type { Metrics } from '#platform/metrics.js';
import type { LiveStreams, StreamEvent } from '#platform/ports/live-streams.js';

/** Counts the streams that this process is writing. */
export function observeLiveStreams(streams: LiveStreams, { streamsOpen }: Metrics): LiveStreams {
  return { ...streams, start: (id, events, stop) => streams.start(id, counted(events), stop) };

  /** Passes the events on as they are: thousands a second go through here. */
  function counted(events: AsyncIterable<StreamEvent>): AsyncIterable<StreamEvent> {
    return {
      [Symbol.asyncIterator]: () => {
        const source = events[Symbol.asyncIterator]();
        let isOpen = true;
        const close = () => {
          if (isOpen) streamsOpen.dec();
          isOpen = false;
        };
        streamsOpen.inc();
        return {
          next: () => {
            const next = source.next();
            next.then(({ done }) => (done === true ? close() : undefined), close);
            return next;
          },
          return: async () => {
            close();
            return (await source.return?.()) ?? { done: true, value: undefined };
          },
        };
      },
    };
  }
}
