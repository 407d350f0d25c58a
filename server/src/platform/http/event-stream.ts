import { once } from 'node:events';
import type { FastifyReply } from 'fastify';
import type { StreamEvent } from '../ports/live-streams.js';

const HEARTBEAT_MS = 10_000;

/**
 * Writes events as `text/event-stream` (WHATWG server-sent events) until they end or the client leaves.
 * Waits for a slow reader instead of buffering. Headers that hooks have set on the reply are kept.
 */
export async function sendEventStream(
  reply: FastifyReply,
  events: AsyncIterable<StreamEvent>,
): Promise<void> {
  const response = reply.raw;
  for (const [name, value] of Object.entries(reply.getHeaders())) {
    if (value !== undefined) response.setHeader(name, value);
  }
  reply.hijack();
  response.writeHead(200, {
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-cache, no-transform',
    connection: 'keep-alive',
    'x-accel-buffering': 'no',
  });
  response.flushHeaders();
  const gone = new AbortController();
  if (response.destroyed) gone.abort();
  response.once('close', () => gone.abort());
  const heartbeat = setInterval(() => response.write(': keep-alive\n\n'), HEARTBEAT_MS);
  try {
    for await (const event of events) {
      if (gone.signal.aborted) return;
      const frame = `id: ${event.sequence}\nevent: ${event.name}\ndata: ${JSON.stringify(event.data)}\n\n`;
      if (!response.write(frame)) await once(response, 'drain', { signal: gone.signal });
    }
  } catch (error) {
    if (!gone.signal.aborted) throw error;
  } finally {
    clearInterval(heartbeat);
    response.end();
  }
}

/** Fires when the client has closed the connection before the answer was sent. */
export function clientGone(reply: FastifyReply): AbortSignal {
  const gone = new AbortController();
  const leave = () => gone.abort(new DOMException('the client has left', 'AbortError'));
  if (reply.raw.destroyed && !reply.raw.writableFinished) leave();
  reply.raw.once('close', () => {
    if (!reply.raw.writableFinished) leave();
  });
  return gone.signal;
}
