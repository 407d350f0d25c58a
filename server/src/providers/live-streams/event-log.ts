import type { StreamEvent } from '#platform/ports/live-streams.js';

/** The events of one stream, for any number of readers, each at its own pace. */
export interface EventLog {
  push(event: StreamEvent): void;
  /** No event comes any more. */
  end(): void;
  /** Events after `afterSequence`, those to come too, until the end or until `signal` fires. */
  read(afterSequence: number, signal: AbortSignal): AsyncGenerator<StreamEvent>;
}

export function createEventLog(): EventLog {
  const events: StreamEvent[] = [];
  const readers = new Set<{ wake: () => void }>();
  const state = { isEnded: false };
  const wakeAll = () => {
    for (const reader of readers) reader.wake();
  };
  return {
    push: (event) => {
      events.push(event);
      wakeAll();
    },
    end: () => {
      state.isEnded = true;
      wakeAll();
    },
    read: async function* (afterSequence, signal) {
      const reader = { wake: () => {} };
      const leave = () => reader.wake();
      readers.add(reader);
      signal.addEventListener('abort', leave, { once: true });
      try {
        for (let position = 0; !signal.aborted;) {
          const event = events[position];
          if (event !== undefined) {
            position += 1;
            if (event.sequence > afterSequence) yield event;
          } else if (state.isEnded) {
            return;
          } else {
            await new Promise<void>((resolve) => (reader.wake = resolve));
          }
        }
      } finally {
        readers.delete(reader);
        signal.removeEventListener('abort', leave);
      }
    },
  };
}
