import type {
  DocumentExtractor,
  ExtractedDocument,
  ExtractionInput,
} from '#platform/ports/document-extractor.js';

import { createFairQueue } from './fair-queue.js';
import { type ReaderProcess, startReaderProcess } from './reader-process.js';
import { type ExtractionLimits, runExtraction } from './run-extraction.js';
import { type WarmLimits, createWarmProcesses } from './warm-processes.js';

export interface DocumentExtractorOptions extends ExtractionLimits {
  /** How many processes may work at once, and as many may wait for the next input; further inputs wait. */
  concurrency: number;
  warm?: Partial<WarmLimits & { beginWithinMs: number }>;
}

const BYTES_PER_MEBIBYTE = 1024 * 1024;
const WARM = {
  maxInputs: 500,
  /** Of these, 200 are the tables of tokens and languages. */
  maxKeptBytes: 256 * BYTES_PER_MEBIBYTE,
  idleMs: 10_000,
  /** A process that waits for input takes it in milliseconds. */
  beginWithinMs: 2_000,
};

/**
 * Reads each file in another Node process (`entry` says what runs there), so that a file that loops, eats memory or
 * crashes a parser fails alone. Inputs of one owner share processes, one input after another; owners never do, and take
 * turns where there are more inputs than processes.
 */
export function createDocumentExtractor(options: DocumentExtractorOptions): DocumentExtractor {
  const { concurrency } = options;
  const { beginWithinMs, ...warmLimits } = { ...WARM, ...options.warm };
  const warm = createWarmProcesses({ ...warmLimits, maxCount: concurrency });
  const queue = createFairQueue<() => void>();
  let workingCount = 0;

  /** Resolves when a process may work for this input: `release` is to follow. */
  const takeTurn = (owner: string | null, signal: AbortSignal) =>
    new Promise<void>((resolve, reject) => {
      const begin = () => {
        signal.removeEventListener('abort', leave);
        workingCount += 1;
        resolve();
      };
      const leave = () => {
        removeFromQueue();
        reject(signal.reason);
      };
      const removeFromQueue = queue.push(owner, begin);
      signal.addEventListener('abort', leave, { once: true });
      if (workingCount < concurrency) queue.shift()?.();
    });

  const release = () => {
    workingCount -= 1;
    queue.shift()?.();
  };

  const read = async (input: ExtractionInput, signal: AbortSignal): Promise<ExtractedDocument> => {
    const { owner } = input;
    for (;;) {
      const kept = owner === undefined ? null : warm.take(owner);
      const reader = kept ?? startReaderProcess(options);
      const limits = { ...options, beginWithinMs: kept === null ? null : beginWithinMs };
      try {
        const document = await runExtraction(reader, input, limits, signal);
        if (document !== null) return document;
      } finally {
        // Before the answer: the owner's next input, which may follow at once, is to find the process waiting.
        await retire(reader, owner);
      }
    }
  };

  const retire = (reader: ReaderProcess, owner: string | undefined): Promise<void> => {
    if (owner !== undefined) return warm.keep(owner, reader);
    reader.stop(new Error('its one input was read'));
    return reader.ended;
  };

  return {
    async extract(input, signal) {
      signal.throwIfAborted();
      // A body that fails while it waits for its turn fails when it is read; nobody else listens until then.
      input.body.on('error', () => undefined);
      try {
        await takeTurn(input.owner ?? null, signal);
        try {
          return await read(input, signal);
        } finally {
          release();
        }
      } finally {
        input.body.destroy();
      }
    },
  };
}
