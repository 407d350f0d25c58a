import ipaddr from 'ipaddr.js';

/** Public addresses that only answer inside a cloud and hand out its secrets: Azure's WireServer. */
const CLOUD_METADATA = new Set(['168.63.129.16']);
/** The only part of IPv6 from which public addresses are given out (RFC 4291, 2.4). */
const GLOBAL_UNICAST: [ipaddr.IPv6, number] = [ipaddr.IPv6.parse('2000::'), 3];
/** IPv6 networks in which a whole IPv4 address is the last 32 bits: mapped, and the NAT64 of RFC 6052. */
const EMBEDDING: [ipaddr.IPv6, number][] = [
  [ipaddr.IPv6.parse('::ffff:0:0'), 96],
  [ipaddr.IPv6.parse('64:ff9b::'), 96],
];

/**
 * Whether an IP address belongs to the public internet. All the special ranges of IANA's registries are not
 * public; nor are 6to4 and Teredo, which tunnel to an IPv4 address of the sender's choice. An IPv4 address
 * within an IPv6 one counts as itself.
 */
export function isPublicAddress(address: string): boolean {
  // A zone (`fe80::1%eth0`) names a network card of this machine.
  if (address.includes('%') || !ipaddr.isValid(address)) return false;
  const parsed = ipaddr.parse(address);
  return parsed instanceof ipaddr.IPv4 ? isPublicIPv4(parsed) : isPublicIPv6(parsed);
}

function isPublicIPv4(address: ipaddr.IPv4): boolean {
  return address.range() === 'unicast' && !CLOUD_METADATA.has(address.toString());
}

function isPublicIPv6(address: ipaddr.IPv6): boolean {
  if (EMBEDDING.some((network) => address.match(network))) {
    return isPublicIPv4(new ipaddr.IPv4(address.toByteArray().slice(-4)));
  }
  return address.match(GLOBAL_UNICAST) && address.range() === 'unicast';
}
