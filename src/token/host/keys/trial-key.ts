import { createHash, randomBytes } from 'node:crypto';
import { accessSync, constants } from 'node:fs';
import { wallClock } from '../../../clock.ts';
import type { Profile } from '../../../config/profile.ts';
import { systemReason } from '../../../system-reason.ts';
import type { Cryptoki } from '../cryptoki.ts';
import { CryptokiError } from '../cryptoki-error.ts';
import { TokenError } from '../../faults.ts';
import type { KeyObjects } from './key-objects.ts';
import { findAesKeys } from './key-search.ts';
import { reactionTo } from '../reactions.ts';

/*
 * A key that is made and destroyed again, to know that the token takes new keys. It is a token object: a key of the session
 * is made on a token that may not write a thing, such as one whose directory is read-only for this service.
 *
 * CKA_LABEL = `holdfast:trial:1`; CKA_ID = 8 bytes that say the same ‖ milliseconds since 1970 (u64) ‖ 4 random bytes, no
 * longer than that of a CloudKey's version. By the two together one that stayed behind is known, and no other key is ever
 * destroyed for one.
 */

const label = 'holdfast:trial:1';
const idStart = idStartOf(label);
const idBytes = 20;
/** Of trial keys until version 0.4.0. */
const idBytesBefore = 32;
/** Until then another host may be at it, milliseconds. */
const leftOverAfter = 10 * 60_000;

interface TrialParts {
  cryptoki: Cryptoki;
  keys: KeyObjects;
  profile: Pick<Profile, 'writes'>;
}

/**
 * Makes a key, as every CloudKey's is made, and destroys it; first those that stayed behind. Throws TokenError, with the paths
 * of the profile that this process may not write to.
 */
export function tryMakingKeys({ cryptoki, keys, profile }: TrialParts): void {
  const now = wallClock().getTime();
  try {
    for (const handle of leftOvers(cryptoki, keys, now)) destroy(cryptoki, handle);
    const id = trialId(now);
    keys.generate(id, label, { encrypt: true, decrypt: true });
    const handle = keys.find(id);
    keys.forget(id);
    destroy(cryptoki, handle);
  } catch (error) {
    throw told(error, profile);
  }
}

/** What the CKA_ID of a trial key with this label begins with. */
export function idStartOf(trialLabel: string): Buffer {
  return createHash('sha256').update(trialLabel).digest().subarray(0, 8);
}

export function trialId(now: number): Buffer {
  const time = Buffer.alloc(8);
  time.writeBigUInt64BE(BigInt(now));
  return Buffer.concat([idStart, time, randomBytes(idBytes - idStart.length - time.length)]);
}

function leftOvers(cryptoki: Cryptoki, keys: KeyObjects, now: number): Buffer[] {
  return findAesKeys(cryptoki, { label }).filter((handle) => {
    const name = keys.nameOf(handle);
    return name.label === label && isLeftOver(name.id, now);
  });
}

function isLeftOver(id: Buffer, now: number): boolean {
  if (id.length !== idBytes && id.length !== idBytesBefore) return false;
  if (!id.subarray(0, idStart.length).equals(idStart)) return false;
  return Math.abs(now - Number(id.readBigUInt64BE(idStart.length))) > leftOverAfter;
}

function destroy(cryptoki: Cryptoki, handle: Buffer): void {
  try {
    cryptoki.destroyObject(handle);
  } catch (error) {
    // Another host was there first.
    const { call, rv } = error as CryptokiError;
    if (!(error instanceof CryptokiError) || rv === undefined || reactionTo(call, rv) !== 'handle')
      throw error;
  }
}

function told(error: unknown, { writes }: TrialParts['profile']): unknown {
  if (!(error instanceof CryptokiError) && !(error instanceof TokenError)) return error;
  const closed = writes.flatMap((path) => whyNotWritable(path) ?? []);
  const detail = [
    ...(error.detail === undefined ? [] : [error.detail]),
    ...(closed.length === 0 ? [] : [`this process may not write to ${closed.join(', ')}`]),
  ].join('; ');
  const fault = error instanceof TokenError ? error.fault : 'internal';
  return new TokenError(fault, error.call, error.rv, detail === '' ? undefined : detail);
}

/** A path that is not there is not where this token's module writes. */
function whyNotWritable(path: string): string | undefined {
  try {
    accessSync(path, constants.W_OK);
    return undefined;
  } catch (error) {
    const { code, words } = systemReason(error);
    return code === 'ENOENT' ? undefined : `${path}: ${words}`;
  }
}
