import { Readable } from 'node:stream';

import { describe, expect, it } from 'vitest';

import { readInputs } from './read-inputs.js';

function input(fileName: string, ...pieces: string[]): Buffer {
  const frames = [...pieces, ''].flatMap((piece) => {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(Buffer.byteLength(piece));
    return [length, Buffer.from(piece)];
  });
  return Buffer.concat([Buffer.from(`${JSON.stringify({ fileName })}\n`), ...frames]);
}

async function readAll(bytes: Buffer, size: number): Promise<[string | null, string][]> {
  const chunks = Array.from({ length: Math.ceil(bytes.byteLength / size) }, (_, index) =>
    bytes.subarray(index * size, (index + 1) * size),
  );
  const read: [string | null, string][] = [];
  for await (const { header, readBody } of readInputs(Readable.from(chunks))) {
    read.push([header.fileName, (await readBody()).toString()]);
  }
  return read;
}

describe('readInputs', () => {
  const bytes = Buffer.concat([input('a\n.md', 'one\n', 'two'), input('b'), input('c', 'ü'.repeat(40))]);

  it.each([1, 4, 7, 1_000])('tells inputs apart that arrive in pieces of %i bytes', async (size) => {
    expect(await readAll(bytes, size)).toEqual([
      ['a\n.md', 'one\ntwo'],
      ['b', ''],
      ['c', 'ü'.repeat(40)],
    ]);
  });

  it.each([5, 20, bytes.byteLength - 1])('does not take %i bytes for whole inputs', async (length) => {
    await expect(readAll(bytes.subarray(0, length), 16)).rejects.toThrow('the parent ended');
  });
});
