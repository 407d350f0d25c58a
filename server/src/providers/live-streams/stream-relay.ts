import type { LiveStreams, StreamEvent } from '#platform/ports/live-streams.js';
import type { PeerChannel } from './peer-channel.js';
import type { EventsEntry, FollowRequest } from './peer-messages.js';

/** What comes within this time goes out as one message to each process, however many streams it follows. */
const FLUSH_AFTER_MS = 20;
const MAX_WAITING_EVENTS = 2_000;

/** Tells other processes of the streams that run here and that they follow. */
export interface StreamRelay {
  follow(request: FollowRequest): Promise<void>;
  unfollow(followId: string): void;
  /** Lets the followers know that their streams still run. */
  sendSignsOfLife(): void;
  close(): void;
}

interface Relayed {
  to: string;
  followId: string;
  nextNumber: number;
  leave: AbortController;
}

/**
 * A stream that nobody else follows costs nothing: its events lie in this process, and go out on request. They go out
 * once per following process, bundled over all streams.
 */
export function createStreamRelay(options: {
  processId: string;
  local: LiveStreams;
  channel: PeerChannel;
}): StreamRelay {
  const { processId, local, channel } = options;
  const relayed = new Map<string, Relayed>();
  const outbox = new Map<string, Map<string, EventsEntry>>();
  const state: { timer: NodeJS.Timeout | null; waitingEvents: number } = { timer: null, waitingEvents: 0 };

  const flush = () => {
    if (state.timer !== null) clearTimeout(state.timer);
    state.timer = null;
    state.waitingEvents = 0;
    const messages = [...outbox].map(([to, entries]) => ({ to, entries: [...entries.values()] }));
    outbox.clear();
    for (const { to, entries } of messages) {
      channel.send(to, { type: 'events', from: processId, entries }).then(
        (isHeard) => {
          if (!isHeard) forget(to);
        },
        // Lost: the follower notices by the numbers, or by the silence.
        () => {},
      );
    }
  };

  const forget = (to: string) => {
    for (const one of relayed.values()) if (one.to === to) one.leave.abort();
  };

  const post = (one: Relayed, event: StreamEvent | null, isEnd: boolean) => {
    const entries = outbox.get(one.to) ?? new Map<string, EventsEntry>();
    outbox.set(one.to, entries);
    const waiting = entries.get(one.followId);
    const entry = waiting ?? { followId: one.followId, number: one.nextNumber++, events: [], isEnd };
    entries.set(one.followId, entry);
    entry.isEnd = isEnd;
    if (event !== null) entry.events.push(event);
    state.waitingEvents += 1;
    if (state.waitingEvents >= MAX_WAITING_EVENTS) flush();
    else state.timer ??= setTimeout(flush, FLUSH_AFTER_MS);
  };

  return {
    follow: async ({ from, followId, streamId, afterSequence }) => {
      const leave = new AbortController();
      const events = await local.read(streamId, afterSequence, leave.signal);
      if (events === null) return;
      const one: Relayed = { to: from, followId, nextNumber: 0, leave };
      relayed.set(followId, one);
      post(one, null, false);
      for await (const event of events) post(one, event, false);
      relayed.delete(followId);
      if (!leave.signal.aborted) post(one, null, true);
    },
    unfollow: (followId) => relayed.get(followId)?.leave.abort(),
    sendSignsOfLife: () => {
      for (const one of relayed.values()) post(one, null, false);
    },
    close: () => {
      flush();
      for (const { leave } of relayed.values()) leave.abort();
    },
  };
}
