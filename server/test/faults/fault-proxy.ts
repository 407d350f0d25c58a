import { once } from 'node:events';
import { type Socket, connect, createServer } from 'node:net';
import { findPort } from './find-port.js';
import { type AppliedToxic, type Direction, type Stream, passThroughToxics, wait } from './toxics.js';

/** Data that were read and wait to be passed on; beyond it the sender has to wait. */
const MAX_HELD_BYTES = 1024 * 1024;

export interface FaultProxy {
  port: number;
  /** The address of a service, with the proxy in place of its server: other parts of the URL stay. */
  through: (url: string) => string;
  /** Replaces all toxics, on open connections too; without any, bytes pass as they are. */
  set: (toxics: AppliedToxic[]) => Promise<void>;
  /** Of all connections since the start. */
  counts: {
    connections: number;
    openConnections: number;
    /** Bytes read from one side. */
    received: Record<Direction, number>;
    /** Bytes written to the other. */
    passed: Record<Direction, number>;
  };
  close: () => Promise<void>;
}

interface Connection {
  client: Socket;
  server: Socket;
  streams: Record<Direction, Stream>;
}

/** A TCP proxy on a port of its own that disturbs its connections as it is told. */
export async function startFaultProxy(target: string): Promise<FaultProxy> {
  const { hostname, port: targetPort } = new URL(target);
  const port = await findPort();
  const connections = new Set<Connection>();
  const counts: FaultProxy['counts'] = {
    connections: 0,
    openConnections: 0,
    received: { upstream: 0, downstream: 0 },
    passed: { upstream: 0, downstream: 0 },
  };
  let toxics: AppliedToxic[] = [];
  let changed = new AbortController();

  const newStream = (direction: Direction): Stream => ({
    toxics: toxics.filter((toxic) => (toxic.direction ?? direction) === direction),
    changed: changed.signal,
    passedBytes: 0,
  });
  const newStreams = () => ({ upstream: newStream('upstream'), downstream: newStream('downstream') });

  const listener = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
    const server = connect({
      host: hostname,
      port: Number(targetPort),
      allowHalfOpen: true,
      noDelay: true,
    });
    const connection: Connection = { client, server, streams: newStreams() };
    connections.add(connection);
    counts.connections += 1;
    counts.openConnections = connections.size;
    pump(connection, 'upstream', counts);
    pump(connection, 'downstream', counts);
    for (const [socket, other] of [
      [client, server],
      [server, client],
    ] as const) {
      // A side that breaks breaks the other; a side that has ended both ways lets it drain.
      socket.on('error', () => other.resetAndDestroy());
      socket.on('close', () => {
        if (client.destroyed && server.destroyed) connections.delete(connection);
        counts.openConnections = connections.size;
      });
    }
    void applyToWhole(connection);
  });

  const listen = async () => {
    listener.listen(port, '127.0.0.1');
    await once(listener, 'listening');
  };
  const refuse = async () => {
    if (!listener.listening) return;
    const closed = once(listener, 'close');
    listener.close();
    for (const connection of connections) destroy(connection);
    await closed;
  };
  await listen();
  return {
    port,
    through: (url) => {
      const address = new URL(url);
      address.host = `127.0.0.1:${port}`;
      return address.href;
    },
    set: async (newToxics) => {
      toxics = newToxics;
      const previous = changed;
      changed = new AbortController();
      for (const connection of connections) connection.streams = newStreams();
      previous.abort();
      if (toxics.some(({ type }) => type === 'down')) return refuse();
      if (!listener.listening) return listen();
      for (const connection of connections) void applyToWhole(connection);
    },
    counts,
    close: async () => {
      changed.abort();
      for (const connection of connections) destroy(connection);
      await refuse();
    },
  };
}

/** Passes on what one side sends, in its order, until its end. */
function pump(connection: Connection, direction: Direction, counts: FaultProxy['counts']): void {
  const { client, server } = connection;
  const [from, to] = direction === 'upstream' ? [client, server] : [server, client];
  let heldBytes = 0;
  let tail = Promise.resolve();
  const write = async (piece: Buffer) => {
    if (to.destroyed || to.writableEnded) return;
    counts.passed[direction] += piece.length;
    if (!to.write(piece)) await Promise.race([once(to, 'drain'), once(to, 'close')]).catch(() => {});
  };
  from.on('data', (bytes: Buffer) => {
    counts.received[direction] += bytes.length;
    heldBytes += bytes.length;
    if (heldBytes > MAX_HELD_BYTES) from.pause();
    const arrivedAt = performance.now();
    tail = tail.then(async () => {
      const verdict = await passThroughToxics(connection.streams[direction], bytes, arrivedAt, write);
      if (verdict === 'close') endBoth(connection);
      heldBytes -= bytes.length;
      if (heldBytes <= MAX_HELD_BYTES) from.resume();
    });
  });
  from.on('end', () => {
    void tail.then(async () => {
      const { toxics, changed } = connection.streams[direction];
      const slowClose = toxics.find((toxic) => toxic.type === 'slow_close');
      if (slowClose !== undefined) await wait(slowClose.delayMs, changed);
      to.end();
    });
  });
}

/** The toxics that end a connection after a time, whatever it carries. */
async function applyToWhole(connection: Connection): Promise<void> {
  const { toxics, changed } = {
    toxics: [...connection.streams.upstream.toxics, ...connection.streams.downstream.toxics],
    changed: connection.streams.upstream.changed,
  };
  for (const toxic of toxics) {
    if (toxic.type === 'reset_peer') {
      await wait(toxic.afterMs, changed);
      if (changed.aborted) return;
      connection.client.resetAndDestroy();
      connection.server.resetAndDestroy();
    } else if (toxic.type === 'timeout' && toxic.timeoutMs !== null) {
      await wait(toxic.timeoutMs, changed);
      if (changed.aborted) return;
      endBoth(connection);
    }
  }
}

/** What was written before still arrives. */
function endBoth({ client, server }: Connection): void {
  for (const socket of [client, server]) socket.destroySoon();
}

function destroy({ client, server }: Connection): void {
  client.destroy();
  server.destroy();
}
