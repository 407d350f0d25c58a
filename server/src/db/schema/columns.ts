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

export function encodeVector(values: Float32Array): Buffer {
  const buffer = Buffer.allocUnsafe(4 + 4 * values.length);
  buffer.writeInt16BE(values.length, 0);
  buffer.writeInt16BE(0, 2);
  values.forEach((value, index) => buffer.writeFloatBE(value, 4 + 4 * index));
  return buffer;
}

function decodeVector(value: Buffer | string): Float32Array {
  if (typeof value === 'string') return Float32Array.from(JSON.parse(value) as number[]);
  const dimensions = value.readInt16BE(0);
  return Float32Array.from({ length: dimensions }, (_, index) => value.readFloatBE(4 + 4 * index));
}
