import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';

import { describe, expect, it, vi } from 'vitest';

import { SourceError } from '#kernel/source-error.js';

import { createDocumentExtractor, type DocumentExtractorOptions } from './document-extractor.js';

const MEBIBYTE = 1024 * 1024;
const FROM_SOURCE = ['--import', 'tsx', '--conditions=botbase-source'];
const never = new AbortController().signal;

function fixture(name: string): URL {
  return new URL(`../../../test/fixtures/extraction-${name}.mjs`, import.meta.url);
}

function createExtractor(overrides: Partial<DocumentExtractorOptions> = {}) {
  const extractor = createDocumentExtractor({
    entry: fixture('scripted'),
    execArgv: [],
    timeoutMs: 20_000,
    maxResidentBytes: 512 * MEBIBYTE,
    maxInputBytes: MEBIBYTE,
    maxOutputCharacters: MEBIBYTE,
    concurrency: 1,
    ...overrides,
  });
  /** @returns the content: the id of the process that read, unless `act` says otherwise */
  const read = async (
    owner: string | undefined,
    act: string,
    { body = Readable.from(['x']), signal = never } = {},
  ) => {
    const input = { body, kind: 'file' as const, fileName: act, mediaType: null };
    const { content } = await extractor.extract(owner === undefined ? input : { ...input, owner }, signal);
    return content;
  };
  return { read, extractor };
}

async function reasonOf(outcome: Promise<unknown>): Promise<string> {
  const error = await outcome.then(
    () => null,
    (failure: unknown) => failure,
  );
  if (!(error instanceof SourceError)) throw new Error('not a SourceError', { cause: error });
  return error.reason;
}

function isRunning(processId: string): boolean {
  try {
    return process.kill(Number(processId), 0);
  } catch {
    return false;
  }
}

describe('a process that reads several inputs', () => {
  it('reads one input of its owner after another, and each whole', async () => {
    const { read } = createExtractor();
    const first = await read('a', 'reads');
    const body = Readable.from([Buffer.from('half'), Buffer.alloc(0), Buffer.from(' and half\n')]);
    const told = JSON.parse(await read('a', 'says what it was told', { body })) as unknown;
    expect(told).toEqual({
      id: 2,
      kind: 'file',
      fileName: 'says what it was told',
      mediaType: null,
      maxOutputCharacters: MEBIBYTE,
      body: 'half and half\n',
    });
    expect(await read('a', 'reads')).toBe(first);
  });

  it('never serves two owners, nor an input without one', async () => {
    const { read } = createExtractor({ warm: { idleMs: 3_600_000 }, concurrency: 2 });
    const processIds = [await read('a', 'reads'), await read('b', 'reads'), await read(undefined, 'reads')];
    processIds.push(await read(undefined, 'reads'));
    expect(new Set(processIds).size).toBe(4);
    expect([await read('a', 'reads'), await read('b', 'reads')]).toEqual(processIds.slice(0, 2));
  });

  it('makes place for another owner', async () => {
    const { read } = createExtractor();
    const first = await read('a', 'reads');
    await read('b', 'reads');
    await vi.waitFor(() => expect(isRunning(first)).toBe(false));
    expect(await read('a', 'reads')).not.toBe(first);
  });

  it('goes on after an input that it could not read', async () => {
    const { read } = createExtractor();
    const first = await read('a', 'reads');
    expect(await reasonOf(read('a', 'refuses'))).toBe('malformed_file');
    expect(await read('a', 'reads')).toBe(first);
  });

  it.each([
    ['after so many inputs', { maxInputs: 2 }, 'reads'],
    ['when it holds too much memory', { maxKeptBytes: 120 * MEBIBYTE }, 'takes 100 MB'],
  ])('is replaced %s', async (_when, warm, act) => {
    const { read } = createExtractor({ warm });
    const first = await read('a', 'reads');
    expect(await read('a', act)).toBe(first);
    expect(isRunning(first)).toBe(false);
    expect(await read('a', 'reads')).not.toBe(first);
  });

  it('ends when nothing comes for it', async () => {
    const { read } = createExtractor({ warm: { idleMs: 1 } });
    const first = await read('a', 'reads');
    await vi.waitFor(() => expect(isRunning(first)).toBe(false));
  });

  it('holds up the end of the program no more than it outlives it', async () => {
    const program: ChildProcess = spawn(
      process.execPath,
      [...FROM_SOURCE, fileURLToPath(fixture('idle-parent'))],
      { stdio: ['ignore', 'pipe', 'inherit'], cwd: fileURLToPath(new URL('.', import.meta.url)) },
    );
    const [processId] = await Promise.all([text(program.stdout!), once(program, 'exit')]);
    expect(program.exitCode).toBe(0);
    expect(Number(processId)).toBeGreaterThan(0);
    await vi.waitFor(() => expect(isRunning(processId)).toBe(false), { timeout: 5_000 });
  });
});

describe('a process that fails', () => {
  it.each([
    ['crashes', 'parser_crashed', {}],
    ['loops', 'timeout', { timeoutMs: 3_000 }],
    ['answers the wrong input', 'parser_crashed', {}],
    ['answers with nothing but noise', 'parser_crashed', {}],
  ])('fails only the input that it was reading: "%s"', async (act, reason, overrides) => {
    const { read } = createExtractor(overrides);
    const first = await read('a', 'reads');
    const [failed, next] = await Promise.all([reasonOf(read('a', act)), read('a', 'reads')]);
    expect(failed).toBe(reason);
    expect(isRunning(first)).toBe(false);
    expect(next).not.toBe(first);
  });

  it.each([
    'answers twice',
    'answers the next one too',
    'dies after its answer',
    'dies at the next header',
    'loops at the next header',
  ])('does not fail the input that follows: "%s"', async (act) => {
    const { read } = createExtractor({ warm: { beginWithinMs: 200 } });
    const first = await read('a', act);
    const body = Readable.from(['the next one']);
    const told = JSON.parse(await read('a', 'says what it was told', { body })) as unknown;
    expect(told).toMatchObject({ id: 1, body: 'the next one' });
    await vi.waitFor(() => expect(isRunning(first)).toBe(false));
  });

  it('gets no second input when it answered before the end of the first', async () => {
    const { read } = createExtractor();
    const endless = new Readable({ read: () => undefined });
    const first = await read('a', 'answers before the end', { body: endless });
    expect(endless.destroyed).toBe(true);
    expect(await read('a', 'reads')).not.toBe(first);
  });

  it('is told from one that never takes its first input', async () => {
    const { read } = createExtractor({ timeoutMs: 500, warm: { beginWithinMs: 1 } });
    expect(await reasonOf(read('a', 'never takes it'))).toBe('timeout');
  });

  it('is replaced when its input is cancelled or cannot be read, and its owner goes on', async () => {
    const { read } = createExtractor();
    const first = await read('a', 'reads');
    const controller = new AbortController();
    const cancelled = new Readable({ read: () => controller.abort(new Error('cancelled')) });
    const outcome = read('a', 'reads', { body: cancelled, signal: controller.signal });
    await expect(outcome).rejects.toThrow('cancelled');
    expect(isRunning(first)).toBe(false);
    const broken = new Readable({ read: () => broken.destroy(new Error('the disk is gone')) });
    await expect(read('a', 'reads', { body: broken })).rejects.toThrow('the disk is gone');
    expect(await read('a', 'reads')).not.toBe(first);
  });
});

describe('inputs that wait', () => {
  async function orderOf(inputs: [name: string, outcome: Promise<unknown>][]): Promise<string[]> {
    const order: string[] = [];
    const note = (name: string) => () => void order.push(name);
    await Promise.all(inputs.map(([name, outcome]) => outcome.then(note(name), note(name))));
    return order;
  }

  it('are taken from one owner after another, and in order from each', async () => {
    const { read } = createExtractor();
    const order = await orderOf([
      ['a1', read('a', 'reads')],
      ['a2', read('a', 'reads')],
      ['a3', read('a', 'reads')],
      ['b1', read('b', 'reads')],
      ['b2', read('b', 'reads')],
      ['none', read(undefined, 'reads')],
    ]);
    expect(order).toEqual(['a1', 'a2', 'b1', 'none', 'a3', 'b2']);
  });

  it('do not wait for the end of another owner whose processes keep crashing', async () => {
    const { read } = createExtractor();
    const crashes = Array.from({ length: 5 }, (_, index): [string, Promise<unknown>] => [
      `a${index}`,
      read('a', 'crashes'),
    ]);
    const order = await orderOf([...crashes, ['b', read('b', 'reads')]]);
    expect(order.slice(0, 3)).toEqual(['a0', 'a1', 'b']);
  });

  it('leave without a trace when they are cancelled', async () => {
    const { read } = createExtractor();
    const controller = new AbortController();
    const first = read('a', 'reads');
    const body = Readable.from(['x']);
    const gone = read('b', 'reads', { body, signal: controller.signal });
    const last = read('b', 'reads');
    controller.abort(new Error('gone'));
    await expect(gone).rejects.toThrow('gone');
    expect(body.destroyed).toBe(true);
    expect(await first).not.toBe(await last);
  });
});

describe('the facts of a page', () => {
  const facts = {
    links: ['https://a.example/b'],
    canonical: null,
    alternates: [{ language: 'de', url: 'https://a.example/de' }],
    refresh: null,
    isNoindex: true,
    isNofollow: false,
    hiddenCharacters: 3,
    blocks: ['0a1b'],
  };
  const read = (told: unknown) => {
    const body = Readable.from([JSON.stringify(told)]);
    const page = { url: 'https://a.example/', boilerplate: [] };
    const input = { body, kind: 'page' as const, page, fileName: 'page', mediaType: 'text/html' };
    return createExtractor().extractor.extract(input, never);
  };

  it('come with the document, which may be empty then', async () => {
    expect(await read(facts)).toMatchObject({ content: '', page: facts });
  });

  it.each([
    ['no facts', null],
    ['an address that no crawler goes to', { ...facts, links: ['file:///etc/passwd'] }],
    ['more links than a page has', { ...facts, links: Array.from({ length: 10_001 }, () => 'https://a.b/') }],
    ['a hash that is none', { ...facts, blocks: ['x'.repeat(65)] }],
  ])('are checked: %s', async (_what, told) => {
    expect(await reasonOf(read(told))).toBe('parser_crashed');
  });
});
