import { once } from 'node:events';
import { type Server, type Socket, connect, createServer } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { eventually } from '../eventually.js';
import { type FaultProxy, startFaultProxy } from './fault-proxy.js';

/** So long that a test which waited for it would fail: only other toxics end it. */
const FOR_EVER_MS = 10 ** 9;

let upstream: Server;
/** What the server got, and its ends of the connections. */
let serverText: string;
let serverSockets: Socket[];
let proxy: FaultProxy;
let clients: Client[];

beforeEach(async () => {
  serverText = '';
  serverSockets = [];
  clients = [];
  upstream = createServer({ allowHalfOpen: true }, (socket) => {
    serverSockets.push(socket);
    socket.on('error', () => {});
    socket.setEncoding('utf8').on('data', (text: string) => (serverText += text));
  });
  upstream.listen(0, '127.0.0.1');
  await once(upstream, 'listening');
  const address = upstream.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  proxy = await startFaultProxy(`tcp://127.0.0.1:${address.port}`);
});

afterEach(async () => {
  await proxy.close();
  for (const { socket } of clients) socket.destroy();
  for (const socket of serverSockets) socket.destroy();
  await new Promise((resolve) => upstream.close(resolve));
});

interface Client {
  socket: Socket;
  text: () => string;
  hasEnded: () => boolean;
  /** `end`, or the code of the error. */
  outcome: Promise<string>;
}

async function openClient(): Promise<Client & { server: Socket }> {
  const socket = connect({ port: proxy.port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true });
  let text = '';
  let hasEnded = false;
  socket.setEncoding('utf8').on('data', (piece: string) => (text += piece));
  socket.on('end', () => (hasEnded = true));
  const outcome = new Promise<string>((resolve) => {
    socket.on('end', () => resolve('end'));
    socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
  });
  const client = { socket, text: () => text, hasEnded: () => hasEnded, outcome };
  clients.push(client);
  const count = serverSockets.length;
  await once(socket, 'connect');
  const server = await eventually('the connection at the server', () => serverSockets[count] ?? null);
  return { ...client, server };
}

const received = (bytes: number) =>
  eventually('the proxy to read', () => (proxy.counts.received.downstream >= bytes ? true : null));
const textOf = (client: Client, text: string) =>
  eventually(`the client to read ${text}`, () => (client.text() === text ? text : null));

describe('a fault proxy without toxics', () => {
  it('passes bytes and the end of each side, and counts them', async () => {
    const client = await openClient();
    client.socket.end('ping');
    await once(client.server, 'end');
    expect(serverText).toBe('ping');
    client.server.end('pong!');
    expect(await client.outcome).toBe('end');
    expect(client.text()).toBe('pong!');
    await eventually('its end', () => (proxy.counts.openConnections === 0 ? true : null));
    expect(proxy.counts).toEqual({
      connections: 1,
      openConnections: 0,
      received: { upstream: 4, downstream: 5 },
      passed: { upstream: 4, downstream: 5 },
    });
  });

  it('passes megabytes to a reader that is slow to begin', async () => {
    const client = await openClient();
    client.socket.pause();
    const text = 'x'.repeat(5_000_000);
    client.server.end(text);
    await received(1_000_000);
    client.socket.resume();
    expect(await client.outcome).toBe('end');
    expect(client.text()).toBe(text);
  });

  it('stands in for the server of a URL', () => {
    expect(proxy.through('postgres://ada:secret@10.0.0.1:5432/books?ssl=no')).toBe(
      `postgres://ada:secret@127.0.0.1:${proxy.port}/books?ssl=no`,
    );
  });

  it('breaks a client whose server breaks', async () => {
    const client = await openClient();
    client.server.resetAndDestroy();
    expect(await client.outcome).toBe('ECONNRESET');
  });
});

describe('the toxic', () => {
  it('latency holds data back, in the direction it is set for', async () => {
    const client = await openClient();
    await proxy.set([{ type: 'latency', latencyMs: FOR_EVER_MS, direction: 'downstream' }]);
    client.server.write('late');
    await received(4);
    client.socket.write('early');
    await eventually('the other direction', () => (serverText === 'early' ? true : null));
    expect([proxy.counts.passed, client.text()]).toEqual([{ upstream: 5, downstream: 0 }, '']);
    await proxy.set([]);
    await textOf(client, 'late');
  });

  it('latency lets data pass when their time has come', async () => {
    const client = await openClient();
    await proxy.set([{ type: 'latency', latencyMs: 5 }]);
    client.server.write('late');
    await textOf(client, 'late');
  });

  it('bandwidth lets a twentieth of a second pass, and the rest later', async () => {
    const client = await openClient();
    await proxy.set([{ type: 'bandwidth', bytesPerSecond: 0.001 }]);
    client.server.write('narrow');
    await textOf(client, 'n');
    await received(6);
    expect(proxy.counts.passed.downstream).toBe(1);
    await proxy.set([]);
    await textOf(client, 'narrow');
  });

  it('slicer cuts data in pieces', async () => {
    const client = await openClient();
    await proxy.set([{ type: 'slicer', pieceBytes: 4, delayMs: FOR_EVER_MS }]);
    client.server.write('slice by slice');
    await textOf(client, 'slic');
    expect(proxy.counts.passed.downstream).toBe(4);
    await proxy.set([]);
    await textOf(client, 'slice by slice');
  });

  it('slow_close keeps the end back, and nothing else', async () => {
    const client = await openClient();
    await proxy.set([{ type: 'slow_close', delayMs: FOR_EVER_MS }]);
    const ended = once(client.server, 'finish');
    client.server.end('all of it');
    await ended;
    await textOf(client, 'all of it');
    expect(client.hasEnded()).toBe(false);
    await proxy.set([]);
    expect(await client.outcome).toBe('end');
  });

  it('timeout swallows data while it is set', async () => {
    const client = await openClient();
    await proxy.set([{ type: 'timeout', timeoutMs: null, direction: 'downstream' }]);
    client.server.write('lost ');
    await received(5);
    await proxy.set([]);
    client.server.write('found');
    await textOf(client, 'found');
    expect(proxy.counts.passed.downstream).toBe(5);
  });

  it('timeout ends the connection after its time', async () => {
    const client = await openClient();
    await proxy.set([{ type: 'timeout', timeoutMs: 1 }]);
    expect(await client.outcome).toBe('end');
    expect(client.text()).toBe('');
  });

  it('reset_peer breaks open connections and new ones', async () => {
    const client = await openClient();
    await proxy.set([{ type: 'reset_peer', afterMs: 0 }]);
    expect(await client.outcome).toBe('ECONNRESET');
    const socket = connect(proxy.port, '127.0.0.1');
    const [error] = (await once(socket, 'close').catch((cause: unknown) => [cause])) as [unknown];
    expect(error).toMatchObject({ code: 'ECONNRESET' });
    await proxy.set([]);
    const next = connect(proxy.port, '127.0.0.1');
    next.end('well again');
    await eventually('the server to read', () => (serverText === 'well again' ? true : null));
    next.destroy();
  });

  it('limit_data ends the connection after so many bytes', async () => {
    await proxy.set([{ type: 'limit_data', maxBytes: 7, direction: 'downstream' }]);
    const client = await openClient();
    client.server.write('seven ');
    await textOf(client, 'seven ');
    client.server.write('bytes');
    expect(await client.outcome).toBe('end');
    expect(client.text()).toBe('seven b');
    expect(proxy.counts.passed.downstream).toBe(7);
  });

  it('down ends open connections and refuses new ones, until it is taken away', async () => {
    const client = await openClient();
    await proxy.set([{ type: 'down' }]);
    expect(await client.outcome).toBe('end');
    const socket = connect(proxy.port, '127.0.0.1');
    const [error] = (await once(socket, 'close').catch((cause: unknown) => [cause])) as [unknown];
    expect(error).toMatchObject({ code: 'ECONNREFUSED' });
    await proxy.set([]);
    const next = await openClient();
    next.server.end('up again');
    await textOf(next, 'up again');
    expect(proxy.counts.connections).toBe(2);
  });
});
