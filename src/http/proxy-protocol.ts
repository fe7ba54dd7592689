import { BlockList, isIP, isIPv4, isIPv6, type Socket } from 'node:net';

/*
 * The PROXY protocol (haproxy.org, "The PROXY protocol Versions 1 & 2"): before anything else a load balancer that passes TCP
 * through says from where a connection came. Whoever may send such a header may claim any address, so it is read from
 * the load balancers that are named and from nobody else; and from those it is awaited, since a header that is only perhaps
 * there could be the client's own.
 */

/** What a header says: who connected to the load balancer; undefined where it speaks for itself, as for a health check. */
export interface ProxyHeader {
  source: { address: string; port: number } | undefined;
  /** Bytes that it takes; the client's own come behind. */
  length: number;
}

const signature = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1');
/** Version 1 (2.1): the longest line, with its end. */
const longestLine = 107;
/** Version 2 (2.2): what comes behind the signature before the addresses, and the most with all that may follow them. */
const fixedLength = 16;
const maxLength = 4_096;

/** `more` where the bytes may be the beginning of a header, undefined where they are not. */
export function readProxyHeader(bytes: Buffer): ProxyHeader | 'more' | undefined {
  const begun = bytes.subarray(0, signature.length);
  if (begun.equals(signature.subarray(0, begun.length)))
    return begun.length < signature.length ? 'more' : readBinary(bytes);
  return readLine(bytes);
}

function readLine(bytes: Buffer): ProxyHeader | 'more' | undefined {
  const text = bytes.toString('latin1', 0, longestLine);
  const end = text.indexOf('\r\n');
  if (end < 0) {
    const couldBe = text.startsWith('PROXY ') || 'PROXY '.startsWith(text);
    return couldBe && bytes.length < longestLine ? 'more' : undefined;
  }
  const length = end + 2;
  const line = text.slice(0, end);
  if (/^PROXY UNKNOWN(?: .*)?$/.test(line)) return { source: undefined, length };
  const source = sourceOf(line.split(' '));
  return source === undefined ? undefined : { source, length };
}

function sourceOf(words: readonly string[]): ProxyHeader['source'] {
  const [first, family, address = '', destination = '', port, destinationPort] = words;
  if (words.length !== 6 || first !== 'PROXY' || (family !== 'TCP4' && family !== 'TCP6')) return undefined;
  // A zone (fe80::1%eth0) is no part of an address here.
  const is = (text: string) => (family === 'TCP4' ? isIPv4(text) : isIPv6(text) && !text.includes('%'));
  const from = portOf(port);
  const sound = is(address) && is(destination) && portOf(destinationPort) !== undefined;
  return sound && from !== undefined ? { address: plain(address), port: from } : undefined;
}

function portOf(text = ''): number | undefined {
  return /^(?:0|[1-9]\d{0,4})$/.test(text) && Number(text) <= 0xffff ? Number(text) : undefined;
}

/** Version and command, and family with protocol, each a byte. */
const local = 0x20;
const proxied = 0x21;
const overIpv4 = 0x11;
const overIpv6 = 0x21;

function readBinary(bytes: Buffer): ProxyHeader | 'more' | undefined {
  if (bytes.length < fixedLength) return 'more';
  const command = bytes[12];
  const family = bytes[13];
  const length = fixedLength + bytes.readUInt16BE(14);
  if ((command !== local && command !== proxied) || length > maxLength) return undefined;
  if (bytes.length < length) return 'more';
  if (command === local) return { source: undefined, length };
  const addresses = bytes.subarray(fixedLength, length);
  if (family === overIpv4)
    return addresses.length < 12
      ? undefined
      : {
          source: { address: [...addresses.subarray(0, 4)].join('.'), port: addresses.readUInt16BE(8) },
          length,
        };
  if (family === overIpv6)
    return addresses.length < 36
      ? undefined
      : { source: { address: ipv6Of(addresses.subarray(0, 16)), port: addresses.readUInt16BE(32) }, length };
  // UNSPEC, and what no TCP connection has: there is nothing to learn of it.
  return { source: undefined, length };
}

function ipv6Of(bytes: Buffer): string {
  const groups = Array.from({ length: 8 }, (_, index) => bytes.readUInt16BE(2 * index).toString(16));
  return plain(groups.join(':'));
}

/**
 * In the shortest form, so that one client has one lane, one limit and one name in the log: without the longest run of
 * zeros, and an IPv4 address within IPv6 (::ffff:0:0/96), as a listener for both has it, as IPv4.
 */
function plain(address: string): string {
  if (!isIPv6(address)) return address;
  const shortest = new URL(`http://[${address}]`).hostname.slice(1, -1);
  const [, high, low] = /^::ffff:([\da-f]{1,4}):([\da-f]{1,4})$/.exec(shortest) ?? [];
  if (high === undefined || low === undefined) return shortest;
  const [upper, lower] = [Number.parseInt(high, 16), Number.parseInt(low, 16)];
  return [upper >> 8, upper & 0xff, lower >> 8, lower & 0xff].join('.');
}

/** Addresses and networks in CIDR notation. Throws where one is neither. */
export function networks(texts: readonly string[]): BlockList {
  const list = new BlockList();
  for (const text of texts) {
    const [address = '', bits] = text.split('/');
    const family = isIP(address) === 6 ? 'ipv6' : 'ipv4';
    if (bits === undefined) list.addAddress(address, family);
    else list.addSubnet(address, Number(bits), family);
  }
  return list;
}

export function includes(list: BlockList, address: string): boolean {
  return list.check(address, isIPv6(address) ? 'ipv6' : 'ipv4');
}

/** Takes the header from the beginning of a connection; what comes behind it stays unread. Undefined where there is none. */
export async function takeProxyHeader(socket: Socket): Promise<ProxyHeader | undefined> {
  return new Promise((resolve) => {
    let bytes = Buffer.alloc(0);
    const done = (header: ProxyHeader | undefined) => {
      socket.off('readable', look);
      socket.off('error', none);
      socket.off('close', none);
      socket.off('end', none);
      if (header !== undefined && bytes.length > header.length) socket.unshift(bytes.subarray(header.length));
      resolve(header);
    };
    const none = () => done(undefined);
    const look = () => {
      for (
        let chunk = socket.read() as Buffer | null;
        chunk !== null;
        chunk = socket.read() as Buffer | null
      ) {
        bytes = Buffer.concat([bytes, chunk]);
        const header = readProxyHeader(bytes);
        if (header !== 'more') return done(header);
      }
    };
    socket.on('readable', look);
    socket.once('error', none);
    socket.once('close', none);
    socket.once('end', none);
  });
}
