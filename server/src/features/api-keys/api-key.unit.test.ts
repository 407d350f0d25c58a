import { describe, expect, it } from 'vitest';
import { generateApiKey, isApiKey, isLabelledApiKey } from './api-key.js';

const KEYS = 10_000;
const LABEL = 'bb_sk_';

describe('ten thousand API keys', () => {
  const keys = Array.from({ length: KEYS }, generateApiKey);
  const secrets = keys.map(({ key }) => Buffer.from(key.slice(LABEL.length), 'base64url'));

  it('are 256 bits behind a label, each its own', () => {
    for (const { key } of keys) expect(key).toMatch(/^bb_sk_[A-Za-z0-9_-]{43}$/);
    expect(secrets.every(({ length }) => length === 32)).toBe(true);
    expect(new Set(keys.map(({ key }) => key)).size).toBe(KEYS);
    expect(new Set(keys.map(({ keyHash }) => keyHash)).size).toBe(KEYS);
  });

  it('share no beginning beyond the label, and do not rise with time', () => {
    const beginnings = new Set(secrets.map((secret) => secret.readUInt32BE(0)));
    // 10,000 of 2^32 values: a birthday or two at most.
    expect(beginnings.size).toBeGreaterThan(KEYS - 5);
    const rising = keys.filter(({ key }, index) => index > 0 && key > (keys[index - 1]?.key ?? '')).length;
    expect(rising / KEYS).toBeGreaterThan(0.47);
    expect(rising / KEYS).toBeLessThan(0.53);
  });

  it('have each of their bits set in half of them', () => {
    const shares = Array.from({ length: 256 }, (_, bit) => {
      const set = secrets.filter((secret) => ((secret[bit >> 3] ?? 0) >> (bit & 7)) & 1).length;
      return set / KEYS;
    });
    // Six standard deviations.
    expect(shares.filter((share) => Math.abs(share - 0.5) > 0.03)).toEqual([]);
  });

  it('are known by their first twelve characters, and not by their hash', () => {
    for (const { key, prefix, keyHash } of keys.slice(0, 100)) {
      expect(prefix).toBe(key.slice(0, 12));
      expect(keyHash).toMatch(/^[0-9a-f]{64}$/);
    }
  });
});

describe('what is no API key', () => {
  const { key } = generateApiKey();

  it.each([
    ['too short', key.slice(0, -1)],
    ['too long', `${key}A`],
    ['the label alone', LABEL],
    ['other characters', `${key.slice(0, -1)}=`],
    ['an end of line', `${key}\n`],
  ])('is told by its form: %s', (_what, token) => {
    expect([isLabelledApiKey(token), isApiKey(token)]).toEqual([true, false]);
  });

  it('is told by its label', () => {
    expect(isLabelledApiKey(`BB_SK_${key.slice(LABEL.length)}`)).toBe(false);
    expect(isApiKey(key)).toBe(true);
  });
});
