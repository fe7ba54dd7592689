import { randomBytes, timingSafeEqual } from 'node:crypto';
import type { Server } from 'node:tls';

/*
 * TLS session tickets: what a client keeps of a connection to resume the next one without a full handshake. They are
 * sealed with keys that all workers of a port have, since the kernel gives a client's next connection to any of them.
 */

/** A key as Node's `setTicketKeys` takes it: 16 bytes of name, 16 for HMAC-SHA256, 16 for AES-128; in base64. */
export type TicketKey = string;

const nameLength = 16;
const keyLength = 48;
/** How long a key seals tickets; for as long again it opens them. Milliseconds. */
const turnover = 24 * 3_600_000;

/** The keys of one port, in the supervisor. They are never written anywhere: a node that is started anew has others. */
export class TicketKeys {
  readonly #timer: NodeJS.Timeout;
  #keys: [TicketKey, ...TicketKey[]] = [newKey()];

  /** `onTurn` is called when there are others. */
  constructor(onTurn: (keys: readonly TicketKey[]) => void, interval = turnover) {
    this.#timer = setInterval(() => {
      this.#keys = [newKey(), this.#keys[0]];
      onTurn(this.#keys);
    }, interval).unref();
  }

  /** The one that seals, then those that still open. */
  get keys(): readonly TicketKey[] {
    return this.#keys;
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}

function newKey(): TicketKey {
  return randomBytes(keyLength).toString('base64');
}

type Sealing = [1, hmac: Buffer, aes: Buffer, name: Buffer, iv: Buffer];
/** 1: opened; 2: opened, and to be sealed anew; 0: not ours, so a full handshake. Node aborts where keys are missing. */
type Opening = [0 | 1 | 2, hmac: Buffer, aes: Buffer];

/**
 * The OpenSSL context of a server. Node's documentation has `setTicketKeys`, which takes one key; this callback, which its
 * own tests use, is what several take.
 */
interface TicketContext {
  enableTicketKeyCallback?: () => void;
  onticketkeycallback?: (name: Buffer, iv: Buffer, seal: boolean) => Sealing | Opening;
}

/** Has a server seal and open tickets with these keys; to be called again after each change of its certificate. */
export function useTicketKeys(server: Server, keys: readonly TicketKey[]): void {
  const parts = keys.map((key) => partsOf(Buffer.from(key, 'base64')));
  const [current, ...previous] = parts;
  if (current === undefined) return;
  // Where a later Node has no such callback, tickets of the day before are good for a full handshake only.
  server.setTicketKeys(current.whole);
  const { context } =
    (server as unknown as { _sharedCreds?: { context?: TicketContext } })._sharedCreds ?? {};
  if (context?.enableTicketKeyCallback === undefined) return;
  context.enableTicketKeyCallback();
  context.onticketkeycallback = (name, _iv, seal) => {
    if (seal) return [1, current.hmac, current.aes, current.name, randomBytes(16)];
    if (same(name, current.name)) return [1, current.hmac, current.aes];
    const old = previous.find((key) => same(name, key.name));
    return old === undefined ? [0, current.hmac, current.aes] : [2, old.hmac, old.aes];
  };
}

function partsOf(whole: Buffer): Record<'whole' | 'name' | 'hmac' | 'aes', Buffer> {
  const part = (index: number) => whole.subarray(index * nameLength, (index + 1) * nameLength);
  return { whole, name: part(0), hmac: part(1), aes: part(2) };
}

function same(a: Buffer, b: Buffer): boolean {
  return a.length === b.length && timingSafeEqual(a, b);
}
