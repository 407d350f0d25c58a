import { once } from 'node:events';
import { type AddressInfo, type Socket, connect } from 'node:net';
import Fastify, { type FastifyInstance } from 'fastify';
import { afterEach, describe, expect, it } from 'vitest';
import { eventually } from '#test/eventually.js';
import { createGate } from '#test/gate.js';
import type { StreamEvent } from '../ports/live-streams.js';
import { clientGone, sendEventStream } from './event-stream.js';

const TEXT = 'x'.repeat(8_192);
const MIB = 1024 * 1024;
/** More than the buffers of the kernel hold, so that the reader's not reading shows. */
const MANY_EVENTS = 8_192;
const LONG_MS = 60_000;

interface Sent {
  events: number;
  /** The most that ever waited in this process. */
  bufferedBytes: number;
  isOver: boolean;
}

let server: FastifyInstance;
let sockets: Socket[] = [];
afterEach(async () => {
  for (const socket of sockets) socket.destroy();
  sockets = [];
  await server.close();
});

/** A server that sends `count` events of 8 KiB, and a client that has asked for them and reads nothing yet. */
async function startStream(count: number, stallTimeoutMs: number) {
  const sent: Sent = { events: 0, bufferedBytes: 0, isOver: false };
  const over = createGate();
  server = Fastify({ forceCloseConnections: true });
  server.get('/', async (_request, reply) => {
    const gone = clientGone(reply);
    async function* events(): AsyncGenerator<StreamEvent> {
      for (let sequence = 1; sequence <= count && !gone.aborted; sequence += 1) {
        sent.bufferedBytes = Math.max(sent.bufferedBytes, reply.raw.writableLength);
        sent.events = sequence;
        yield { sequence, name: 'delta', data: { text: TEXT } };
      }
    }
    await sendEventStream(reply, events(), stallTimeoutMs);
    sent.isOver = true;
    over.open();
  });
  await server.listen({ port: 0, host: '127.0.0.1' });
  const socket = connect({ port: (server.server.address() as AddressInfo).port, host: '127.0.0.1' });
  sockets.push(socket);
  await once(socket, 'connect');
  socket.on('error', () => {});
  socket.pause();
  socket.write('GET / HTTP/1.1\r\nhost: localhost\r\n\r\n');
  return { sent, socket, over: over.passed };
}

/** Until the server has written all that the sockets take. */
async function untilBlocked(sent: Sent): Promise<number> {
  let before = -1;
  return eventually('the server to wait', () => {
    const isBlocked = sent.events > 0 && sent.events === before;
    before = sent.events;
    return isBlocked ? sent.events : null;
  });
}

describe('a reader that takes nothing', () => {
  it('is waited for with a bounded buffer, and then cut off', async () => {
    const { sent, over, socket } = await startStream(MANY_EVENTS, 200);
    const closed = once(socket, 'close');
    await over;
    expect(sent.events).toBeGreaterThan(1);
    expect(sent.events).toBeLessThan(MANY_EVENTS);
    expect(sent.bufferedBytes).toBeLessThan(MIB);
    expect(server.server.listening).toBe(true);
    socket.resume();
    await closed;
  });
});

describe('a slow reader', () => {
  it('gets everything, in order', async () => {
    const { sent, socket, over } = await startStream(MANY_EVENTS, LONG_MS);
    expect(await untilBlocked(sent)).toBeLessThan(MANY_EVENTS);
    let text = '';
    let last = 0;
    socket.on('data', (bytes: Buffer) => {
      text += bytes.toString('latin1');
      for (const [, id] of text.matchAll(/^id: (\d+)$/gm)) last = Math.max(last, Number(id));
      text = text.slice(-100);
    });
    socket.resume();
    await over;
    await eventually('the last event', () => (last === MANY_EVENTS ? true : null));
    expect(sent.bufferedBytes).toBeLessThan(MIB);
  });

  it('that leaves ends its stream at once', async () => {
    const { sent, socket, over } = await startStream(MANY_EVENTS, LONG_MS);
    await untilBlocked(sent);
    socket.destroy();
    await over;
    expect(sent.events).toBeLessThan(MANY_EVENTS);
  });
});
