import { existsSync, readdirSync, statSync, type Stats } from 'node:fs';
import path from 'node:path';
import type { LoadedConfig } from '../config/load.ts';
import { PlainFile } from '../store/plain-file.ts';
import { StoreError } from '../store/store-error.ts';
import { isFileFailure } from '../system-reason.ts';

type Owner = Pick<Stats, 'uid' | 'gid'>;

/** Who has the store, or its directory where there is none: as root, what is made beside it is theirs. */
function ownerOf({ storePath }: LoadedConfig): Owner | undefined {
  if (process.geteuid?.() !== 0) return undefined;
  return statSync(existsSync(storePath) ? storePath : path.dirname(storePath), { throwIfNoEntry: false });
}

/** Gives a file that we have just made. Throws StoreError where it is another by now. */
export function giveToOwner(config: LoadedConfig, file: string): void {
  const owner = ownerOf(config);
  if (owner !== undefined) PlainFile.use(file, (plain) => plain.setOwner(owner));
}

/**
 * Runs `work`, which may leave files of a node beside its store: locks, and what is remembered of PINs. However it ends they are
 * not left as root's, so that the service can use them.
 */
export async function leavingNothingToRoot<T>(config: LoadedConfig, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } finally {
    const owner = ownerOf(config);
    if (owner !== undefined && owner.uid !== 0) for (const file of leftBy(config)) give(file, owner);
  }
}

function leftBy({ storePath, node: { state_directory: directory } }: LoadedConfig): string[] {
  const inState = existsSync(directory) ? readdirSync(directory) : [];
  return [
    `${storePath}-lock`,
    ...inState
      .filter((name) => name === 'serve.lock' || /^(?:proven|refused)-pin\./.test(name))
      .map((name) => path.join(directory, name)),
  ];
}

/** One that is not root's was there before; one that cannot be given is no reason to call the work undone. */
function give(file: string, owner: Owner): void {
  try {
    PlainFile.use(file, (plain) => {
      if (plain.facts.uid === 0) plain.setOwner(owner);
    });
  } catch (error) {
    if (!isFileFailure(error) && !(error instanceof StoreError)) throw error;
  }
}
