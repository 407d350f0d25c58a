import { createCipheriv, randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { decrypt, encrypt } from './encryption.js';

const OLD = randomBytes(32);
const NEW = randomBytes(32);
const TEXT = 'the secret, and ünïcödé 🙂';

/** As it was before keys had ids. */
function sealWithoutKeyId(key: Buffer, plaintext: string, nonce = randomBytes(12)): Buffer {
  const cipher = createCipheriv('aes-256-gcm', key, nonce);
  const ciphertext = Buffer.concat([cipher.update(plaintext, 'utf8'), cipher.final()]);
  return Buffer.concat([nonce, cipher.getAuthTag(), ciphertext]);
}

describe('encrypt and decrypt', () => {
  it('give back what was sealed, under another text each time', () => {
    expect(decrypt([NEW], encrypt(NEW, TEXT))).toBe(TEXT);
    expect(decrypt([NEW], encrypt(NEW, ''))).toBe('');
    expect(encrypt(NEW, TEXT)).not.toEqual(encrypt(NEW, TEXT));
    expect(encrypt(NEW, TEXT).includes('secret')).toBe(false);
  });

  it('open what an older key sealed, as long as it is known', () => {
    const sealed = encrypt(OLD, TEXT);
    expect(decrypt([NEW, OLD], sealed)).toBe(TEXT);
    expect(() => decrypt([NEW], sealed)).toThrow('lack its key');
    expect(() => decrypt([], sealed)).toThrow('lack its key');
  });

  it('open what was sealed before keys had ids, even where it begins like one', () => {
    expect(decrypt([NEW, OLD], sealWithoutKeyId(OLD, TEXT))).toBe(TEXT);
    const head = encrypt(NEW, '').subarray(0, 5);
    const lookalike = sealWithoutKeyId(NEW, TEXT, Buffer.concat([head, randomBytes(7)]));
    expect(decrypt([NEW], lookalike)).toBe(TEXT);
    expect(() => decrypt([NEW], sealWithoutKeyId(OLD, TEXT))).toThrow('lack its key');
  });

  it('open nothing that was changed in any byte, or cut', () => {
    const sealed = encrypt(NEW, TEXT);
    const opened = Array.from(sealed.keys()).flatMap((index) => {
      const changed = Buffer.from(sealed);
      changed[index] = (changed[index] ?? 0) ^ 1;
      return [changed, sealed.subarray(0, index)].filter((bytes) => opens(bytes));
    });
    expect(opened).toEqual([]);
  });
});

function opens(bytes: Buffer): boolean {
  try {
    decrypt([NEW, OLD], bytes);
    return true;
  } catch {
    return false;
  }
}
