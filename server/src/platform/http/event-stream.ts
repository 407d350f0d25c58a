import type { ServerResponse } from 'node:http';
import type { FastifyReply } from 'fastify';
import type { StreamEvent } from '../ports/live-streams.js';

const HEARTBEAT_MS = 10_000;
const HEARTBEAT = ': keep-alive\n\n';
/** A reader that takes nothing for so long while something waits for it is cut off. */
const STALL_TIMEOUT_MS = 60_000;

/**
 * Writes events as `text/event-stream` (WHATWG server-sent events) until they end or the client leaves.
 * Waits for a slow reader instead of buffering: no more than one event beyond the socket's own buffer waits in memory.
 * Headers that hooks have set on the reply are kept.
 */
export async function sendEventStream(
  reply: FastifyReply,
  events: AsyncIterable<StreamEvent>,
  stallTimeoutMs = STALL_TIMEOUT_MS,
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
  const heartbeat = setInterval(() => {
    if (!response.writableNeedDrain) response.write(HEARTBEAT);
  }, HEARTBEAT_MS);
  try {
    for await (const event of events) {
      if (response.destroyed) return;
      const frame = `id: ${event.sequence}\nevent: ${event.name}\ndata: ${JSON.stringify(event.data)}\n\n`;
      if (!response.write(frame)) await settled(response, 'drain', stallTimeoutMs);
    }
  } finally {
    clearInterval(heartbeat);
    response.end();
    await settled(response, 'finish', stallTimeoutMs);
  }
}

/** Resolves when all was taken, or the client has left; who takes nothing in time is cut off. */
function settled(response: ServerResponse, event: 'drain' | 'finish', timeoutMs: number): Promise<void> {
  const isSettled = event === 'drain' ? !response.writableNeedDrain : response.writableFinished;
  if (response.destroyed || isSettled) return Promise.resolve();
  return new Promise((resolve) => {
    const timer = setTimeout(() => response.destroy(), timeoutMs);
    const settle = () => {
      clearTimeout(timer);
      response.off(event, settle);
      response.off('close', settle);
      resolve();
    };
    response.on(event, settle);
    response.on('close', settle);
  });
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
