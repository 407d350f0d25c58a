import { z } from 'zod';

const streamEvent = z.object({ sequence: z.number(), name: z.string(), data: z.unknown() });

const eventsEntry = z.object({
  followId: z.string(),
  /** Counts the entries of a follow from 0, so that a lost one is noticed. */
  number: z.number(),
  events: z.array(streamEvent),
  isEnd: z.boolean(),
});

/** What processes say to each other about streams. Every process hears `follow` and `stop`, the rest is for one. */
export const peerMessageSchema = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('follow'),
    from: z.string(),
    followId: z.string(),
    streamId: z.string(),
    afterSequence: z.number(),
  }),
  z.object({ type: z.literal('stop'), from: z.string(), requestId: z.string(), streamId: z.string() }),
  z.object({ type: z.literal('stopped'), requestId: z.string() }),
  z.object({ type: z.literal('events'), from: z.string(), entries: z.array(eventsEntry) }),
  z.object({ type: z.literal('unfollow'), followId: z.string() }),
]);

export type PeerMessage = z.infer<typeof peerMessageSchema>;
export type FollowRequest = Extract<PeerMessage, { type: 'follow' }>;
export type EventsEntry = z.infer<typeof eventsEntry>;
