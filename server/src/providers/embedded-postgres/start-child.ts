import { type ChildProcess, fork } from 'node:child_process';

import type { ChildMessage, ParentMessage } from './process-messages.js';

/** Creating a database takes about 3 s on two cores. */
const startTimeoutMs = 120_000;
const stopTimeoutMs = 15_000;
/** An answer may lie unread when our own event loop was held up; this lets it be read before it counts as late. */
const lateAnswerMs = 1_000;
const keptErrorCharacters = 2_000;

export interface ChildOptions {
  entry: URL;
  execArgv: string[];
  /** Where the database's files are. */
  databaseDirectory: string;
  socketDirectory: string;
  /** What to tell when another process has the directory. */
  inUseMessage: string;
  pingIntervalMs: number;
  pingTimeoutMs: number;
}

export interface DatabaseChild {
  processId: number;
  /**
   * Becomes `created` when the child has made the database and ends: another one is to open it.
   * Rejects with the reason when the child ends before.
   */
  ready: Promise<'ready' | 'created'>;
  /** Resolves with the reason when the child has ended. */
  ended: Promise<string>;
  kill: (reason: string) => void;
  /** Lets the child close the database; kills it when it takes too long, or is not ready yet. */
  stop: () => Promise<void>;
}

/** Starts one process of the embedded database and kills it when it no longer answers. */
export function startChild(options: ChildOptions): DatabaseChild {
  const child = fork(options.entry, [options.databaseDirectory, options.socketDirectory], {
    execArgv: options.execArgv,
    // Nothing of our environment: it holds secrets, and the child needs none of it.
    env: {},
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
  const errorText = keepErrorText(child);
  let reason: string | null = null;
  let isReady = false;
  let timer = setTimeout(() => kill('did not start in time'), startTimeoutMs).unref();

  const ended = new Promise<string>((resolve) => {
    const end = (how: string) => {
      clearTimeout(timer);
      resolve([reason ?? how, errorText()].filter((text) => text !== '').join(': '));
    };
    child.on('error', (error) => {
      if (child.pid === undefined) end(`could not be started: ${error.message}`);
    });
    child.on('close', (code, signal) =>
      end(signal === null ? `ended with code ${code}` : `killed by ${signal}`),
    );
  });

  const ready = new Promise<'ready' | 'created'>((resolve, reject) => {
    child.on('message', (message: ChildMessage) => {
      if (message.type === 'in_use') reason = options.inUseMessage;
      if (message.type === 'failed') reason = message.message;
      if (message.type === 'created') resolve('created');
      if (message.type === 'pong') pingLater();
      if (message.type !== 'ready') return;
      isReady = true;
      pingLater();
      resolve('ready');
    });
    void ended.then((why) => reject(new Error(why)));
  });

  function pingLater() {
    clearTimeout(timer);
    timer = setTimeout(ping, options.pingIntervalMs).unref();
  }

  function ping() {
    send(child, { type: 'ping' });
    timer = setTimeout(() => {
      timer = setTimeout(() => kill(`did not answer for ${options.pingTimeoutMs} ms`), lateAnswerMs).unref();
    }, options.pingTimeoutMs).unref();
  }

  function kill(why: string) {
    reason ??= why;
    child.kill('SIGKILL');
  }

  async function stop() {
    clearTimeout(timer);
    if (isReady) send(child, { type: 'stop' });
    else kill('stopped before it was ready');
    timer = setTimeout(() => kill('did not stop in time'), stopTimeoutMs).unref();
    await ended;
  }

  return { processId: child.pid ?? 0, ready, ended, kill, stop };
}

/** A child that has just died cannot be told anything, and `close` says so better than an error here. */
function send(child: ChildProcess, message: ParentMessage) {
  if (child.connected) child.send(message, () => {});
}

/** The end of what the child writes to stderr: its last words. */
function keepErrorText(child: ChildProcess): () => string {
  let text = '';
  child.stderr?.setEncoding('utf8').on('data', (piece: string) => {
    text = (text + piece).slice(-keptErrorCharacters);
  });
  return () => text.trim();
}
