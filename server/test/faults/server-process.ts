import { type SpawnOptions, spawn } from 'node:child_process';
import { once } from 'node:events';

/** A server that a test started and may kill. */
export interface ServerProcess {
  kill: (signal: NodeJS.Signals) => void;
  ended: Promise<void>;
  hasEnded: () => boolean;
  /** The last of what it wrote, for the message of an error. */
  output: () => string;
}

const MAX_OUTPUT_CHARACTERS = 4000;

/** Starts a program in the foreground: it goes with the process group of the test. */
export function startServerProcess(
  command: string,
  commandLine: string[],
  options: Pick<SpawnOptions, 'uid' | 'gid' | 'cwd'> = {},
): ServerProcess {
  const child = spawn(command, commandLine, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => {
      output = `${output}${text}`.slice(-MAX_OUTPUT_CHARACTERS);
    });
  }
  let hasEnded = false;
  const ended = once(child, 'exit').then(
    () => void (hasEnded = true),
    (error: unknown) => {
      hasEnded = true;
      output += String(error);
    },
  );
  return {
    kill: (signal) => void child.kill(signal),
    ended,
    hasEnded: () => hasEnded,
    output: () => output,
  };
}

/** Ends a process, one that is stopped by SIGSTOP too. */
export async function endServerProcess(server: ServerProcess, signal: NodeJS.Signals): Promise<void> {
  if (server.hasEnded()) return;
  server.kill(signal);
  server.kill('SIGCONT');
  await server.ended;
}
