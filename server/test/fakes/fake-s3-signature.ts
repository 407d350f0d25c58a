import { createHash, createHmac, timingSafeEqual } from 'node:crypto';

/** A request as it came in, before anything was decoded. */
export interface ReceivedRequest {
  method: string;
  /** Path and query as they stood in the request line. */
  url: string;
  headers: Readonly<Record<string, string | undefined>>;
  body: Uint8Array;
}

export interface SigningKey {
  region: string;
  accessKeyId: string;
  secretAccessKey: string;
}

export interface S3Refusal {
  status: number;
  code: string;
}

const AUTHORIZATION_PATTERN =
  /^AWS4-HMAC-SHA256 Credential=([^/,]+)\/(\d{8})\/([^/,]+)\/s3\/aws4_request, ?SignedHeaders=([a-z0-9;-]+), ?Signature=([0-9a-f]{64})$/;
const DATE_PATTERN = /^(\d{4})(\d{2})(\d{2})T(\d{2})(\d{2})(\d{2})Z$/;
const MAX_SKEW_MS = 15 * 60_000;

/**
 * Checks a request as S3 does over plain HTTP: Signature Version 4 in the `Authorization` header, with the
 * SHA-256 of the body signed too (`UNSIGNED-PAYLOAD` and the streaming forms are refused).
 * Written after "Signature Calculations for the Authorization Header: Transferring Payload in a Single Chunk".
 * @returns null when all is right
 */
export function checkSignature(request: ReceivedRequest, key: SigningKey, now: Date): S3Refusal | null {
  const { headers } = request;
  const match = AUTHORIZATION_PATTERN.exec(headers['authorization'] ?? '');
  if (match === null) return { status: 403, code: 'AccessDenied' };
  const [, accessKeyId, day = '', region, signedHeaders = '', signature = ''] = match;
  const date = headers['x-amz-date'] ?? '';
  const payloadHash = headers['x-amz-content-sha256'] ?? '';
  const signed = signedHeaders.split(';');
  const mustBeSigned = Object.keys(headers).filter((name) => name === 'host' || name.startsWith('x-amz-'));
  if (accessKeyId !== key.accessKeyId) return { status: 403, code: 'InvalidAccessKeyId' };
  if (region !== key.region || !date.startsWith(day)) {
    return { status: 400, code: 'AuthorizationHeaderMalformed' };
  }
  if (!mustBeSigned.every((name) => signed.includes(name))) return { status: 403, code: 'AccessDenied' };
  if (!(Math.abs(instantOf(date) - now.getTime()) <= MAX_SKEW_MS)) {
    return { status: 403, code: 'RequestTimeTooSkewed' };
  }
  if (!/^[0-9a-f]{64}$/.test(payloadHash)) return { status: 400, code: 'InvalidRequest' };
  const expected = signatureOf(request, signed, key);
  if (!timingSafeEqual(Buffer.from(expected), Buffer.from(signature))) {
    return { status: 403, code: 'SignatureDoesNotMatch' };
  }
  if (sha256Hex(request.body) !== payloadHash) return { status: 400, code: 'XAmzContentSHA256Mismatch' };
  return null;
}

/** The signature in hex that a request with these headers signed must carry. */
export function signatureOf(request: ReceivedRequest, signedHeaders: string[], key: SigningKey): string {
  const { headers } = request;
  const date = headers['x-amz-date'] ?? '';
  const day = date.slice(0, 8);
  const [path = '', query = ''] = request.url.split('?', 2);
  const canonicalRequest = [
    request.method,
    path.split('/').map(recode).join('/'),
    canonicalQuery(query),
    ...signedHeaders.map((name) => `${name}:${(headers[name] ?? '').trim().replaceAll(/ +/g, ' ')}`),
    '',
    signedHeaders.join(';'),
    headers['x-amz-content-sha256'] ?? '',
  ].join('\n');
  const scope = `${day}/${key.region}/s3/aws4_request`;
  const stringToSign = ['AWS4-HMAC-SHA256', date, scope, sha256Hex(canonicalRequest)].join('\n');
  const signingKey = [day, key.region, 's3', 'aws4_request'].reduce<Uint8Array>(
    (secret, part) => createHmac('sha256', secret).update(part).digest(),
    Buffer.from(`AWS4${key.secretAccessKey}`),
  );
  return createHmac('sha256', signingKey).update(stringToSign).digest('hex');
}

function canonicalQuery(query: string): string {
  const pairs = query === '' ? [] : query.split('&');
  return pairs
    .map((pair) => {
      const [name = '', value = ''] = pair.split('=', 2);
      return `${recode(name)}=${recode(value)}`;
    })
    .toSorted()
    .join('&');
}

/** Percent-encodes as RFC 3986 wants it, whatever way it was encoded before. */
function recode(text: string): string {
  return encodeURIComponent(decodeURIComponent(text)).replaceAll(
    /[!'()*]/g,
    (character) => `%${character.codePointAt(0)?.toString(16).toUpperCase()}`,
  );
}

function instantOf(date: string): number {
  return Date.parse(date.replace(DATE_PATTERN, '$1-$2-$3T$4:$5:$6Z'));
}

function sha256Hex(content: string | Uint8Array): string {
  return createHash('sha256').update(content).digest('hex');
}
