import type { Config } from '#platform/config/config.js';
import type { DocumentExtractor } from '#platform/ports/document-extractor.js';
import { createDocumentExtractor } from '#providers/document-extractor/document-extractor.js';
import { processEntry } from './entries.js';

const MIB = 1024 * 1024;
const LIMITS = {
  // Few files take seconds; one that takes longer than its size explains is broken, or made to.
  timeoutMs: 25_000,
  timeoutMsPerByte: 1_500 / MIB,
  maxResidentBytes: 480 * MIB,
  maxOutputCharacters: 50 * MIB,
  concurrency: 2,
};

/** @param extractionProcess what reads the files: the script beside this one unless said otherwise */
export function openExtractor(
  config: Pick<Config, 'maxUploadBytes'>,
  extractionProcess = processEntry('app/extraction-process'),
): DocumentExtractor {
  return createDocumentExtractor({
    ...extractionProcess,
    ...LIMITS,
    maxInputBytes: config.maxUploadBytes,
  });
}
