import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { builtEntry } from './built-entry.js';

export interface BotbaseProcess {
  processId: number;
  stdoutLines: string[];
  stderrLines: string[];
  /** The address in the ready line; rejects when the process ends without one. */
  url: Promise<string>;
  /** Exit status, and the signal that ended the process, once its output is read to the end. */
  ended: Promise<{ exitCode: number | null; signal: NodeJS.Signals | null }>;
  kill: (signal: NodeJS.Signals) => void;
}

/** Of the caller's environment, what a program needs to run: no setting of Botbase comes from there. */
const INHERITED = ['PATH', 'HOME', 'TMPDIR', 'LANG'];

/**
 * Runs Botbase in a process of its own, on a free port, with these settings and no others.
 * @param program as the test run has built it unless said otherwise
 */
export function spawnBotbase(
  settings: Record<string, string>,
  commandLine: string[] = [],
  program = builtEntry('main'),
): BotbaseProcess {
  const { entry, execArgv } = program;
  const inherited = Object.fromEntries(
    INHERITED.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]])),
  );
  const child = spawn(process.execPath, [...execArgv, fileURLToPath(entry), ...commandLine], {
    cwd: fileURLToPath(new URL('..', import.meta.url)),
    env: { ...inherited, PORT: '0', ...settings },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const stdoutLines: string[] = [];
  const stderrLines: string[] = [];
  const isRead = Promise.all([
    collectLines(child.stderr, (line) => void stderrLines.push(line)),
    collectLines(child.stdout, (line) => {
      stdoutLines.push(line);
      announce(urlIn(line));
    }),
  ]);
  let announce: (url: string | null) => void = () => {};
  const announced = new Promise<string>((resolve) => {
    announce = (url) => {
      if (url !== null) resolve(url);
    };
  });
  const ended = once(child, 'exit').then(async ([exitCode, signal]) => {
    await isRead;
    return { exitCode: exitCode as number | null, signal: signal as NodeJS.Signals | null };
  });
  const url = Promise.race([
    announced,
    ended.then(({ exitCode, signal }) => {
      throw new Error(`Botbase ended (${signal ?? exitCode}) before it was ready: ${stderrLines.join(' ')}`);
    }),
  ]);
  url.catch(() => {});
  return {
    processId: child.pid ?? 0,
    stdoutLines,
    stderrLines,
    url,
    ended,
    kill: (signal) => void child.kill(signal),
  };
}

async function collectLines(stream: Readable, take: (line: string) => void): Promise<void> {
  for await (const line of createInterface({ input: stream })) take(line);
}

function urlIn(line: string): string | null {
  try {
    const entry = JSON.parse(line) as { url?: unknown };
    return typeof entry.url === 'string' ? entry.url : null;
  } catch {
    return null;
  }
}
