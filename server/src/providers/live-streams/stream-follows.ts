import { newId } from '#kernel/ids.js';
import type { StreamEvent } from '#platform/ports/live-streams.js';
import { type EventLog, createEventLog } from './event-log.js';
import type { PeerChannel } from './peer-channel.js';
import type { EventsEntry } from './peer-messages.js';

/** The process that drives a stream says so within this time, or it is taken for nowhere. */
const ANSWER_TIMEOUT_MS = 1_000;
/** It gives a sign of life every second. Without one it is asked again, and then the stream is given up. */
const ASK_AGAIN_AFTER_MS = 1_500;
const SILENCE_TIMEOUT_MS = 4_000;

interface Follow {
  streamId: string;
  log: EventLog;
  /** Changes when the follow begins anew after a loss. */
  followId: string;
  nextNumber: number;
  lastSequence: number;
  driver: string | null;
  heardAt: number;
  readers: number;
  answer: (isThere: boolean) => void;
  answered: Promise<boolean>;
}

/** Streams of other processes that are read here: each is followed once, whatever the number of its readers. */
export interface StreamFollows {
  read(
    streamId: string,
    afterSequence: number,
    signal: AbortSignal,
  ): Promise<AsyncIterable<StreamEvent> | null>;
  take(from: string, entry: EventsEntry): void;
  /** After a gap in what is heard: asks for what may have been lost. */
  renewAll(): void;
  /** To be called every second: asks again where nothing is heard, and gives up what stays silent. */
  lookAfter(): void;
  close(): void;
}

export function createStreamFollows(options: { processId: string; channel: PeerChannel }): StreamFollows {
  const { processId, channel } = options;
  const byStream = new Map<string, Follow>();
  const byFollow = new Map<string, Follow>();

  const ask = (follow: Follow) => {
    byFollow.delete(follow.followId);
    follow.followId = newId();
    follow.nextNumber = 0;
    byFollow.set(follow.followId, follow);
    const { followId, streamId, lastSequence } = follow;
    channel
      .broadcast({ type: 'follow', from: processId, followId, streamId, afterSequence: lastSequence })
      .catch(() => follow.answer(false));
  };

  const begin = (streamId: string): Follow => {
    const { answer, answered } = nextAnswer();
    const follow: Follow = {
      streamId,
      log: createEventLog(),
      followId: '',
      nextNumber: 0,
      lastSequence: 0,
      driver: null,
      heardAt: performance.now(),
      readers: 0,
      answer,
      answered,
    };
    byStream.set(streamId, follow);
    ask(follow);
    return follow;
  };

  const end = (follow: Follow) => {
    if (byStream.get(follow.streamId) === follow) byStream.delete(follow.streamId);
    byFollow.delete(follow.followId);
    follow.log.end();
    follow.answer(false);
  };

  const leave = (follow: Follow) => {
    follow.readers -= 1;
    if (follow.readers > 0 || !byFollow.has(follow.followId)) return;
    end(follow);
    if (follow.driver !== null) unfollow(follow.driver, follow.followId);
  };

  const unfollow = (driver: string, followId: string) => {
    channel.send(driver, { type: 'unfollow', followId }).catch(() => {});
  };

  return {
    read: async (streamId, afterSequence, signal) => {
      const follow = byStream.get(streamId) ?? begin(streamId);
      follow.readers += 1;
      const left = once(() => leave(follow));
      signal.addEventListener('abort', left, { once: true });
      if (signal.aborted) left();
      if (!(await follow.answered)) {
        left();
        return null;
      }
      return readUntilLeft(follow.log.read(afterSequence, signal), () => {
        signal.removeEventListener('abort', left);
        left();
      });
    },
    take: (from, entry) => {
      const follow = byFollow.get(entry.followId);
      if (follow === undefined) {
        if (!entry.isEnd) unfollow(from, entry.followId);
        return;
      }
      follow.driver = from;
      follow.heardAt = performance.now();
      follow.answer(true);
      if (entry.number !== follow.nextNumber) {
        unfollow(from, entry.followId);
        ask(follow);
        return;
      }
      follow.nextNumber += 1;
      for (const event of entry.events) {
        follow.lastSequence = event.sequence;
        follow.log.push(event);
      }
      if (entry.isEnd) end(follow);
    },
    renewAll: () => {
      for (const follow of byStream.values()) {
        // While nobody could be heard, nobody was silent: a follow must not end before its driver can answer.
        follow.heardAt = performance.now();
        ask(follow);
      }
    },
    lookAfter: () => {
      for (const follow of byStream.values()) {
        const silentMs = performance.now() - follow.heardAt;
        if (silentMs > SILENCE_TIMEOUT_MS) end(follow);
        else if (silentMs > ASK_AGAIN_AFTER_MS) ask(follow);
      }
    },
    close: () => {
      for (const follow of byStream.values()) end(follow);
    },
  };
}

/** Whether somebody drives the stream: true once it is said, false when nobody says so in time. */
function nextAnswer(): Pick<Follow, 'answer' | 'answered'> {
  let answer: Follow['answer'] = () => {};
  const answered = new Promise<boolean>((resolve) => {
    const timer = setTimeout(() => resolve(false), ANSWER_TIMEOUT_MS);
    answer = (isThere) => {
      clearTimeout(timer);
      resolve(isThere);
    };
  });
  return { answer, answered };
}

async function* readUntilLeft(
  events: AsyncGenerator<StreamEvent>,
  left: () => void,
): AsyncGenerator<StreamEvent> {
  try {
    yield* events;
  } finally {
    left();
  }
}

function once(act: () => void): () => void {
  const state = { isDone: false };
  return () => {
    if (state.isDone) return;
    state.isDone = true;
    act();
  };
}
