import { lookup, type LookupAddress, type LookupOptions } from 'node:dns';
import { BlockList, isIP, type LookupFunction } from 'node:net';
import { OidcError } from './oidc-error.ts';

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
  // Azure's wire server.
  ['168.63.129.16', 32],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
] as const)
  never.addSubnet(net, prefix, 'ipv4');
for (const [net, prefix] of [
  ['::', 128],
  ['fe80::', 10],
  // AWS's metadata service.
  ['fd00:ec2::', 32],
  ['ff00::', 8],
] as const)
  never.addSubnet(net, prefix, 'ipv6');

/** Whether an issuer says of itself that it is on this machine. */
export function isLoopbackName(hostname: string): boolean {
  const name = bare(hostname);
  return name === 'localhost' || (isIP(name) !== 0 && isIn(loopback, name));
}

/** An address that may be called. IPv4 written as IPv6 is judged as IPv4. */
export function mayBeCalled(address: string, onLoopback: boolean): boolean {
  return !isIn(never, address) && (onLoopback || !isIn(loopback, address));
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
    const wish: LookupOptions = options;
    lookup(hostname, { ...wish, all: true }, (error, found: LookupAddress[]) => {
      if (error !== null) return callback(error, '', 4);
      const [first] = found;
      if (first === undefined || !found.every(({ address }) => mayBeCalled(address, onLoopback)))
        return callback(new OidcError('address-refused'), '', 4);
      if (wish.all === true) return callback(null, found);
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
