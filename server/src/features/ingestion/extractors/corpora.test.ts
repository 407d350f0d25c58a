import { Readable } from 'node:stream';

import { describe, expect, it } from 'vitest';

import { SourceError } from '#kernel/source-error.js';
import { createDocumentExtractor } from '#providers/document-extractor/document-extractor.js';
import { builtEntry } from '#test/built-entry.js';
import { corpusOrNull, readTarball } from '#test/read-corpus.js';

const MEBIBYTE = 1024 * 1024;
const CORPORA = ['pdf-pypdf', 'pdf-pdfminer', 'docx-mammoth', 'docx-pythondocx'];
/** Of reading a whole corpus, file after file, on a busy machine. */
const CORPUS_TIMEOUT_MS = 600_000;
const never = new AbortController().signal;

/** The real process, held to 30 seconds and 512 MiB for each file. */
const extractor = createDocumentExtractor({
  ...builtEntry('app/extraction-process'),
  timeoutMs: 30_000,
  maxResidentBytes: 512 * MEBIBYTE,
  maxInputBytes: 50 * MEBIBYTE,
  maxOutputCharacters: 50 * MEBIBYTE,
  concurrency: 2,
});

async function outcomeOf(name: string, bytes: Buffer): Promise<string> {
  const input = { body: Readable.from([bytes]), kind: 'file' as const, fileName: name, mediaType: null };
  try {
    const { content } = await extractor.extract({ ...input, owner: 'corpora' }, never);
    return content.trim() === '' ? 'a text without text' : 'text';
  } catch (error) {
    return error instanceof SourceError ? error.reason : String(error);
  }
}

describe('files from the wild', () => {
  for (const corpus of CORPORA) {
    const path = corpusOrNull(`${corpus}/${corpus}.tar.gz`);
    it.skipIf(path === null)(
      `of ${corpus} each end with their text or a reason that lies in the file`,
      async () => {
        const files = [...readTarball(path!)].filter(([name]) => /\.(?:pdf|docx)$/.test(name));
        const outcomes = await Promise.all(
          files.map(async ([name, bytes]) => ({ name, outcome: await outcomeOf(name, bytes) })),
        );
        const expected = new Set(['text', 'empty', 'encrypted', 'malformed_file']);
        expect(outcomes.filter(({ outcome }) => !expected.has(outcome))).toEqual([]);
        const texts = outcomes.filter(({ outcome }) => outcome === 'text').length;
        expect(texts).toBeGreaterThan(files.length / 2);
      },
      CORPUS_TIMEOUT_MS,
    );
  }
});
