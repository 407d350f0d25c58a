import { describe, expect, it } from 'vitest';

import { readEventData } from './server-sent-events.js';

async function read(...pieces: (string | Uint8Array)[]): Promise<string[]> {
  async function* bytes() {
    for (const piece of pieces) yield typeof piece === 'string' ? Buffer.from(piece) : piece;
  }
  const data: string[] = [];
  for await (const event of readEventData(bytes())) data.push(event);
  return data;
}

describe('an event stream', () => {
  it.each(['\n', '\r\n', '\r'])('may end its lines with %j', async (end) => {
    expect(await read(['data: a', 'data: b', '', 'data: c', '', ''].join(end))).toEqual(['a\nb', 'c']);
  });

  it('is the same wherever its bytes are cut', async () => {
    const bytes = Buffer.from('\uFEFFdata: Größe 🌍\r\n\r\n: ping\r\n\r\ndata:two\r\ndata:\r\n\r\n');
    for (let cut = 0; cut <= bytes.length; cut += 1) {
      expect(await read(bytes.subarray(0, cut), bytes.subarray(cut))).toEqual(['Größe 🌍', 'two\n']);
    }
  });

  it('loses one space after the colon and no more', async () => {
    expect(await read('data:  a \n\n')).toEqual([' a ']);
  });

  it('passes over names, ids, comments and events without data', async () => {
    expect(await read('event: x\nid: 1\n: c\ndatas: no\n\ndata: a\nretry: 5\n\n')).toEqual(['a']);
  });

  it('drops an event that its end cuts off', async () => {
    expect(await read('data: a\n\ndata: b\n')).toEqual(['a']);
    expect(await read('data: a\n\ndata: b')).toEqual(['a']);
  });

  it.each([
    ['one line', 'x'],
    ['many lines', 'data: 67890\n'],
  ])('may not send an event of over a mebibyte in %s', async (_name, part) => {
    const piece = part.repeat(Math.ceil(70_000 / part.length));
    const pieces = Array.from({ length: 40 }, () => piece);
    await expect(read('data: ', ...pieces)).rejects.toMatchObject({ name: 'ModelError', kind: 'bad_reply' });
  });
});
