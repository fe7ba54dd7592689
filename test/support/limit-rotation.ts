import type { VaultContext } from '../../src/vault/context.ts';
import { rotateAt } from '../../src/keys/encryption-limits.ts';
import type { CloudKeyRecord } from '../../src/keys/cloud-keys.ts';
import { rotateAtLimit } from '../../src/serving/limit-rotation.ts';
import { versionWritesInto, type VersionWrites } from '../../src/keys/limit-rotation-writes.ts';

type Key = Pick<CloudKeyRecord, 'id' | 'current_version'>;

let workers = 0;

/** An XKS worker, as far as rotations at the limit go: what it has written goes through `between` into the context's store. */
export class RotatingWorker {
  readonly instance = `xks-worker/${++workers}`;
  /** What it was told of steps that could not be written. */
  readonly waited: string[] = [];
  readonly #vaultContext: Pick<VaultContext, 'store' | 'tokens' | 'now'>;
  readonly #writes: VersionWrites;

  constructor(
    vaultContext: Pick<VaultContext, 'store' | 'tokens' | 'now'>,
    between: Partial<VersionWrites> = {},
  ) {
    this.#vaultContext = vaultContext;
    this.#writes = { ...versionWritesInto(vaultContext.store, vaultContext.now, this.instance), ...between };
  }

  async rotate({ id, current_version: currentVersion }: Key): Promise<number | undefined> {
    return rotateAtLimit(
      {
        writes: this.#writes,
        tokens: this.#vaultContext.tokens,
        onWaiting: ({ message }) => this.waited.push(message),
      },
      { id, currentVersion },
    );
  }
}

/** Half of what the current version may encrypt is leased. */
export async function bringToLimit(
  { store }: Pick<VaultContext, 'store'>,
  { id, current_version }: Key,
): Promise<void> {
  await store.db
    .updateTable('key_versions')
    .set({ encryptions_leased: rotateAt })
    .where('cloud_key_id', '=', id)
    .where('version', '=', current_version)
    .execute();
}
