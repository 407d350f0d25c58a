import type { ReaderProcess } from './reader-process.js';
import { residentBytesOf } from './resident-bytes.js';

export interface WarmLimits {
  /** After so many inputs a process is replaced, whatever it may have gathered. */
  maxInputs: number;
  /** A process that holds more than this after an input is not kept. */
  maxKeptBytes: number;
  idleMs: number;
}

export interface WarmProcesses {
  /** The process that has read for this owner last, and for nobody else; null where there is none. */
  take: (owner: string) => ReaderProcess | null;
  /** Keeps a process for the owner's next input, or ends it. Resolves when it is one or the other. */
  keep: (owner: string, reader: ReaderProcess) => Promise<void>;
}

interface Kept {
  owner: string;
  reader: ReaderProcess;
  timer: NodeJS.Timeout;
}

/**
 * Keeps processes that have read an input warm for the next one of the same owner: no process ever serves two. At
 * most `maxCount` are kept; a new one takes the place of the one that has waited longest.
 */
export function createWarmProcesses(limits: WarmLimits & { maxCount: number }): WarmProcesses {
  let kept: Kept[] = [];

  const remove = (entry: Kept) => {
    clearTimeout(entry.timer);
    kept = kept.filter((other) => other !== entry);
  };
  const end = (entry: Kept) => {
    remove(entry);
    stopIdle(entry.reader);
  };

  return {
    take(owner) {
      const entry = kept.findLast((other) => other.owner === owner && other.reader.isIdle);
      if (entry === undefined) return null;
      remove(entry);
      entry.reader.hold(true);
      return entry.reader;
    },
    async keep(owner, reader) {
      if (!(await isWorthKeeping(reader, limits))) {
        stopIdle(reader);
        return reader.ended;
      }
      const entry = { owner, reader, timer: setTimeout(() => end(entry), limits.idleMs).unref() };
      kept.push(entry);
      reader.hold(false);
      void reader.ended.then(() => remove(entry));
      while (kept.length > limits.maxCount) end(kept[0]!);
    },
  };
}

async function isWorthKeeping(reader: ReaderProcess, limits: WarmLimits): Promise<boolean> {
  if (!reader.isIdle || reader.inputCount >= limits.maxInputs) return false;
  const bytes = await residentBytesOf(reader.processId);
  return bytes !== null && bytes <= limits.maxKeptBytes && reader.isIdle;
}

function stopIdle(reader: ReaderProcess): void {
  reader.stop(new Error('the process is not needed any more'));
}
