import { isIP } from 'node:net';

import { SourceError } from '#kernel/source-error.js';

const MAX_URL_CHARACTERS = 8_192;
const FIRST_USER_PORT = 1_024;
/**
 * Ports from 1024 up that speak no HTTP, or speak it with whoever is inside: the bad ports of the Fetch Standard
 * (2.9), databases, queues and the control ports of servers. Below 1024 only 80 and 443 are for the web.
 */
const SERVICE_PORTS = new Set([
  1433, 1434, 1521, 1719, 1720, 1723, 2049, 2181, 2375, 2376, 2379, 2380, 3128, 3306, 3389, 3659, 4045, 4190,
  5060, 5061, 5432, 5433, 5601, 5672, 5984, 5985, 5986, 6000, 6379, 6380, 6443, 6566, 6665, 6666, 6667, 6668,
  6669, 6679, 6697, 7000, 7001, 8086, 8125, 8500, 9042, 9092, 9200, 9300, 10080, 10250, 10255, 11211, 15672,
  26379, 27017, 27018, 28015, 50000,
]);
/** Names that only mean something inside a network (RFC 6761, RFC 6762, RFC 8375, Kubernetes). */
const INNER_SUFFIXES = [
  'localhost',
  'local',
  'internal',
  'intranet',
  'lan',
  'corp',
  'home',
  'home.arpa',
  'svc',
  'onion',
];

/** Says whether an IP address may be connected to. */
export type IsAllowedAddress = (address: string) => boolean;

/**
 * Reads the address of a page and refuses what must not be fetched: other schemes, credentials, ports of other
 * services, addresses that are not allowed and names of inner networks (`isAllowed` null: neither is checked).
 * What a public name resolves to is checked when the connection is made.
 * @throws SourceError `invalid_url`, `blocked_address`.
 */
export function parsePageUrl(text: string, base: URL | null, isAllowed: IsAllowedAddress | null): URL {
  const url = URL.canParse(text, base?.href) ? new URL(text, base?.href) : null;
  if (url === null || text.length > MAX_URL_CHARACTERS) {
    throw new SourceError(
      'invalid_url',
      'This is not the address of a web page. It must begin with https:// or http://.',
    );
  }
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    throw new SourceError(
      'invalid_url',
      `Addresses that begin with ${url.protocol} cannot be fetched, only https and http.`,
    );
  }
  if (url.username !== '' || url.password !== '') {
    throw new SourceError('invalid_url', 'The address holds a user name or a password. Leave them out.');
  }
  if (url.port !== '' && isServicePort(Number(url.port))) {
    throw new SourceError(
      'blocked_address',
      `Port ${url.port} is not a port of web pages and is not fetched.`,
    );
  }
  if (isAllowed !== null && !isAllowedHost(url.hostname, isAllowed)) throw blockedAddressError(url.hostname);
  url.hash = '';
  return url;
}

export function blockedAddressError(host: string): SourceError {
  return new SourceError(
    'blocked_address',
    `${host} is an address inside a private network and is not fetched. Use a page on the public internet.`,
  );
}

function isServicePort(port: number): boolean {
  return (port < FIRST_USER_PORT && port !== 80 && port !== 443) || SERVICE_PORTS.has(port);
}

function isAllowedHost(hostname: string, isAllowed: IsAllowedAddress): boolean {
  const host = hostname.replace(/^\[|\]$/g, '').replace(/\.$/, '');
  if (isIP(host) !== 0) return isAllowed(host);
  // A name of one word is looked up in the network's own domain.
  return host.includes('.') && !INNER_SUFFIXES.some((suffix) => host.endsWith(`.${suffix}`));
}
