import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';

import { describe, expect, it } from 'vitest';

import { createDocumentExtractor } from '#providers/document-extractor/document-extractor.js';
import { builtEntry } from '#test/built-entry.js';

const FROM_SOURCE = ['--import', 'tsx', '--conditions=botbase-source'];
const never = new AbortController().signal;

function createExtractor(maxOutputCharacters = 1_000_000) {
  return createDocumentExtractor({
    ...builtEntry('app/extraction-process'),
    timeoutMs: 50_000,
    maxResidentBytes: 1_024 * 1024 * 1024,
    maxInputBytes: 10_000_000,
    maxOutputCharacters,
    concurrency: 2,
  });
}

function inputOf(text: string | Buffer, fileName: string) {
  return { body: Readable.from([Buffer.from(text)]), kind: 'file' as const, fileName, mediaType: null };
}

describe('the extraction process', () => {
  it('answers with the document that it read', async () => {
    const input = inputOf('---\ntitle: x\n---\n# Refunds\n\nWithin **30** days.', 'refunds.md');
    await expect(createExtractor().extract(input, never)).resolves.toEqual({
      title: 'Refunds',
      content: '# Refunds\n\nWithin **30** days.',
      format: 'markdown',
      pages: [],
      language: 'en',
      chunks: [{ start: 0, end: 30, page: null, headings: ['Refunds'], tokenCount: 10 }],
      page: null,
    });
  });

  it('takes a typed text to the letter, whatever it looks like', async () => {
    const text = '<html><p>A page about HTML.</p></html>';
    const input = { ...inputOf(text, ''), kind: 'text' as const };
    await expect(createExtractor().extract(input, never)).resolves.toMatchObject({
      title: null,
      content: text,
    });
  });

  it('answers with the reason why a file cannot be read', async () => {
    const outcome = createExtractor().extract(inputOf('no PDF at all', 'a.pdf'), never);
    await expect(outcome).rejects.toMatchObject({ reason: 'malformed_file', retryable: false });
  });

  it('refuses more text than it may answer with', async () => {
    const outcome = createExtractor(5).extract(inputOf('six letters', 'a.txt'), never);
    await expect(outcome).rejects.toMatchObject({ reason: 'too_large' });
  });

  it('ends with its parent even while a parser holds it in a loop', async () => {
    const fixture = (name: string) => fileURLToPath(new URL(`../../test/fixtures/${name}`, import.meta.url));
    const parent: ChildProcess = spawn(
      process.execPath,
      [fixture('extraction-parent.mjs'), ...FROM_SOURCE, fixture('extraction-orphan.mjs')],
      { stdio: ['ignore', 'ignore', 'pipe'] },
    );
    await once(parent.stderr!, 'data');
    parent.kill('SIGKILL');
    // The orphan holds the other end of this pipe for as long as it lives.
    await once(parent.stderr!.resume(), 'close');
    expect(parent.signalCode).toBe('SIGKILL');
  });
});
