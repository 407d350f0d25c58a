import { z } from 'zod';
import { isKnownSecret } from './known-secrets.js';

const MIN_SECRET_BYTES = 32;

export const integer = (min: number, max: number) =>
  z
    .string()
    .regex(/^\d+$/, `must be a whole number from ${min} to ${max}`)
    .transform(Number)
    .refine((value) => value >= min && value <= max, `must be a whole number from ${min} to ${max}`);

export const boolean = z
  .enum(['true', 'false'], { error: 'must be true or false' })
  .transform((text) => text === 'true');

const SECONDS_PER_UNIT: Record<string, number> = { s: 1, m: 60, h: 3600, d: 86_400 };

/** `90s`, `15m`, `24h`, `7d` → seconds. */
export const duration = z
  .string()
  .regex(/^[1-9]\d{0,6}[smhd]$/, 'must be a duration such as 90s, 15m, 24h or 7d')
  .transform((text) => Number(text.slice(0, -1)) * (SECONDS_PER_UNIT[text.slice(-1)] ?? 1));

export const httpUrl = z
  .string()
  .refine(
    (text) => URL.canParse(text) && /^https?:$/.test(new URL(text).protocol),
    'must be an http or https URL',
  )
  .transform((text) => text.replace(/\/+$/, ''));

/** What is sent in a header. */
export const headerText = z
  .string()
  .transform((text) => text.trim())
  .refine((text) => /^[\x21-\x7e]+$/.test(text), 'must be letters, digits and signs without spaces');

export function isBareAddress(text: string): boolean {
  const { username, password, search, hash } = new URL(text);
  return `${username}${password}${search}${hash}` === '';
}

export const postgresUrl = z
  .string()
  .refine(
    (text) => URL.canParse(text) && /^postgres(ql)?:$/.test(new URL(text).protocol),
    'must be a URL such as postgres://user:password@host:5432/database',
  );

export const redisUrl = z
  .string()
  .refine(
    (text) => URL.canParse(text) && /^rediss?:$/.test(new URL(text).protocol),
    'must be a URL such as redis://user:password@host:6379',
  );

export const smtpUrl = z
  .string()
  .refine(
    (text) => URL.canParse(text) && /^smtps?:$/.test(new URL(text).protocol),
    'must be a URL such as smtp://user:password@host:587',
  );

/** `name@host`, or `Some Name <name@host>`. */
export const mailbox = z
  .string()
  .regex(
    /^([^\p{Cc}<>]*<)?[^\s<>@,;]+@[^\s<>@,;]+>?$/u,
    'must be an address such as botbase@example.com or Botbase <botbase@example.com>',
  );

export const websocketUrl = z
  .string()
  .refine(
    (text) => URL.canParse(text) && /^wss?:$/.test(new URL(text).protocol),
    'must be a URL such as ws://browser:9222/devtools/browser/…',
  );

const list = z.string().transform((text) =>
  text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== ''),
);

export const origins = list.refine(
  (values) => values.every((value) => URL.canParse(value) && new URL(value).origin === value),
  'must be origins such as https://app.example.com, separated by commas',
);

export const proxies = z
  .string()
  .regex(/^(\d{1,2}|[0-9a-fA-F:.]+(\/\d{1,3})?(\s*,\s*[0-9a-fA-F:.]+(\/\d{1,3})?)*)$/, {
    error: 'must be a number of hops, or addresses and CIDRs separated by commas',
  })
  .transform((text) => (/^\d{1,2}$/.test(text) ? Number(text) : text.split(',').map((part) => part.trim())));

export const secret = z
  .string()
  .refine((text) => Buffer.byteLength(text.trim()) >= MIN_SECRET_BYTES, 'must have at least 32 bytes')
  .refine((text) => new Set(text).size >= 8, 'is too regular to be a secret')
  .refine(
    (text) => !isKnownSecret(text) && !isKnownSecret(text.trim()),
    'is a publicly known secret: make one with `openssl rand -base64 48`',
  );

export const encryptionKey = z
  .string()
  .refine(
    (text) => /^[A-Za-z0-9+/]+=*$/.test(text) && Buffer.from(text, 'base64').length === 32,
    'must be 32 bytes in base64: make one with `openssl rand -base64 32`',
  )
  .transform((text) => Buffer.from(text, 'base64'));

export const encryptionKeys = z
  .string()
  .transform((text) => text.split(',').map((key) => key.trim()))
  .pipe(z.array(encryptionKey));
