import { monotonicNow, wallClock } from '../clock.ts';
import type { Logger } from '../log.ts';
import type { TokenError } from '../token/faults.ts';
import type { CloudKey, KeyVersion, ServedKeySet } from './served-records.ts';
import type { UnfitNote } from '../keys/unfit-note.ts';

/** The same version is told again after so long, milliseconds. */
const pause = 60_000;
/** So many are remembered as told. */
const maxRemembered = 10_000;

/**
 * What XKS workers find of key objects that are not the keys on record: in the log at once, and with the version, where the
 * management API and reconcile have it from, until it is the right one again.
 */
export class UnfitKeys {
  readonly #write: (note: UnfitNote) => Promise<void>;
  readonly #log: Logger;
  /** When each was told last, by the machine's monotonic clock. */
  readonly #told = new Map<string, number>();
  /** Versions as they were remembered when they were found good again: told once. */
  readonly #cleared = new WeakSet<KeyVersion>();

  /** `write` resolves once it is in the store. */
  constructor(write: (note: UnfitNote) => Promise<void>, log: Logger) {
    this.#write = write;
    this.#log = log;
  }

  found(keySet: ServedKeySet, key: CloudKey, { version }: KeyVersion, error: TokenError): void {
    const why = error.detail ?? error.message;
    if (!this.#isDue(`${key.id}:${version}`)) return;
    this.#log.error(
      { ...named(keySet, key, version), problem: why },
      'the key object in the token is not the key on record: nothing is done with it, and requests for this key fail',
    );
    this.#note(key, version, why);
  }

  /** A request was done with the version, but not by these members of an HSM group. */
  notOn(
    keySet: ServedKeySet,
    key: CloudKey,
    { version }: KeyVersion,
    members: ReadonlyMap<string, TokenError>,
  ): void {
    for (const [member, error] of members)
      if (this.#isDue(`${key.id}:${version}:${member}`))
        this.#log.error(
          {
            ...named(keySet, key, version),
            member,
            fault: error.fault,
            problem: error.detail ?? error.message,
          },
          'a member of the HSM group does not have the key as it is on record: other members serve it',
        );
  }

  #isDue(name: string): boolean {
    if (monotonicNow() - (this.#told.get(name) ?? -Infinity) < pause) return false;
    if (this.#told.size >= maxRemembered) this.#told.clear();
    this.#told.set(name, monotonicNow());
    return true;
  }

  /** A request was done with the version, so that it is the right one. */
  good(key: CloudKey, version: KeyVersion): void {
    if (!version.unfit && this.#told.size === 0) return;
    const wasTold = this.#told.delete(`${key.id}:${version.version}`);
    if (!wasTold && (!version.unfit || this.#cleared.has(version))) return;
    this.#cleared.add(version);
    this.#note(key, version.version, undefined);
  }

  #note({ id: cloudKeyId }: CloudKey, version: number, why: string | undefined): void {
    const unfit = why === undefined ? undefined : { since: wallClock().toISOString(), why };
    this.#write({ cloudKeyId, version, unfit }).catch((error: unknown) =>
      this.#log.warn(
        { cloudKeyId, keyVersion: version, problem: (error as Error).message },
        'what was found of a key object could not be written yet',
      ),
    );
  }
}

function named(
  { token, vaultId, id: keySetId, name: keySet }: ServedKeySet,
  { id: cloudKeyId, externalKeyId }: CloudKey,
  keyVersion: number,
): object {
  return { token, vaultId, keySetId, keySet, cloudKeyId, externalKeyId, keyVersion };
}
