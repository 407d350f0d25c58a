import { Worker } from 'node:worker_threads';

/**
 * Ends this process when its parent is gone, even while a parser holds the main thread in a loop and would never
 * see its stdin close: a thread looks whether the process has come to belong to another one.
 */
export function endWithParent(): void {
  const watch = `
    const { workerData: parentId } = require('node:worker_threads');
    setInterval(() => { if (process.ppid !== parentId) process.kill(process.pid, 'SIGKILL'); }, 500);
  `;
  // Asked here and not in the thread: the parent may be gone before the thread runs.
  const options = { eval: true, execArgv: [], stdout: true, stderr: true, workerData: process.ppid };
  new Worker(watch, options).unref();
}
