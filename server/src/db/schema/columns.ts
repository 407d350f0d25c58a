import { customType, timestamp, uuid } from 'drizzle-orm/pg-core';

/** UUIDv7 made by the program, so that a row's id is known before it is written. */
export const id = () => uuid('id').primaryKey();

export const createdAt = () => timestamp('created_at', { withTimezone: true }).notNull().defaultNow();

export const updatedAt = () =>
  timestamp('updated_at', { withTimezone: true })
    .notNull()
    .defaultNow()
    .$onUpdateFn(() => new Date());

export const instant = (name: string) => timestamp(name, { withTimezone: true });

export const bytes = customType<{ data: Uint8Array; driverData: Buffer }>({
  dataType: () => 'bytea',
  toDriver: (value) => Buffer.from(value.buffer, value.byteOffset, value.byteLength),
  fromDriver: (value) => value,
});

/** `text` compared by bytes: range scans over terms need no locale. */
export const byteOrderedText = customType<{ data: string }>({ dataType: () => 'text COLLATE "C"' });

/**
 * A pgvector value without a fixed dimension, so that several models live side by side.
 * Sent in pgvector's binary form (int16 dimensions, int16 0, float32 big-endian), which is several times faster
 * to insert than its text form.
 */
export const vector = customType<{ data: Float32Array; driverData: Buffer | string }>({
  dataType: () => 'vector',
  toDriver: (value) => encodeVector(value),
  fromDriver: (value) => decodeVector(value),
});

const HEADER_BYTES = 4;
const BYTES_PER_NUMBER = 4;
const IS_LITTLE_ENDIAN = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;

export function encodeVector(values: Float32Array): Buffer {
  const buffer = Buffer.allocUnsafe(HEADER_BYTES + BYTES_PER_NUMBER * values.length);
  buffer.writeInt16BE(values.length, 0);
  buffer.writeInt16BE(0, 2);
  buffer.set(new Uint8Array(values.buffer, values.byteOffset, values.byteLength), HEADER_BYTES);
  if (IS_LITTLE_ENDIAN) buffer.subarray(HEADER_BYTES).swap32();
  return buffer;
}

export function decodeVector(value: Buffer | string): Float32Array {
  if (typeof value === 'string') return Float32Array.from(JSON.parse(value) as number[]);
  const length = value.readInt16BE(0) * BYTES_PER_NUMBER;
  // A copy: numbers must lie at multiples of their size, and the driver's buffer is not ours to turn.
  const numbers = Buffer.from(new Uint8Array(value.subarray(HEADER_BYTES, HEADER_BYTES + length)).buffer);
  if (IS_LITTLE_ENDIAN) numbers.swap32();
  return new Float32Array(numbers.buffer, numbers.byteOffset, length / BYTES_PER_NUMBER);
}
