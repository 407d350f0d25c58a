import { REPLY_HEAD_BYTES } from './extraction-protocol.js';

export interface ReplyFrameHandlers {
  /** Whether to read on: the length is known before the bytes are. */
  onHead: (head: { id: number; length: number }) => boolean;
  onFrame: (frame: { id: number; payload: Buffer }) => void;
}

/** Takes frames of the reply pipe apart. Once a head was refused, nothing more is read or kept. */
export function createReplyFrames({ onHead, onFrame }: ReplyFrameHandlers): (chunk: Buffer) => void {
  let isRefused = false;
  let head: { id: number; length: number } | null = null;
  let pending: Buffer[] = [];
  let pendingBytes = 0;

  const take = (length: number): Buffer => {
    const all = Buffer.concat(pending, pendingBytes);
    pending = all.byteLength > length ? [all.subarray(length)] : [];
    pendingBytes -= length;
    return all.subarray(0, length);
  };

  return (chunk) => {
    if (isRefused) return;
    pending.push(chunk);
    pendingBytes += chunk.byteLength;
    while (pendingBytes >= (head?.length ?? REPLY_HEAD_BYTES)) {
      if (head !== null) {
        const { id, length } = head;
        head = null;
        onFrame({ id, payload: take(length) });
        continue;
      }
      const bytes = take(REPLY_HEAD_BYTES);
      head = { id: bytes.readUInt32BE(0), length: bytes.readUInt32BE(REPLY_HEAD_BYTES / 2) };
      if (onHead(head)) continue;
      isRefused = true;
      pending = [];
      return;
    }
  };
}
