import PQueue from 'p-queue';

import type { DocumentExtractor } from '#platform/ports/document-extractor.js';

import { type ExtractionLimits, runExtraction } from './run-extraction.js';

export interface DocumentExtractorOptions extends ExtractionLimits {
  /** How many processes may run at once; further files wait. */
  concurrency: number;
}

/**
 * Reads each file in a Node process of its own (`entry` says what runs there), so that a file that loops, eats
 * memory or crashes a parser fails alone.
 */
export function createDocumentExtractor(options: DocumentExtractorOptions): DocumentExtractor {
  const queue = new PQueue({ concurrency: options.concurrency });
  return {
    async extract(input, signal) {
      signal.throwIfAborted();
      // A body that fails while it waits for its turn fails when it is read; nobody else listens until then.
      input.body.on('error', () => undefined);
      const waiting = new AbortController();
      const stopWaiting = () => waiting.abort(signal.reason);
      signal.addEventListener('abort', stopWaiting, { once: true });
      const run = () => {
        // From here on the run itself obeys the signal, and keeps its place until its process is gone.
        signal.removeEventListener('abort', stopWaiting);
        return runExtraction(options, input, signal);
      };
      try {
        return await queue.add(run, { signal: waiting.signal });
      } finally {
        signal.removeEventListener('abort', stopWaiting);
        input.body.destroy();
      }
    },
  };
}
