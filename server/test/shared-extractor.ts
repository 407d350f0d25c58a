import { openExtractor } from '#app/open-extractor.js';
import type { DocumentExtractor } from '#platform/ports/document-extractor.js';
import { builtEntry } from './built-entry.js';

const OWNER = 'the tests';

const extractors = new Map<number, DocumentExtractor>();

/**
 * The real extractor, whose processes read for all the tests of a worker: to start one takes two seconds of a
 * processor, and by itself each project gets one of its own. That owners do not share processes has its tests in
 * `providers/document-extractor`.
 */
export function shareExtractor(config: { maxUploadBytes: number }): DocumentExtractor {
  const { maxUploadBytes } = config;
  const extractor =
    extractors.get(maxUploadBytes) ?? openExtractor(config, builtEntry('app/extraction-process'));
  extractors.set(maxUploadBytes, extractor);
  return { extract: (input, signal) => extractor.extract({ ...input, owner: OWNER }, signal) };
}
