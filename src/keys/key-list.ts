import { idsOfKeysCalled } from './key-names.ts';
import { beginsWith, beginsWithByIndex } from '../vault/begins-with.ts';
import type { CloudKeyState } from '../store/schema.ts';
import type { VaultContext, Sight } from '../vault/context.ts';
import { listedCloudKeys, type UsedCloudKey } from './key-records.ts';
import { notByIndex, readPage, type Page, type PageInput } from '../vault/page.ts';

export interface CloudKeyFilter {
  keySetId?: string | undefined;
  region?: string | undefined;
  state?: CloudKeyState | undefined;
  /** Beginning of the name. */
  name?: string | undefined;
  externalKeyId?: string | undefined;
  /** Any name that somebody may have for it: see {@link idsOfKeysCalled}. */
  called?: string | undefined;
}

/** What a list may be sorted by. */
export const cloudKeyOrders = {
  name: 'cloud_keys.name',
  region: 'cloud_keys.region',
  createdAt: 'cloud_keys.created_at',
  updatedAt: 'cloud_keys.updated_at',
} as const;

export async function listCloudKeys(
  context: Pick<VaultContext, 'store' | 'now'>,
  vaultId: string,
  sight: Sight,
  { keySetId, region, state, name, externalKeyId, called }: CloudKeyFilter,
  page: PageInput,
): Promise<Page<UsedCloudKey>> {
  const { db } = context.store;
  let query = listedCloudKeys(db, vaultId, sight, keySetId);
  let through = db
    .selectFrom('cloud_keys')
    .where(
      keySetId === undefined ? 'cloud_keys.listed_in' : 'cloud_keys.key_set_id',
      '=',
      keySetId ?? vaultId,
    );
  if (called !== undefined) {
    const ids = await idsOfKeysCalled(db, { vaultId }, called);
    query = query.where('cloud_keys.id', 'in', ids.length === 0 ? [''] : ids);
  }
  if (region !== undefined)
    query = query.where((eb) => eb(notByIndex(eb.ref('cloud_keys.region')), '=', region));
  if (externalKeyId !== undefined) query = query.where('cloud_keys.external_key_id', '=', externalKeyId);
  if (name !== undefined && (page.sort === undefined || page.sort.endsWith('name'))) {
    query = query.where((eb) => beginsWithByIndex(eb.ref('cloud_keys.name'), name));
    through = through.where((eb) => beginsWithByIndex(eb.ref('cloud_keys.name'), name));
  } else if (name !== undefined) query = query.where((eb) => beginsWith(eb.ref('cloud_keys.name'), name));
  if (state !== undefined) {
    const now = context.now().toISOString();
    // As keyState() has it: the schedule may not have written EXPIRED yet.
    query = query.where((eb) => {
      const is = eb(notByIndex(eb.ref('cloud_keys.state')), '=', state);
      const over = eb.and([
        eb(notByIndex(eb.ref('cloud_keys.state')), 'in', ['AVAILABLE', 'DISABLED']),
        eb(notByIndex(eb.ref('cloud_keys.expires_at')), 'is not', null),
        eb(notByIndex(eb.ref('cloud_keys.expires_at')), '<=', now),
      ]);
      return state === 'EXPIRED' ? eb.or([is, over]) : eb.and([is, eb.not(over)]);
    });
  }
  return readPage(
    query,
    externalKeyId === undefined && called === undefined ? through : 'few',
    cloudKeyOrders,
    'cloud_keys.id',
    page,
  );
}
