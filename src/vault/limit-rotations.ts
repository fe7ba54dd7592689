import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from '../log.ts';
import { TokenError } from '../token/faults.ts';
import { tokenWords } from '../token/ways-out.ts';
import { rotateAtLimit, type VersionWrites } from './limit-rotation.ts';
import type { CloudKey } from './served-records.ts';
import type { TokenRooms } from './token-rooms.ts';

/** How long a failed rotation is not tried again, milliseconds; twice as long each time: each try begins a version. */
const failurePause = 60_000;
const longestPause = 3_600_000;
/** How long it is not asked for again where it was done, or another process was at it, milliseconds. */
const askPause = 1_000;

/** The rotations at the limit of one XKS worker: of each key one at a time, however many requests ask for it. */
export class LimitRotations {
  readonly #writes: VersionWrites;
  readonly #tokens: TokenRooms;
  readonly #log: Logger;
  /** By CloudKey: under way, or not to be tried again yet. */
  readonly #rotations = new Map<string, Promise<void>>();
  /** By CloudKey: how often in a row its rotation has failed. */
  readonly #failures = new Map<string, number>();

  constructor(writes: VersionWrites, tokens: TokenRooms, log: Logger) {
    this.#writes = writes;
    this.#tokens = tokens;
    this.#log = log;
  }

  /** The count of the key's version nears its limit: a new version takes over (promise 5). */
  due(key: CloudKey): void {
    if (this.#rotations.has(key.id)) return;
    this.#rotations.set(key.id, this.#rotate(key));
  }

  /** Those that are under way have ended, or so many milliseconds have passed. What is left then is for reconcile. */
  async settled(patience: number): Promise<void> {
    await Promise.race([Promise.all(this.#rotations.values()), delay(patience, undefined, { ref: false })]);
  }

  async #rotate(key: CloudKey): Promise<void> {
    const pause = await this.#rotateOnce(key);
    // Requests at the limit ask for it all the time.
    setTimeout(() => this.#rotations.delete(key.id), pause).unref();
  }

  /** Answers for how long it is not to be tried again, milliseconds. */
  async #rotateOnce(key: CloudKey): Promise<number> {
    const { externalKeyId } = key;
    try {
      const keyVersion = await rotateAtLimit(
        {
          writes: this.#writes,
          tokens: this.#tokens,
          onWaiting: ({ message: problem }) =>
            this.#log.warn(
              { externalKeyId, problem },
              'the rotation of a CloudKey at its limit cannot be written yet; it goes on once it can',
            ),
        },
        key,
      );
      // Another worker or the schedule may be at it already.
      if (keyVersion !== undefined)
        this.#log.warn(
          { externalKeyId, keyVersion },
          'CloudKey rotated: the last version has done half of the encryptions it may',
        );
      this.#failures.delete(key.id);
      return askPause;
    } catch (error) {
      this.#log.error({ externalKeyId, ...wordsOf(error) }, 'CloudKey could not be rotated at its limit');
      const failures = this.#failures.get(key.id) ?? 0;
      this.#failures.set(key.id, failures + 1);
      return Math.min(longestPause, failurePause * 2 ** failures);
    }
  }
}

function wordsOf(error: unknown): { problem: string; wayOut?: string } {
  return error instanceof TokenError ? tokenWords(error) : { problem: (error as Error).message };
}
