/**
 * The process of the embedded database: `<this file> <directory of the files> <directory of the sockets>`.
 * Started and watched by start-embedded-postgres.ts, and never without a parent.
 */
import { rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';

import { takeDirectoryLock } from './directory-lock.js';
import { createDatabase, hasDatabase, openDatabase } from './open-database.js';
import type { ChildMessage, ParentMessage } from './process-messages.js';
import { serveDatabase } from './serve-database.js';
import { socketName } from './socket-directory.js';

/** How long the process of a killed parent may take to die before its directory counts as used. */
const lockWaitMs = 3_000;
const parentCheckMs = 500;

// Ctrl-C and a service manager's SIGTERM go to all processes at once; our parent stops us when it no longer needs us.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {});
process.on('disconnect', () => process.exit(0));
process.umask(0o077);
const [databaseDirectory, socketDirectory] = process.argv.slice(2);
if (databaseDirectory === undefined || socketDirectory === undefined)
  throw new Error('two directories expected');
dieWithParent();
await main(databaseDirectory, socketDirectory);

async function main(files: string, sockets: string) {
  const lock = await takeDirectoryLock(sockets, lockWaitMs);
  if (lock === null) {
    await tell({ type: 'in_use' });
    process.exit(1);
  }
  if (!hasDatabase(files)) {
    await orTell(createDatabase(files));
    await lock.release();
    await tell({ type: 'created' });
    process.exit(0);
  }
  const opened = open(files, join(sockets, socketName));

  async function stop() {
    const { database, server } = await opened;
    await server.close();
    await database.close();
    await lock?.release();
    process.exit(0);
  }

  process.on('message', (message: ParentMessage) => {
    if (message.type === 'stop') void stop();
    else void opened.then(({ server }) => server.ping()).then(() => tell({ type: 'pong' }));
  });
  await orTell(opened);
  await tell({ type: 'ready' });
}

/** Ends the process with a word to the parent when the database cannot be made or opened. */
async function orTell(work: Promise<unknown>) {
  try {
    await work;
  } catch (error) {
    await tell({
      type: 'failed',
      message: error instanceof Error ? (error.stack ?? error.message) : String(error),
    });
    process.exit(1);
  }
}

async function open(files: string, socketPath: string) {
  const database = await openDatabase(files);
  rmSync(socketPath, { force: true });
  const server = await serveDatabase(database, socketPath, dieOfFatalError);
  return { database, server };
}

/** The client has the error already; the parent reads it from our stderr and starts us anew. */
function dieOfFatalError(error: string): never {
  writeSync(2, `${error}\n`);
  process.exit(1);
}

/** A long statement keeps `disconnect` from being seen, so a thread of its own looks whether the parent lives. */
function dieWithParent() {
  const watch = `
    const { workerData } = require('node:worker_threads');
    setInterval(() => {
      if (process.ppid !== workerData.parentId) process.kill(process.pid, 'SIGKILL');
    }, workerData.parentCheckMs);`;
  const workerData = { parentId: process.ppid, parentCheckMs };
  new Worker(watch, { eval: true, execArgv: [], workerData }).unref();
}

function tell(message: ChildMessage): Promise<void> {
  return new Promise((resolve) => {
    if (process.send === undefined) resolve();
    else process.send(message, undefined, {}, () => resolve());
  });
}
