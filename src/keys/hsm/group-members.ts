import { setTimeout as delay } from 'node:timers/promises';
import { monotonicNow } from '../../clock.ts';
import { TokenError } from '../../token/faults.ts';
import { managementDeadline, type TokenClient } from '../../vault/tokens.ts';

/*
 * An HSM group: several HSMs, its members, hold the same keys. A key is made on one of them and put into use only once it has shown
 * itself on each that can be asked; it is destroyed only once it is on none, whether they can be asked or not. A token that
 * is no group is the only member of itself.
 */

type Group = Pick<TokenClient, 'members' | 'healthOf'>;
type AskedGroup = Pick<TokenClient, 'members' | 'healthOf' | 'call'>;

/** A key object, and what shows that it is the one on record. */
interface NamedKey {
  key: Buffer;
  identity: Buffer;
}

/** How long a key that was made on one member may take to come to the others, milliseconds: replication takes seconds. */
const replicationTimeout = 5_000;
/** It is looked for again after so long, and after twice as long each time, milliseconds. */
const firstPause = 25;
const maxPause = 1_000;

/** Members that can be asked; all of them where none can, so that asking tells why. */
export function membersInUse(pool: Group): readonly string[] {
  const inUse = pool.members.filter((member) => pool.healthOf(member) !== 'UNAVAILABLE');
  return inUse.length === 0 ? pool.members : inUse;
}

/**
 * The member that a key is made on. One without a proof is used on the first member alone, since nothing would show that what
 * has its CKA_ID on another is the same key.
 */
export function memberToMakeOn(pool: Group, provable: boolean): string {
  const [first = ''] = provable ? membersInUse(pool) : pool.members;
  return first;
}

/**
 * Waits until a key that `madeOn` has shows itself on each other member that can be asked. Throws TokenError: `key-missing` for a
 * member that does not have it in time, and what else a member says of it.
 */
export async function awaitOnMembers(
  pool: AskedGroup,
  madeOn: string,
  named: NamedKey,
  within = replicationTimeout,
): Promise<void> {
  const until = monotonicNow() + within;
  const others = membersInUse(pool).filter((member) => member !== madeOn);
  await Promise.all(others.map(async (member) => awaitOn(pool, member, named, until)));
}

async function awaitOn(pool: AskedGroup, member: string, named: NamedKey, until: number): Promise<void> {
  for (let pause = firstPause; ; pause = Math.min(2 * pause, maxPause))
    try {
      await proveOn(pool, member, named, { deadline: until });
      return;
    } catch (error) {
      const isToCome = error instanceof TokenError && error.fault === 'key-missing';
      // One that has gone down meanwhile gets the key as one that was down: reconcile tells what it lacks.
      if (isOfMemberAway(error) && pool.healthOf(member) === 'UNAVAILABLE') return;
      if (!isToCome || monotonicNow() + pause > until) throw error;
      await delay(pause);
    }
}

/** Throws TokenError, with the name of the member. */
export async function proveOn(
  pool: AskedGroup,
  member: string,
  { key, identity }: NamedKey,
  options = managementDeadline(),
): Promise<void> {
  const ask = { kind: 'proveKey', key, identity } as const;
  await askMember(pool, member, async (one) => pool.call(ask, one), options);
}

/**
 * Destroys the key object on every member, those that are down too, unless `members` are told. Returns how many objects there were, and
 * on which HSMs there is none any more, by serial number. Throws TokenError of the first member that did not do it, once all were
 * asked: what is left is destroyed when it is repeated.
 */
export async function destroyOnMembers(
  pool: AskedGroup,
  { key, identity }: NamedKey,
  members = pool.members,
): Promise<{ destroyed: number; serials: string[] }> {
  const ask = async (member: string) =>
    askMember(pool, member, async (options) => pool.call({ kind: 'destroyKey', key, identity }, options));
  let destroyed = 0;
  const serials: string[] = [];
  const failures: unknown[] = [];
  // One after the other: members of one security world share the key object, and only one of them finds it.
  for (const member of members)
    try {
      const { value, serial } = await ask(member);
      destroyed += value.destroyed;
      if (serial !== undefined) serials.push(serial);
    } catch (error) {
      failures.push(error);
    }
  if (failures.length > 0) throw failures[0];
  return { destroyed, serials };
}

/** Asks one member; what it fails with says which it was. Throws TokenError. */
export async function askMember<T>(
  pool: Group,
  member: string,
  ask: (options: { deadline: number; member?: string }) => Promise<T>,
  { deadline } = managementDeadline(),
): Promise<T> {
  if (pool.members.length === 1) return ask({ deadline });
  try {
    return await ask({ deadline, member });
  } catch (error) {
    throw error instanceof TokenError ? ofMember(error, member) : error;
  }
}

function ofMember({ fault, call, rv, detail }: TokenError, member: string): TokenError {
  return new TokenError(fault, call, rv, `member ${member}${detail === undefined ? '' : `: ${detail}`}`);
}

function isOfMemberAway(error: unknown): boolean {
  return error instanceof TokenError && (error.fault === 'unavailable' || error.fault === 'timeout');
}
