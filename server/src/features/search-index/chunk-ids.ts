import { parse, stringify } from 'uuid';

export const CHUNK_ID_BYTES = 16;

/** Chunk ids by ordinal, 16 bytes each. */
export function encodeChunkIds(ids: string[]): Uint8Array {
  const bytes = new Uint8Array(ids.length * CHUNK_ID_BYTES);
  for (const [ordinal, id] of ids.entries()) bytes.set(parse(id), ordinal * CHUNK_ID_BYTES);
  return bytes;
}

export function chunkIdAt(bytes: Uint8Array, ordinal: number): string {
  return stringify(bytes, ordinal * CHUNK_ID_BYTES);
}
