import { lookup, type LookupAddress, type LookupOptions } from 'node:dns';
import { BlockList, isIP, type LookupFunction } from 'node:net';
import { OidcError } from './error.ts';

/*
 * An administrator of a vault names a server, and we call it from inside the network: what could be reached that way and
 * by no other must not be (server-side request forgery). Private addresses stay allowed, for that is where the provider
 * of an enterprise is.
 */

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8, 'ipv4');
loopback.addAddress('::1', 'ipv6');

const never = new BlockList();
for (const [net, prefix] of [
  ['0.0.0.0', 8],
  // Metadata services of clouds are here.
  ['169.254.0.0', 16],
  // Azure's wire server; the metadata services of Alibaba Cloud, within what carriers share, and of Oracle Cloud.
  ['168.63.129.16', 32],
  ['100.100.100.200', 32],
  ['192.0.0.192', 32],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
] as const)
  never.addSubnet(net, prefix, 'ipv4');
for (const [net, prefix] of [
  ['::', 128],
  ['fe80::', 10],
  // The metadata services of AWS and of Google Cloud.
  ['fd00:ec2::', 32],
  ['fd20:ce::254', 128],
  // Teredo (RFC 4380): no server of anybody is there, and what it tunnels to is obfuscated.
  ['2001::', 32],
  ['ff00::', 8],
] as const)
  never.addSubnet(net, prefix, 'ipv6');

/** Whether an issuer says of itself that it is on this machine. */
export function isLoopbackName(hostname: string): boolean {
  const name = bare(hostname);
  return name === 'localhost' || (isIP(name) !== 0 && isIn(loopback, name));
}

/** An address that may be called. IPv4 written as IPv6, or reached through it, is judged as IPv4. */
export function mayBeCalled(address: string, onLoopback: boolean): boolean {
  return [address, ...throughIpv6(address)].every(
    (at) => !isIn(never, at) && (onLoopback || !isIn(loopback, at)),
  );
}

/**
 * The IPv4 address that packets to an IPv6 address end at: 16 bit words 6 and 7 behind the prefixes of NAT64 (RFC 6052; for
 * local use RFC 8215) and of the old IPv4-compatible form, 1 and 2 of 6to4 (RFC 3056).
 */
function throughIpv6(address: string): string[] {
  if (isIP(address) !== 6) return [];
  const words = wordsOf(address);
  const ipv4 = (high = 0, low = 0) => [high >> 8, high & 0xff, low >> 8, low & 0xff].join('.');
  const [first, second, third] = words;
  if (first === 0x2002) return [ipv4(second, third)];
  const translated = first === 0x64 && second === 0xff9b;
  const compatible = words.slice(0, 6).every((word) => word === 0) && address !== '::1' && address !== '::';
  return translated || compatible ? [ipv4(words[6], words[7])] : [];
}

/** The eight words of an IPv6 address, in the form that URL has them: in hex, with "::" for the longest run of zeros. */
function wordsOf(address: string): number[] {
  const text = new URL(`http://[${address.replace(/%.*$/, '')}]`).hostname.slice(1, -1);
  const [head = '', tail] = text.split('::');
  const words = (part: string) =>
    part === '' ? [] : part.split(':').map((word) => Number.parseInt(word, 16));
  const front = words(head);
  const back = words(tail ?? '');
  return [...front, ...Array.from({ length: 8 - front.length - back.length }, () => 0), ...back];
}

/** Throws OidcError for an address that may not be called; names are looked at when they are looked up. */
export function checkLiteral(hostname: string, onLoopback: boolean): void {
  const name = bare(hostname);
  if (isIP(name) !== 0 && !mayBeCalled(name, onLoopback)) throw new OidcError('address-refused');
}

/**
 * A look-up for a connection: the very addresses that were looked at are connected to, so that a name that changes
 * meanwhile (DNS rebinding) gains nothing.
 */
export function guardedLookup(onLoopback: boolean): LookupFunction {
  return (hostname, options, callback) => {
    const input: LookupOptions = options;
    lookup(hostname, { ...input, all: true }, (error, found: LookupAddress[]) => {
      if (error !== null) return callback(error, '', 4);
      const [first] = found;
      if (first === undefined || !found.every(({ address }) => mayBeCalled(address, onLoopback)))
        return callback(new OidcError('address-refused'), '', 4);
      if (input.all === true) return callback(null, found);
      callback(null, first.address, first.family);
    });
  };
}

function isIn(list: BlockList, address: string): boolean {
  return list.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4');
}

/** Without the brackets that URLs have around IPv6. */
function bare(hostname: string): string {
  return hostname.replace(/^\[(.*)\]$/, '$1').toLowerCase();
}
