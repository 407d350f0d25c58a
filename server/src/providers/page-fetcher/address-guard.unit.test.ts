import { describe, expect, it } from 'vitest';

import { isPublicAddress } from './address-guard.js';

describe('isPublicAddress', () => {
  it.each([
    ['1.1.1.1', 'IPv4'],
    ['172.32.0.1', 'just after 172.16.0.0/12'],
    ['100.128.0.1', 'just after carrier-grade NAT'],
    ['2606:4700:4700::1111', 'IPv6'],
    ['::ffff:1.1.1.1', 'a public IPv4 address, mapped'],
    ['64:ff9b::101:101', 'a public IPv4 address behind NAT64'],
  ])('takes %s (%s)', (address) => {
    expect(isPublicAddress(address)).toBe(true);
  });

  it.each([
    ['0.0.0.0', 'this host'],
    ['10.0.0.1', 'private'],
    ['100.64.0.1', 'carrier-grade NAT'],
    ['127.0.0.1', 'loopback'],
    ['127.255.255.254', 'loopback'],
    ['169.254.169.254', 'link-local: cloud metadata'],
    ['168.63.129.16', 'cloud metadata on a public address'],
    ['172.31.255.255', 'private'],
    ['192.0.0.192', 'IETF protocol assignments'],
    ['192.168.1.1', 'private'],
    ['198.18.0.1', 'benchmarking'],
    ['203.0.113.1', 'documentation'],
    ['224.0.0.1', 'multicast'],
    ['255.255.255.255', 'broadcast'],
    ['::', 'unspecified'],
    ['::1', 'loopback'],
    ['::7f00:1', 'loopback, IPv4-compatible'],
    ['::ffff:127.0.0.1', 'loopback, mapped'],
    ['::ffff:a00:1', 'private, mapped'],
    ['::ffff:0:127.0.0.1', 'loopback, translated (SIIT)'],
    ['64:ff9b::7f00:1', 'loopback behind NAT64'],
    ['64:ff9b::a9fe:a9fe', 'cloud metadata behind NAT64'],
    ['64:ff9b:1::1', 'local NAT64'],
    ['2002:7f00:1::1', 'loopback through 6to4'],
    ['2001:0:4136:e378:8000:63bf:3fff:fdd2', 'Teredo'],
    ['2001:db8::1', 'documentation'],
    ['3fff::1', 'documentation'],
    ['100::1', 'discard'],
    ['fc00::1', 'unique local'],
    ['fd00:ec2::254', 'cloud metadata'],
    ['fe80::1', 'link-local'],
    ['fe80::1%eth0', 'link-local with a zone'],
    ['2606:4700::1%eth0', 'a zone'],
    ['fec0::1', 'site-local'],
    ['ff02::1', 'multicast'],
    ['not an address', 'no address'],
    ['', 'nothing'],
  ])('refuses %s (%s)', (address) => {
    expect(isPublicAddress(address)).toBe(false);
  });
});
