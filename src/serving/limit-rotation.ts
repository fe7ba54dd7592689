import { setTimeout as delay } from 'node:timers/promises';
import type { CloudKey } from './served-records.ts';
import { generateVersion } from '../keys/key-generation.ts';
import { keyObjectAfter } from '../keys/interrupted.ts';
import { WriteRefusedError, type VersionWrites } from '../keys/limit-rotation-writes.ts';
import type { TokenPools } from '../vault/tokens.ts';

/*
 * A rotation that an XKS worker makes, since the count of a key's version nears its limit. The worker reads the store and
 * has hosts that make keys; each step is written by whoever writes for it (src/keys/limit-rotation-writes.ts). Whatever is killed
 * at any step leaves a version that is on record, for reconcile, or for the same worker, which goes on with it.
 */

export interface LimitRotator {
  writes: VersionWrites;
  tokens: TokenPools;
  /** Told once of a step that cannot be written yet. */
  onWaiting: (error: Error) => void;
}

/** A step that could not be written is asked for again after so long, and then twice as long each time, milliseconds. */
const writePause = 1_000;
const maxWritePause = 60_000;

/**
 * Gives the key a new version, and answers with its number; undefined where none is due, or another process is at it.
 * Once there may be a key object of it, waits for the store for as long as it takes, but where that refuses it: then it is on
 * record for reconcile. Throws TokenError; Error where it could not be begun, WriteRefusedError.
 */
export async function rotateAtLimit(
  rotator: LimitRotator,
  { id: cloudKeyId, currentVersion }: Pick<CloudKey, 'id' | 'currentVersion'>,
): Promise<number | undefined> {
  const { writes, tokens } = rotator;
  const begun = await writes.begin({ cloudKeyId, current: currentVersion });
  if (begun === null) return undefined;
  const { version } = begun;
  let proof: Buffer | null;
  try {
    proof = await generateVersion(tokens.pool(begun.token), begun);
  } catch (error) {
    const keyObject = keyObjectAfter(error);
    await untilWritten(rotator, async () => writes.takeBack({ cloudKeyId, version, keyObject }));
    throw error;
  }
  const current = await untilWritten(rotator, async () =>
    writes.activate({ cloudKeyId, version, proof: proof?.toString('base64') ?? null }),
  );
  return current >= version ? version : undefined;
}

/** Each step may be written twice: what an answer was lost of is found done. Throws WriteRefusedError. */
async function untilWritten<T>({ onWaiting }: LimitRotator, write: () => Promise<T>): Promise<T> {
  for (let tried = 0; ; tried++)
    try {
      return await write();
    } catch (error) {
      if (error instanceof WriteRefusedError) throw error;
      if (tried === 0) onWaiting(error as Error);
      await delay(Math.min(writePause * 2 ** tried, maxWritePause));
    }
}
