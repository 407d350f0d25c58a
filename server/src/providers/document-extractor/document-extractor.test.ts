import { Readable } from 'node:stream';

import { describe, expect, it } from 'vitest';

import { SourceError } from '#kernel/source-error.js';

import { createDocumentExtractor, type DocumentExtractorOptions } from './document-extractor.js';

const MEBIBYTE = 1024 * 1024;

function createExtractor(fixture: string, overrides: Partial<DocumentExtractorOptions> = {}) {
  return createDocumentExtractor({
    entry: new URL(`../../../test/fixtures/extraction-${fixture}.mjs`, import.meta.url),
    execArgv: [],
    timeoutMs: 20_000,
    maxResidentBytes: 512 * MEBIBYTE,
    maxInputBytes: MEBIBYTE,
    maxOutputCharacters: MEBIBYTE,
    concurrency: 2,
    ...overrides,
  });
}

function inputOf(body: Readable) {
  return { body, kind: 'file' as const, fileName: 'a\u0000"b".pdf', mediaType: 'application/pdf' };
}

async function reasonOf(outcome: Promise<unknown>): Promise<string> {
  const error = await outcome.then(
    () => null,
    (failure: unknown) => failure,
  );
  if (!(error instanceof SourceError)) throw new Error('not a SourceError', { cause: error });
  return error.reason;
}

const never = new AbortController().signal;

describe('createDocumentExtractor', () => {
  it('streams header and file to the process, ignores its noise and gives it no environment', async () => {
    const body = Readable.from([Buffer.alloc(300_000), Buffer.alloc(200_000)]);
    const document = await createExtractor('echo').extract(inputOf(body), never);
    expect(document.content).toBe('500000 bytes of a\u0000"b".pdf as application/pdf; env 0');
    expect(body.destroyed).toBe(true);
  });

  it.each([
    ['loop', { timeoutMs: 300 }, 'timeout'],
    ['memory-hog', { maxResidentBytes: 200 * MEBIBYTE }, 'parser_out_of_memory'],
    ['heap-hog', { maxResidentBytes: 400 * MEBIBYTE }, 'parser_out_of_memory'],
    ['crash', {}, 'parser_crashed'],
    ['wrong-reply', {}, 'parser_crashed'],
    ['flood', {}, 'too_large'],
  ])(
    'ends a process of the kind "%s" while another one beside it succeeds',
    async (fixture, overrides, reason) => {
      const body = () => Readable.from([Buffer.alloc(100_000)]);
      const [failed, succeeded] = await Promise.all([
        reasonOf(createExtractor(fixture, overrides).extract(inputOf(body()), never)),
        createExtractor('echo').extract(inputOf(body()), never),
      ]);
      expect(failed).toBe(reason);
      expect(succeeded.content).toContain('100000 bytes');
    },
  );

  it('refuses a file over the limit without reading it to its end', async () => {
    let sentBytes = 0;
    const endless = Readable.from(
      (function* () {
        for (;;) {
          sentBytes += 65_536;
          yield Buffer.alloc(65_536);
        }
      })(),
    );
    expect(await reasonOf(createExtractor('echo').extract(inputOf(endless), never))).toBe('too_large');
    expect(sentBytes).toBeLessThan(4 * MEBIBYTE);
  });

  it('holds back a file that the process does not read', async () => {
    let sentBytes = 0;
    const endless = Readable.from(
      (function* () {
        for (;;) {
          sentBytes += 65_536;
          yield Buffer.alloc(65_536);
        }
      })(),
    );
    const extractor = createExtractor('loop', { timeoutMs: 300, maxInputBytes: 1_000 * MEBIBYTE });
    expect(await reasonOf(extractor.extract(inputOf(endless), never))).toBe('timeout');
    expect(sentBytes).toBeLessThan(4 * MEBIBYTE);
  });

  it('ends the process and gives the reason of the signal when that fires', async () => {
    const controller = new AbortController();
    const body = new Readable({ read: () => controller.abort(new Error('the job was cancelled')) });
    const outcome = createExtractor('loop').extract(inputOf(body), controller.signal);
    await expect(outcome).rejects.toThrow('the job was cancelled');
    expect(body.destroyed).toBe(true);
  });

  it('lets a waiting file leave the queue when its signal fires', async () => {
    const extractor = createExtractor('loop', { timeoutMs: 1_000, concurrency: 1 });
    const controller = new AbortController();
    const running = reasonOf(extractor.extract(inputOf(Readable.from(['x'])), never));
    const waiting = extractor.extract(inputOf(Readable.from(['x'])), controller.signal);
    controller.abort(new Error('gone'));
    const first = await Promise.race([waiting.catch(() => 'waiting'), running]);
    expect(first).toBe('waiting');
    expect(await running).toBe('timeout');
  });

  it('passes on the error of a body that cannot be read, even one that failed while it waited', async () => {
    const extractor = createExtractor('echo', { concurrency: 1 });
    const first = extractor.extract(inputOf(Readable.from([Buffer.alloc(10)])), never);
    const broken = new Readable({ read: () => undefined });
    const second = extractor.extract(inputOf(broken), never);
    broken.destroy(new Error('the disk is gone'));
    await expect(second).rejects.toThrow('the disk is gone');
    expect((await first).content).toContain('10 bytes');
  });
});
