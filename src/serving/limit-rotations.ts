import { setTimeout as delay } from 'node:timers/promises';
import { monotonicNow } from '../clock.ts';
import type { Logger } from '../log.ts';
import { wordsOfFailure } from '../token/remediations.ts';
import { BackOff } from '../vault/back-off.ts';
import type { VersionWrites } from '../keys/limit-rotation-writes.ts';
import { rotateAtLimit } from './limit-rotation.ts';
import type { CloudKey } from './served-records.ts';
import type { TokenPools } from '../vault/tokens.ts';

/** How long a failed rotation is not tried again, milliseconds: each try begins a version. */
const pauses = { first: 60_000, max: 3_600_000 };
/** How long it is not asked for again, milliseconds: requests at the limit ask for it all the time. */
const askPause = 1_000;

/** The rotations at the limit of one XKS worker: of each key one at a time, however many requests ask for it. */
export class LimitRotations {
  readonly #writes: VersionWrites;
  readonly #tokens: TokenPools;
  readonly #log: Logger;
  /** By CloudKey: under way, or just asked for. */
  readonly #rotations = new Map<string, Promise<void>>();
  readonly #backOff = new BackOff(monotonicNow, pauses);

  constructor(writes: VersionWrites, tokens: TokenPools, log: Logger) {
    this.#writes = writes;
    this.#tokens = tokens;
    this.#log = log;
  }

  /** The count of the key's version nears its limit: a new version takes over (promise 5). */
  due(key: CloudKey): void {
    if (this.#rotations.has(key.id) || !this.#backOff.mayTry(key.id)) return;
    this.#rotations.set(key.id, this.#rotate(key));
  }

  /** Those that are under way have ended, or so many milliseconds have passed. What is left then is for reconcile. */
  async settled(timeout: number): Promise<void> {
    await Promise.race([Promise.all(this.#rotations.values()), delay(timeout, undefined, { ref: false })]);
  }

  async #rotate(key: CloudKey): Promise<void> {
    await this.#rotateOnce(key);
    setTimeout(() => this.#rotations.delete(key.id), askPause).unref();
  }

  async #rotateOnce(key: CloudKey): Promise<void> {
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
      this.#backOff.succeeded(key.id);
    } catch (error) {
      this.#log.error(
        { externalKeyId, ...wordsOfFailure(error) },
        'CloudKey could not be rotated at its limit',
      );
      this.#backOff.failed(key.id);
    }
  }
}
