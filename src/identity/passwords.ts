import { argon2, randomBytes, randomInt, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';
import { Secret } from '../secret.ts';
import type { PasswordCost } from '../vault/context.ts';
import { FairQueue } from '../fair-queue.ts';
import { normalPassword } from './password-policy.ts';

const deriveArgon2 = promisify(argon2);

/**
 * The first of the equal settings of OWASP's Password Storage Cheat Sheet. RFC 9106's second recommended option (64 MiB,
 * three passes, four lanes) costs several times as much, on all cores at once: on the machine that has to answer AWS
 * within 250 ms a sign-in must not take the cores for a third of a second. Passwords have 15 characters or more, and
 * guesses are counted.
 */
const usualCost: PasswordCost = { memory: 46 * 1024, passes: 1, parallelism: 1 };
const saltLength = 16;
const tagLength = 32;

/**
 * Two at once take 92 MiB and two of libuv's four threads: file and name look-ups of the process go on beside them.
 * Bound here and not for each context, since memory and threads are the process's.
 */
const queue = new FairQueue({ concurrency: 2, waitingInLane: 16, waiting: 128 });

/** Costs as much to check as a real one, and no password fits it: for users there are not. */
const nobodysHash = nobodysHashAt(usualCost);

/** Alphabet of first passwords: nothing that looks like something else in print. */
const readable = 'abcdefghjkmnpqrstuvwxyz23456789';

/** PHC string of argon2id. `lane` is who waits in line, see {@link FairQueue}. Throws BusyError. */
export async function hashPassword(
  password: Secret,
  lane: string,
  cost: PasswordCost = usualCost,
): Promise<string> {
  return queue.run(lane, async () => {
    const salt = randomBytes(saltLength);
    return writePhc(cost, salt, await derive(password, salt, cost, tagLength));
  });
}

export interface Check<T> {
  /** What `before` gave. */
  admitted: T;
  right: boolean;
  /** The right password's hash by today's cost, where the stored one has another. */
  better: string | undefined;
}

/**
 * Compares a password with what `before` finds, in the same time whether it finds anything or not. `before` runs when
 * it is this check's turn, so that what it counts is never more than what is really tried. Throws BusyError.
 */
export async function checkPassword<T>(
  password: Secret,
  lane: string,
  before: () => Promise<{ admitted: T; hash: string | null }>,
  cost: PasswordCost = usualCost,
): Promise<Check<T>> {
  return queue.run(lane, async () => {
    const { admitted, hash } = await before();
    const {
      salt,
      tag,
      cost: paid,
    } = readPhc(hash ?? (cost === usualCost ? nobodysHash : nobodysHashAt(cost)));
    const right = timingSafeEqual(await derive(password, salt, paid, tag.length), tag) && hash !== null;
    const isOld = paid.memory !== cost.memory || paid.passes !== cost.passes;
    if (!right || !(isOld || paid.parallelism !== cost.parallelism))
      return { admitted, right, better: undefined };
    const fresh = randomBytes(saltLength);
    return {
      admitted,
      right,
      better: writePhc(cost, fresh, await derive(password, fresh, cost, tagLength)),
    };
  });
}

/** 25 random characters, 123 bits, in groups of five. */
export function firstPassword(): Secret {
  const characters = Array.from({ length: 25 }, () => readable[randomInt(readable.length)]).join('');
  return new Secret(characters.match(/.{5}/g)?.join('-') ?? characters);
}

function nobodysHashAt(cost: PasswordCost): string {
  return writePhc(cost, randomBytes(saltLength), randomBytes(tagLength));
}

async function derive(password: Secret, nonce: Buffer, paid: PasswordCost, length: number): Promise<Buffer> {
  return deriveArgon2('argon2id', {
    message: Buffer.from(normalPassword(password.reveal())),
    nonce,
    ...paid,
    tagLength: length,
  });
}

function writePhc({ memory, passes, parallelism }: PasswordCost, salt: Buffer, tag: Buffer): string {
  return `$argon2id$v=19$m=${memory},t=${passes},p=${parallelism}$${unpadded(salt)}$${unpadded(tag)}`;
}

const phcForm =
  /^\$argon2id\$v=19\$m=(\d{1,7}),t=(\d{1,2}),p=(\d{1,2})\$([A-Za-z0-9+/]{11,86})\$([A-Za-z0-9+/]{22,86})$/;

function readPhc(phc: string): { cost: PasswordCost; salt: Buffer; tag: Buffer } {
  const [, memory, passes, parallelism, salt, tag] = phcForm.exec(phc) ?? [];
  if (salt === undefined || tag === undefined)
    throw new Error('the store has a password hash that is no PHC string of argon2id');
  return {
    cost: { memory: Number(memory), passes: Number(passes), parallelism: Number(parallelism) },
    salt: Buffer.from(salt, 'base64'),
    tag: Buffer.from(tag, 'base64'),
  };
}

function unpadded(bytes: Buffer): string {
  return bytes.toString('base64').replace(/=+$/, '');
}
