import { Worker } from 'node:worker_threads';

/**
 * Ends this process when its parent is gone, even while a parser holds the main thread in a loop and would never
 * see its stdin close: a thread looks whether the process has come to belong to another one.
 */
export function endWithParent(): void {
  const watch = `
    const parent = process.ppid;
    setInterval(() => { if (process.ppid !== parent) process.kill(process.pid, 'SIGKILL'); }, 500);
  `;
  new Worker(watch, { eval: true, execArgv: [], stdout: true, stderr: true }).unref();
}
