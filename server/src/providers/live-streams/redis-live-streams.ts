import type { Redis } from 'ioredis';
import { newId } from '#kernel/ids.js';
import type { LiveStreams } from '#platform/ports/live-streams.js';
import { type PeerChannel, createPeerChannel } from './peer-channel.js';
import type { PeerMessage } from './peer-messages.js';
import { createStreamFollows } from './stream-follows.js';
import { createStreamRelay } from './stream-relay.js';

const LOOK_EVERY_MS = 1_000;
const STOP_TIMEOUT_MS = 1_000;

export interface SharedLiveStreams extends LiveStreams {
  close(): void;
}

/**
 * Streams of all processes on one Redis. Each runs in the memory of its process, in `local`, and needs no Redis for
 * that. Another process asks for it by name, and whoever drives it answers: nothing of an answer is kept in Redis.
 * @param processId of this process, unique among all
 */
export function createRedisLiveStreams(options: {
  redis: Redis;
  processId: string;
  local: LiveStreams;
}): SharedLiveStreams {
  const { redis, processId, local } = options;
  const channel = createPeerChannel({
    redis,
    processId,
    onMessage: (message) => hear(message),
    onOpen: () => follows.renewAll(),
  });
  const relay = createStreamRelay({ processId, local, channel });
  const follows = createStreamFollows({ processId, channel });
  const stops = createStopRequests(processId, channel);
  const look = setInterval(() => {
    relay.sendSignsOfLife();
    follows.lookAfter();
  }, LOOK_EVERY_MS);
  look.unref();

  const hear = (message: PeerMessage) => {
    switch (message.type) {
      case 'follow':
        if (message.from !== processId) void relay.follow(message);
        break;
      case 'stop':
        if (message.from !== processId)
          void stopForAnother(message.from, message.requestId, message.streamId);
        break;
      case 'events':
        for (const entry of message.entries) follows.take(message.from, entry);
        break;
      case 'unfollow':
        relay.unfollow(message.followId);
        break;
      case 'stopped':
        stops.confirm(message.requestId);
        break;
    }
  };

  const stopForAnother = async (from: string, requestId: string, streamId: string) => {
    if (await local.stop(streamId))
      await channel.send(from, { type: 'stopped', requestId }).catch(() => false);
  };

  return {
    start: (id, events, stop) => local.start(id, events, stop),
    read: async (id, afterSequence, signal) => {
      const own = await local.read(id, afterSequence, signal);
      if (own !== null || !channel.isOpen()) return own;
      return follows.read(id, afterSequence, signal);
    },
    stop: async (id) => (await local.stop(id)) || (channel.isOpen() && (await stops.ask(id))),
    drain: (timeoutMs) => local.drain(timeoutMs),
    close: () => {
      clearInterval(look);
      follows.close();
      relay.close();
      channel.close();
    },
  };
}

function createStopRequests(processId: string, channel: PeerChannel) {
  const waiting = new Map<string, (isStopped: boolean) => void>();
  return {
    /** @returns whether a process has stopped the stream; false when none says so in time */
    ask: async (streamId: string): Promise<boolean> => {
      const requestId = newId();
      const timer = setTimeout(() => waiting.get(requestId)?.(false), STOP_TIMEOUT_MS);
      const answered = new Promise<boolean>((resolve) => void waiting.set(requestId, resolve));
      try {
        await channel.broadcast({ type: 'stop', from: processId, requestId, streamId });
        return await answered;
      } catch {
        return false;
      } finally {
        clearTimeout(timer);
        waiting.delete(requestId);
      }
    },
    confirm: (requestId: string) => waiting.get(requestId)?.(true),
  };
}
