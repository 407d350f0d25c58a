import { describe, expect, it } from 'vitest';
import { maskEmail, maskSecrets, networkOf } from './mask-changes.js';

describe('what the audit log must not hold', () => {
  it('secrets are masked, however deep', () => {
    const since = new Date(0);
    expect(
      maskSecrets({
        name: 'N',
        passwordHash: 'h',
        nested: [{ refreshToken: 't', apiKeyId: 'id', since }],
        signingSecret: { before: 'a', after: 'b' },
      }),
    ).toEqual({
      name: 'N',
      passwordHash: '***',
      nested: [{ refreshToken: '***', apiKeyId: 'id', since }],
      signingSecret: '***',
    });
  });

  it.each([
    ['ada@example.com', 'a***@example.com'],
    ['"a@b"@example.com', '"***@example.com'],
    ['@example.com', '***'],
    ['nobody', '***'],
  ])('the address %s is %s', (email, masked) => {
    expect(maskEmail(email)).toBe(masked);
  });

  it.each([
    ['203.0.113.77', '203.0.113.0'],
    ['::ffff:203.0.113.77', '203.0.113.0'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1::'],
    ['2001:db8::6', '2001:db8:0::'],
    ['::1', '0:0:0::'],
    ['fe80::1%eth0', 'fe80:0:0::'],
    ['somewhere', null],
  ])('the visitor at %s came from %s', (address, network) => {
    expect(networkOf(address)).toBe(network);
  });
});
