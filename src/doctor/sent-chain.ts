import { X509Certificate } from 'node:crypto';
import { Duplex } from 'node:stream';
import type { Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { openTcp, openTls, tlsOptions, type Target } from './connection.ts';

/*
 * The certificates as the server sends them. Node shows only the chain that it has put together itself, in which those
 * that came in the wrong order are in the right one. In TLS 1.2 they travel in the clear: they are read on their way.
 */

export interface SentChain {
  certificates: X509Certificate[];
  /** Whether their order is the server's; with TLS 1.3 alone it cannot be seen. */
  asSent: boolean;
}

/** Throws ConnectionFailure where no TLS is spoken. */
export async function readSentChain(target: Target): Promise<SentChain> {
  const certificates = await readInTls12(target);
  if (certificates !== undefined) return { certificates, asSent: true };
  const { socket } = await openTls(target);
  try {
    const chain: X509Certificate[] = [];
    let next = socket.getPeerX509Certificate();
    while (next !== undefined && chain.length < maxCertificates) {
      chain.push(next);
      next = next.issuerCertificate;
    }
    return { certificates: chain, asSent: false };
  } finally {
    socket.destroy();
  }
}

const maxCertificates = 16;

async function readInTls12(target: Target): Promise<X509Certificate[] | undefined> {
  const { socket: raw } = await openTcp(target.to, target.timeout);
  const { promise, resolve } = Promise.withResolvers<X509Certificate[] | undefined>();
  const handshake = new HandshakeReader(resolve);
  const tapped = tap(raw, (chunk) => handshake.take(chunk));
  const socket = connectTls({ socket: tapped, maxVersion: 'TLSv1.2', ...tlsOptions(target) });
  const end = () => resolve(undefined);
  socket.once('error', end);
  socket.once('close', end);
  socket.once('secureConnect', end);
  const timer = setTimeout(end, target.timeout);
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
    socket.on('error', () => undefined);
    socket.destroy();
    raw.destroy();
  }
}

/** A stream that passes everything on, and shows what comes in. */
function tap(raw: Socket, see: (chunk: Buffer) => void): Duplex {
  const tapped = new Duplex({
    read: () => raw.resume(),
    write: (chunk: Buffer, _encoding, done) => void raw.write(chunk, done),
    final: (done) => void raw.end(done),
  });
  raw.on('data', (chunk: Buffer) => {
    see(chunk);
    if (!tapped.push(chunk)) raw.pause();
  });
  raw.on('end', () => tapped.push(null));
  raw.on('error', (error) => tapped.destroy(error));
  raw.on('close', () => tapped.destroy());
  return tapped;
}

const [handshakeRecord, certificateMessage] = [22, 11];
const maxHandshake = 256 * 1024;

/** Finds the Certificate message (RFC 5246, 7.4.2) among the records of a handshake. */
class HandshakeReader {
  readonly #found: (chain: X509Certificate[] | undefined) => void;
  #records = Buffer.alloc(0);
  #messages = Buffer.alloc(0);

  constructor(found: (chain: X509Certificate[] | undefined) => void) {
    this.#found = found;
  }

  take(chunk: Buffer): void {
    this.#records = Buffer.concat([this.#records, chunk]);
    while (this.#records.length >= 5) {
      const end = 5 + this.#records.readUInt16BE(3);
      if (this.#records.length < end) return;
      if (this.#records[0] !== handshakeRecord) return this.#found(undefined);
      this.#messages = Buffer.concat([this.#messages, this.#records.subarray(5, end)]);
      this.#records = this.#records.subarray(end);
      if (this.#messages.length > maxHandshake) return this.#found(undefined);
      this.#readMessages();
    }
  }

  #readMessages(): void {
    while (this.#messages.length >= 4) {
      const end = 4 + this.#messages.readUIntBE(1, 3);
      if (this.#messages.length < end) return;
      if (this.#messages[0] === certificateMessage) this.#found(readList(this.#messages.subarray(4, end)));
      this.#messages = this.#messages.subarray(end);
    }
  }
}

function readList(body: Buffer): X509Certificate[] | undefined {
  const chain: X509Certificate[] = [];
  try {
    for (let at = 3; at + 3 <= body.length && chain.length < maxCertificates;) {
      const length = body.readUIntBE(at, 3);
      chain.push(new X509Certificate(body.subarray(at + 3, at + 3 + length)));
      at += 3 + length;
    }
  } catch {
    return undefined;
  }
  return chain.length === 0 ? undefined : chain;
}
