import { CHUNK_ID_BYTES, chunkIdAt } from './chunk-ids.js';

const NUMBER_BYTES = 4;

export interface PackedList {
  documentFrequency: number;
  data: Uint8Array;
}

/** Posting lists by segment and term, out of what `findPostingsOrNull` gives. */
export function unpackPostings(packed: Uint8Array): Map<string, Map<string, PackedList>> {
  const bytes = Buffer.from(packed.buffer, packed.byteOffset, packed.byteLength);
  const bySegment = new Map<string, Map<string, PackedList>>();
  // Few segments have many lists each: their ids are made into text once.
  const bySegmentBytes = new Map<string, Map<string, PackedList>>();
  for (let at = 0; at < bytes.length;) {
    const idBytes = bytes.toString('latin1', at, at + CHUNK_ID_BYTES);
    let lists = bySegmentBytes.get(idBytes);
    if (lists === undefined) {
      lists = new Map();
      bySegmentBytes.set(idBytes, lists);
      bySegment.set(chunkIdAt(bytes.subarray(at), 0), lists);
    }
    at += CHUNK_ID_BYTES;
    const documentFrequency = bytes.readInt32BE(at);
    const termStart = at + 3 * NUMBER_BYTES;
    const termEnd = termStart + bytes.readInt32BE(at + NUMBER_BYTES);
    const end = termEnd + bytes.readInt32BE(at + 2 * NUMBER_BYTES);
    lists.set(bytes.toString('utf8', termStart, termEnd), {
      documentFrequency,
      data: bytes.subarray(termEnd, end),
    });
    at = end;
  }
  return bySegment;
}
