import { describe, expect, it } from 'vitest';

import { createReplyFrames } from './reply-frames.js';

function frame(id: number, text: string): Buffer {
  const head = Buffer.alloc(8);
  head.writeUInt32BE(id, 0);
  head.writeUInt32BE(Buffer.byteLength(text), 4);
  return Buffer.concat([head, Buffer.from(text)]);
}

function collect(maxLength = 1_000) {
  const frames: [number, string][] = [];
  const push = createReplyFrames({
    onHead: ({ length }) => length <= maxLength,
    onFrame: ({ id, payload }) => void frames.push([id, payload.toString()]),
  });
  return { frames, push };
}

describe('createReplyFrames', () => {
  it.each([1, 3, 8, 9, 1_000])('takes frames apart that arrive in pieces of %i bytes', (size) => {
    const bytes = Buffer.concat([frame(1, ''), frame(1, 'grüße'), frame(2, ''), frame(2, 'x'.repeat(50))]);
    const { frames, push } = collect();
    for (let start = 0; start < bytes.byteLength; start += size) push(bytes.subarray(start, start + size));
    expect(frames).toEqual([
      [1, ''],
      [1, 'grüße'],
      [2, ''],
      [2, 'x'.repeat(50)],
    ]);
  });

  it('reads nothing after a head that was refused', () => {
    const { frames, push } = collect(10);
    push(Buffer.concat([frame(1, 'short'), frame(1, 'longer than ten')]));
    push(frame(2, 'short'));
    expect(frames).toEqual([[1, 'short']]);
  });
});
