import type { Store } from '../store/store.ts';

/** That the key object of a version is not the key on record; without `unfit` that it is. */
export interface UnfitNote {
  cloudKeyId: string;
  version: number;
  /** `since`: ISO 8601, UTC. */
  unfit?: { since: string; why: string } | undefined;
}

/** Notes what was found of the key object, or that it is the right one again. */
export async function writeUnfit(
  store: Pick<Store, 'bookkeep'>,
  { cloudKeyId, version, unfit }: UnfitNote,
): Promise<void> {
  await store.bookkeep('found in a token', async (trx) =>
    trx
      .updateTable('key_versions')
      .set({ unfit_since: unfit?.since ?? null, unfit_why: unfit?.why ?? null })
      .where('cloud_key_id', '=', cloudKeyId)
      .where('version', '=', version)
      // The first time is kept.
      .where('unfit_since', unfit === undefined ? 'is not' : 'is', null)
      .execute(),
  );
}
