import type { LookupAddress } from 'node:dns';
import { lookup } from 'node:dns/promises';
import type { LookupFunction } from 'node:net';

import { blockedAddressError, type IsAllowedAddress } from './url-guard.js';

/** All addresses of a host name. */
export type ResolveHost = (hostname: string) => Promise<LookupAddress[]>;

export const resolveHostBySystem: ResolveHost = (hostname) => lookup(hostname, { all: true });

/**
 * The lookup that a socket does as it connects: one question to the DNS, every answer checked, and the connection
 * goes to an address that was checked. There is no second question that a rebinding name could answer otherwise.
 * One forbidden address among the answers refuses them all.
 */
export function createGuardedLookup(
  resolveHost: ResolveHost,
  isAllowed: IsAllowedAddress | null,
): LookupFunction {
  return (hostname, options, callback) => {
    resolveHost(hostname).then(
      (addresses) => {
        const [first] = addresses;
        if (first === undefined) return callback(notFoundError(hostname), '');
        if (isAllowed !== null && !addresses.every(({ address }) => isAllowed(address))) {
          return callback(blockedAddressError(hostname), '');
        }
        return options.all === true ? callback(null, addresses) : callback(null, first.address, first.family);
      },
      (error: Error) => callback(error, ''),
    );
  };
}

function notFoundError(hostname: string): Error {
  return Object.assign(new Error(`${hostname} has no address`), { code: 'ENOTFOUND' });
}
