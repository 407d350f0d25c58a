import { v7, validate } from 'uuid';

/** A new UUIDv7 (RFC 9562): rising with time, so that rows made later sort later. Never a secret. */
export function newId(): string {
  return v7();
}

export function isId(text: string): boolean {
  return validate(text);
}
