import { isIPv6 } from 'node:net';

const MASK = '***';
/** Fields whose value lets somebody in. No caller should hand one over; this is for the one that does. */
const SECRET_FIELD =
  /^(.*password(hash)?|secret|.*secret|token|.*token|tokenHash|key|keyHash|apiKey|authorization)$/i;
const KEPT_PARTS = { v4: 3, v6: 3 };

/** The same value with a mask in place of each secret, however deep. */
export function maskSecrets(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(maskSecrets);
  if (typeof value !== 'object' || value === null || value instanceof Date) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, item]) => [name, SECRET_FIELD.test(name) ? MASK : maskSecrets(item)]),
  );
}

/** `ada@example.com` as `a***@example.com`: enough to know one's own, too little to write to. */
export function maskEmail(email: string): string {
  const at = email.lastIndexOf('@');
  return at < 1 ? MASK : `${email.slice(0, 1)}${MASK}${email.slice(at)}`;
}

/** The network of an address, which is nobody's alone: /24 of IPv4, /48 of IPv6; null for what is no address. */
export function networkOf(address: string): string | null {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  const [plain = ''] = (mapped ?? address).split('%');
  if (/^\d+\.\d+\.\d+\.\d+$/.test(plain)) {
    return `${plain.split('.').slice(0, KEPT_PARTS.v4).join('.')}.0`;
  }
  if (!isIPv6(plain)) return null;
  const [head = '', tail] = plain.split('::');
  const before = head === '' ? [] : head.split(':');
  const after = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = tail === undefined ? 0 : 8 - before.length - after.length;
  const parts = [...before, ...Array<string>(Math.max(0, zeros)).fill('0'), ...after];
  return `${parts.slice(0, KEPT_PARTS.v6).join(':')}::`;
}
