import { v7, validate } from 'uuid';

/** A new UUIDv7 (RFC 9562): rising with time, so that rows made later sort later. Never a secret. */
export function newId(): string {
  return v7();
}

/** The lowest id that is made at `time` or later: what is newer than a time is found by the index of the ids. */
export function firstIdAt(time: Date): string {
  const hex = time.getTime().toString(16).padStart(12, '0');
  return `${hex.slice(0, 8)}-${hex.slice(8)}-7000-8000-000000000000`;
}

export function isId(text: string): boolean {
  return validate(text);
}
