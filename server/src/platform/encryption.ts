import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto';

const ALGORITHM = 'aes-256-gcm';
const VERSION = 1;
const KEY_ID_BYTES = 4;
const HEAD_BYTES = 1 + KEY_ID_BYTES;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** AES-256-GCM: version (1 byte), id of the key (4 bytes), nonce (12 bytes), tag (16 bytes), ciphertext. */
export function encrypt(key: Buffer, plaintext: string): Buffer {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv(ALGORITHM, key, nonce);
  cipher.setAAD(headOf(key));
  const ciphertext = Buffer.concat([cipher.update(plaintext, 'utf8'), cipher.final()]);
  return Buffer.concat([headOf(key), nonce, cipher.getAuthTag(), ciphertext]);
}

/**
 * Opens with the key that the bytes name. What was sealed before keys had ids begins with its nonce, and opens with
 * whichever key fits.
 * @param keys all that are known, the newest first
 * @throws Error when the bytes were changed or made with another key
 */
export function decrypt(keys: readonly Buffer[], sealed: Uint8Array): string {
  const bytes = Buffer.from(sealed);
  const named = keys.find((key) => headOf(key).equals(bytes.subarray(0, HEAD_BYTES)));
  const attempts = [
    ...(named === undefined ? [] : [() => open(named, bytes.subarray(HEAD_BYTES), headOf(named))]),
    ...keys.map((key) => () => open(key, bytes, Buffer.alloc(0))),
  ];
  for (const attempt of attempts) {
    const plaintext = attempt();
    if (plaintext !== null) return plaintext;
  }
  throw new Error(
    'what was encrypted was changed, or ENCRYPTION_KEY and ENCRYPTION_KEYS_PREVIOUS lack its key',
  );
}

function headOf(key: Buffer): Buffer {
  const id = createHash('sha256').update(key).digest().subarray(0, KEY_ID_BYTES);
  return Buffer.concat([Buffer.of(VERSION), id]);
}

function open(key: Buffer, bytes: Buffer, head: Buffer): string | null {
  // A shorter tag would be accepted, and guessed more easily.
  if (bytes.length < NONCE_BYTES + TAG_BYTES) return null;
  const decipher = createDecipheriv(ALGORITHM, key, bytes.subarray(0, NONCE_BYTES), {
    authTagLength: TAG_BYTES,
  });
  decipher.setAAD(head);
  decipher.setAuthTag(bytes.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES));
  try {
    const ciphertext = bytes.subarray(NONCE_BYTES + TAG_BYTES);
    return Buffer.concat([decipher.update(ciphertext), decipher.final()]).toString('utf8');
  } catch {
    return null;
  }
}
