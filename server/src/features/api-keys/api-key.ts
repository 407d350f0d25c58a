import { randomBytes } from 'node:crypto';
import { sha256Hex } from '#kernel/hash.js';

/** Tells people, and scanners of repositories, what they have found. */
const LABEL = 'bb_sk_';
const SECRET_BYTES = 32;
const PREFIX_LENGTH = 12;
const API_KEY = /^bb_sk_[A-Za-z0-9_-]{43}$/;

export interface GeneratedApiKey {
  /** Shown once, and kept nowhere. */
  key: string;
  keyHash: string;
  /** Its first characters, to know it again by. */
  prefix: string;
}

export function generateApiKey(): GeneratedApiKey {
  const key = LABEL + randomBytes(SECRET_BYTES).toString('base64url');
  return { key, keyHash: hashApiKey(key), prefix: key.slice(0, PREFIX_LENGTH) };
}

/** Whether a token is meant to be an API key, well formed or not. */
export function isLabelledApiKey(token: string): boolean {
  return token.startsWith(LABEL);
}

export function isApiKey(token: string): boolean {
  return API_KEY.test(token);
}

/**
 * What is stored of a key, and what it is looked up by. A fast hash is enough for 256 random bits, and the look-up need
 * not take constant time: its time depends on the hash, which nobody can choose without trying keys.
 */
export function hashApiKey(key: string): string {
  return sha256Hex(key);
}
