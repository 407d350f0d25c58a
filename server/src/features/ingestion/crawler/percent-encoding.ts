const UNRESERVED = /[A-Za-z0-9\-._~]/;

/**
 * One spelling of what can be percent-encoded in several (RFC 3986, 6.2.2): unreserved characters plain, escapes in
 * upper case, everything outside of ASCII and a `%` that begins no escape as an escape. Doing it twice changes nothing.
 */
export function normalizePercentEncoding(text: string): string {
  return encodeNonAscii(text).replace(/%([0-9a-f]{2})?/gi, (_escape, digits: string | undefined) => {
    if (digits === undefined) return '%25';
    const character = String.fromCharCode(Number.parseInt(digits, 16));
    return UNRESERVED.test(character) ? character : `%${digits.toUpperCase()}`;
  });
}

/** Every octet outside of ASCII as a percent escape of its UTF-8. */
export function encodeNonAscii(text: string): string {
  return text.replace(/[^\x00-\x7f]+/g, (run) =>
    Array.from(Buffer.from(run, 'utf8'), (octet) => `%${octet.toString(16).toUpperCase()}`).join(''),
  );
}
