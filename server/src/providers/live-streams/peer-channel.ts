import type { Redis } from 'ioredis';
import { duplicateRedis, isRedisAway } from '#providers/redis/connect-redis.js';
import { type PeerMessage, peerMessageSchema } from './peer-messages.js';

/** The form of the messages is part of the name: processes of another release with another form do not hear them. */
const CHANNEL = 'botbase:streams:1';
/** A silent connection may be dead; one with an unanswered command is given up. */
const PING_EVERY_MS = 1_000;

export interface PeerChannel {
  /** Whether this process can be heard and hears. */
  isOpen(): boolean;
  /** To every process. @throws when Redis is away */
  broadcast(message: PeerMessage): Promise<void>;
  /** To one process. @returns whether it listens. @throws when Redis is away */
  send(processId: string, message: PeerMessage): Promise<boolean>;
  close(): void;
}

/**
 * Redis publish and subscribe between the processes: two connections for each, whatever the number of streams. What
 * is published while somebody is not connected is lost to it.
 * @param onOpen called whenever messages come again, after the first time and after every gap
 */
export function createPeerChannel(options: {
  redis: Redis;
  processId: string;
  onMessage: (message: PeerMessage) => void;
  onOpen: () => void;
}): PeerChannel {
  const { redis, processId, onMessage, onOpen } = options;
  const subscriber = duplicateRedis(redis);
  const state = { isSubscribed: false };
  const isOpen = () => state.isSubscribed && !isRedisAway(redis);
  const tellIfOpen = () => {
    if (isOpen()) onOpen();
  };
  // The two connections come back one after the other.
  redis.on('ready', tellIfOpen);
  subscriber.on('ready', () => {
    subscriber.subscribe(CHANNEL, channelOf(processId)).then(
      () => {
        state.isSubscribed = true;
        tellIfOpen();
      },
      // The connection has gone again, and comes back by itself.
      () => subscriber.disconnect(true),
    );
  });
  subscriber.on('close', () => {
    state.isSubscribed = false;
  });
  subscriber.on('message', (_channel: string, text: string) => {
    const message = parseMessage(text);
    if (message !== null) onMessage(message);
  });
  const ping = setInterval(() => {
    if (!isRedisAway(subscriber)) subscriber.ping().catch(() => {});
  }, PING_EVERY_MS);
  ping.unref();
  return {
    isOpen,
    broadcast: async (message) => {
      await redis.publish(CHANNEL, JSON.stringify(message));
    },
    send: async (to, message) => (await redis.publish(channelOf(to), JSON.stringify(message))) > 0,
    close: () => {
      clearInterval(ping);
      redis.off('ready', tellIfOpen);
      subscriber.disconnect();
    },
  };
}

function channelOf(processId: string): string {
  return `${CHANNEL}:${processId}`;
}

function parseMessage(text: string): PeerMessage | null {
  try {
    return peerMessageSchema.parse(JSON.parse(text));
  } catch {
    return null;
  }
}
