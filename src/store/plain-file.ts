import { chmodSync, chownSync, closeSync, constants, fstatSync, openSync, type Stats } from 'node:fs';
import { StoreError } from './store-error.ts';

/** open(2): names the file and opens nothing of it, so that closing it gives up no lock that this process has on it. */
const pathOnly = 0x20_0000;

/**
 * Changes a file in a directory that another user may own, as root may: what is no plain file, or for root one with a second name, is refused,
 * and what is changed is what was looked at, whatever has its name by then. Throws StoreError, and what the system says.
 */
export class PlainFile {
  readonly facts: Stats;
  readonly #descriptor: number;

  private constructor(descriptor: number, facts: Stats) {
    this.#descriptor = descriptor;
    this.facts = facts;
  }

  static use<T>(file: string, act: (plain: PlainFile) => T): T {
    const descriptor = openSync(file, pathOnly | constants.O_NOFOLLOW);
    try {
      const facts = fstatSync(descriptor);
      // Somebody else's file under a second name: whoever is not root can do nothing to it.
      const isAnothers = facts.nlink > 1 && process.geteuid?.() === 0;
      if (!facts.isFile() || isAnothers)
        throw new StoreError(
          'not-permitted',
          `${file} is a link or no plain file, and stands where Holdfast keeps one of its own`,
          `see who made it (ls -l ${file}), and remove it`,
        );
      return act(new PlainFile(descriptor, facts));
    } finally {
      closeSync(descriptor);
    }
  }

  setMode(mode: number): void {
    if ((this.facts.mode & 0o7777) !== mode) chmodSync(this.#path, mode);
  }

  setOwner({ uid, gid }: Pick<Stats, 'uid' | 'gid'>): void {
    chownSync(this.#path, uid, gid);
  }

  get #path(): string {
    return `/proc/self/fd/${this.#descriptor}`;
  }
}
