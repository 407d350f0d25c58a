// Processes of a benchmark: starting them, and what they take of memory and CPU, read from /proc.
import { fork } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const TICKS_PER_SECOND = 100;
const PAGE_BYTES = 4096;
const SAMPLE_MS = 50;
const IDLE_SAMPLES = 10;
/** Of /proc/PID/stat behind the name: utime and stime, and those of children that were waited for. */
const OWN_FIELDS = [11, 12];
const ALL_FIELDS = [11, 12, 13, 14];

/** Starts a script beside this one (or a file by its path) and gives the first message that it sends. */
export async function startScript(file, { args = [], env = {}, cwd } = {}) {
  const path = file.startsWith('/') ? file : fileURLToPath(new URL(file, import.meta.url));
  const child = fork(path, args, { env: { PATH: process.env.PATH, ...env }, cwd, serialization: 'advanced' });
  const next = () =>
    new Promise((resolve, reject) => {
      const onEnd = (code) => reject(new Error(`${file} ended with ${code}`));
      child.once('exit', onEnd);
      child.once('message', (message) => {
        child.off('exit', onEnd);
        resolve(message);
      });
    });
  const first = await next();
  return {
    first,
    processId: child.pid,
    /** Sends a message and waits for the answer. */
    ask: async (message) => {
      const answered = next();
      child.send(message);
      return answered;
    },
    stop: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGKILL');
      await ended;
    },
  };
}

/** A process and all that it has started, by number. */
function listTree(processId) {
  const found = [processId];
  for (let index = 0; index < found.length; index += 1) {
    const children = readOrNull(`/proc/${found[index]}/task/${found[index]}/children`) ?? '';
    found.push(...children.split(' ').filter(Boolean).map(Number));
  }
  return found;
}

/** CPU seconds of a process and of all that it has started, those that have ended too. */
function cpuSecondsOf(processId, tree = listTree(processId), wanted = ALL_FIELDS) {
  let ticks = 0;
  for (const id of tree) {
    // The name, in brackets, may hold anything.
    const fields = readOrNull(`/proc/${id}/stat`)?.split(') ').at(-1)?.split(' ');
    if (fields !== undefined) for (const at of wanted) ticks += Number(fields[at]);
  }
  return ticks / TICKS_PER_SECOND;
}

function memoryOf(processId) {
  const memory = { all: 0, main: 0, processes: 0 };
  for (const id of listTree(processId)) {
    const bytes = Number(readOrNull(`/proc/${id}/statm`)?.split(' ')[1] ?? 0) * PAGE_BYTES;
    memory.all += bytes;
    memory.processes += 1;
    if (id === processId) memory.main = bytes;
  }
  return memory;
}

/** Watches the resident memory of a process with its children; `idle` is that of the first half second. */
export async function watchMemory(processId) {
  const idle = [];
  for (let index = 0; index < IDLE_SAMPLES; index += 1) {
    idle.push(memoryOf(processId).all);
    await pause(SAMPLE_MS);
  }
  const idleBytes = idle.toSorted((a, b) => a - b)[IDLE_SAMPLES / 2];
  const peak = { all: 0, main: 0, processes: 0 };
  const timer = setInterval(() => {
    const now = memoryOf(processId);
    for (const name of Object.keys(peak)) peak[name] = Math.max(peak[name], now[name]);
  }, SAMPLE_MS);
  return {
    stop: () => {
      clearInterval(timer);
      return { idleBytes, peakBytes: peak.all, peakOfMainBytes: peak.main, mostProcesses: peak.processes };
    },
  };
}

/**
 * CPU seconds that each of some processes takes from now on, `<name>Alone` those without its children, and
 * `foreignShare` the part of the machine that neither they nor this process took.
 */
export function meterCpu(processIds) {
  const read = () => {
    const taken = {};
    for (const [name, id] of Object.entries(processIds)) {
      taken[name] = cpuSecondsOf(id);
      taken[`${name}Alone`] = cpuSecondsOf(id, [id], OWN_FIELDS);
    }
    const all = cpuSecondsOf(process.pid) + cpuSecondsOf(processIds.postgres);
    return { taken, foreign: busySeconds() - all };
  };
  const before = read();
  const startedAt = performance.now();
  return () => {
    const now = read();
    const names = Object.keys(before.taken);
    const seconds = ((performance.now() - startedAt) / 1000) * cpus().length;
    return {
      ...Object.fromEntries(names.map((name) => [name, now.taken[name] - before.taken[name]])),
      foreignShare: (now.foreign - before.foreign) / seconds,
    };
  };
}

/** CPU seconds of the whole machine. */
function busySeconds() {
  // user nice system idle iowait irq softirq steal
  const fields = readOrNull('/proc/stat').split('\n')[0].split(/ +/).slice(1).map(Number);
  return [0, 1, 2, 5, 6].reduce((sum, at) => sum + fields[at], 0) / TICKS_PER_SECOND;
}

export function parentOf(processId) {
  return Number(readOrNull(`/proc/${processId}/stat`)?.split(') ').at(-1)?.split(' ')[1]);
}

function readOrNull(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
}
