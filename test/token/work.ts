import { randomBytes } from 'node:crypto';
import type { ExecutionContext } from 'ava';
import type { Shim } from '../../testing/shim.ts';
import type { TokenFixture } from '../../testing/tokens.ts';
import { decryptOf, encryptOf, OpenPool, type PoolSetUp } from './open-pool.ts';

export const plaintext = randomBytes(64);

/** Hosts that are all well yet, with a key and something to do. */
export interface Work {
  open: OpenPool;
  /** Encrypts {@link plaintext} and verifies. */
  encrypt: ReturnType<typeof encryptOf>;
  /** Gives {@link plaintext}. */
  decrypt: ReturnType<typeof decryptOf>;
}

/** Two hosts behind the shim, with no health check of their own unless `setUp` says otherwise. */
export async function begin(
  t: ExecutionContext,
  { fixture, shim }: { fixture: TokenFixture; shim: Shim },
  setUp: PoolSetUp = {},
): Promise<Work> {
  const limits = { healthInterval: 600_000, ...setUp.limits };
  const open = await OpenPool.start(t, fixture, { hosts: 2, shim, ...setUp, limits });
  const key = await open.makeKey(`work ${randomBytes(4).toString('hex')}`);
  const encrypt = encryptOf(key, plaintext, { aad: randomBytes(10), verify: true });
  return { open, encrypt, decrypt: decryptOf(encrypt, await open.call(encrypt)) };
}
