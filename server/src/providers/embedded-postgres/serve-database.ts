import { chmodSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';

import {
  abandonMessages,
  type ClientRequest,
  createReplyScanner,
  createRequestReader,
  queryMessage,
  type ReplyScanner,
} from './wire-messages.js';

/** The one thing that is used of PGlite: it runs a batch to its end and gives the answer out piece by piece. */
export interface WireDatabase {
  execProtocolRawStream: (
    message: Uint8Array,
    options: { onRawData: (data: Uint8Array) => void },
  ) => Promise<void>;
}

export interface DatabaseServer {
  /** Resolves when the database has answered: a query of our own, or one of the client's since the last call. */
  ping: () => Promise<void>;
  /** Ends all connections; open transactions are rolled back. */
  close: () => Promise<void>;
}

interface ServedDatabase {
  /** Runs one batch and tells the state it left; `onReply` gets each piece of the answer at once. */
  run: (batch: Uint8Array, onReply: (data: Buffer) => void) => Promise<ReplyScanner>;
  /** Waits for the database and takes it; the caller gives it back by calling what it got. */
  take: () => Promise<() => void>;
}

/**
 * Serves a database that is one session to the clients of a unix socket, one after the other: a connection owns
 * it from its first message until the database is idle again, so that no other's statement can come in between.
 * `onFatal` must end the process: after a FATAL error PGlite loops for ever within the running call.
 */
export async function serveDatabase(
  database: WireDatabase,
  socketPath: string,
  onFatal: (error: string) => never,
): Promise<DatabaseServer> {
  const take = createGate();
  let answeredBatches = 0;
  let answeredAtLastPing = 0;

  async function run(batch: Uint8Array, onReply: (data: Buffer) => void) {
    const scanner = createReplyScanner();
    await database.execProtocolRawStream(batch, {
      onRawData: (data) => {
        // A copy: the bytes lie in the database's own memory, which it writes over.
        onReply(Buffer.from(data));
        scanner.read(data);
        const fatalError = scanner.fatalError();
        if (fatalError !== null) onFatal(fatalError);
      },
    });
    answeredBatches += 1;
    return scanner;
  }

  async function ping() {
    // A long transaction that moves on shows that the database answers; an idle one does not, and waits here.
    const hasAnswered = answeredBatches !== answeredAtLastPing;
    answeredAtLastPing = answeredBatches;
    if (hasAnswered) return;
    const giveBack = await take();
    await run(queryMessage('select 1'), ignoreReply);
    answeredAtLastPing = answeredBatches;
    giveBack();
  }

  const connections = new Map<Socket, Promise<void>>();
  const server = createServer((socket) => {
    const ended = serveConnection(socket, { run, take }).finally(() => connections.delete(socket));
    connections.set(socket, ended);
  });
  await listen(server, socketPath);

  async function close() {
    const closed = new Promise((resolve) => server.close(resolve));
    for (const socket of connections.keys()) socket.destroy();
    await Promise.all([closed, ...connections.values()]);
  }
  return { ping, close };
}

/** Resolves when the connection has ended and left the database idle. */
function serveConnection(socket: Socket, database: ServedDatabase): Promise<void> {
  const readRequests = createRequestReader();
  let giveBack: (() => void) | null = null;
  let work: Promise<void> = Promise.resolve();
  const send = (data: Buffer) => {
    if (socket.writable) socket.write(data);
  };

  async function answer(request: ClientRequest) {
    if (request.kind === 'encryption') {
      send(Buffer.from('N'));
      return;
    }
    if (request.kind === 'terminate' || request.kind === 'unknown') {
      socket.destroySoon();
      return;
    }
    giveBack ??= await database.take();
    // There is one session for all: whatever the client before has set must not show to this one.
    if (request.kind === 'startup') await database.run(queryMessage('DISCARD ALL'), ignoreReply);
    const reply = await database.run(request.bytes, send);
    if (reply.status() === 'I') release();
  }

  async function abandon() {
    if (giveBack === null) return;
    const reply = await database.run(abandonMessages(), ignoreReply);
    if (reply.status() !== 'I') throw new Error('the database is not idle after a rollback');
    release();
  }

  function release() {
    giveBack?.();
    giveBack = null;
  }

  socket.on('data', (chunk: Buffer) => {
    for (const request of readRequests(chunk)) work = work.then(() => answer(request));
  });
  // What follows an error is always `close`, and there is nobody left to tell.
  socket.on('error', () => {});
  return new Promise((resolve, reject) => {
    socket.on('close', () => {
      work.then(abandon).then(resolve, reject);
    });
  });
}

/** Lets one in at a time, in the order of asking. */
function createGate(): () => Promise<() => void> {
  let lastLeft: Promise<void> = Promise.resolve();
  return function enter() {
    const before = lastLeft;
    return new Promise((entered) => {
      lastLeft = new Promise((leave) => {
        void before.then(() => entered(leave));
      });
    });
  };
}

function listen(server: Server, socketPath: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(socketPath, () => {
      server.off('error', reject);
      chmodSync(socketPath, 0o600);
      resolve();
    });
  });
}

function ignoreReply(): void {}
