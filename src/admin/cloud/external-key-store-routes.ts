import { z } from 'zod';
import type { ExternalKeyStore } from '../../cloud/key-stores/records.ts';
import { viewsOf, type StoreView } from '../../cloud/key-stores/view.ts';
import { getKeySet, type KeySet } from '../../keys/key-sets/key-sets.ts';
import { vaultId } from '../keys/key-forms.ts';
import type { ProblemKind } from '../problem.ts';
import { callerOf, type Call } from '../route.ts';
import { showStore } from './external-key-store-forms.ts';

/* What all routes on an external key store share: where it is, and how it is shown after an act on it. */

export const tag = 'External key stores';
export const path = '/vaults/{vaultId}/key-sets/{keySetId}/external-key-stores';
const keySetId = z.uuid().describe('The key set.');
export const inKeySet = z.strictObject({ vaultId, keySetId });
export const one = z.strictObject({
  vaultId,
  keySetId,
  externalKeyStoreId: z.uuid().describe('The external key store.'),
});
export const read = { kind: 'permission', vault: 'vault.read' } as const;
export const write = { kind: 'permission', vault: 'key-sets.write' } as const;
export const issues = { kind: 'permission', vault: 'credentials.write' } as const;
/** What AWS may answer. */
export const problems: readonly ProblemKind[] = ['conflict', 'aws', 'aws-busy'];

export type InKeySet = Pick<
  Call<{ vaultId: string; keySetId: string }, unknown, unknown>,
  'services' | 'caller' | 'params' | 'act'
>;
export type OnOne = Pick<
  Call<z.output<typeof one>, unknown, unknown>,
  'services' | 'caller' | 'params' | 'expected'
>;

export async function keySetOf(call: Pick<InKeySet, 'services' | 'caller' | 'params'>): Promise<KeySet> {
  return getKeySet(call.services, call.params.vaultId, callerOf(call).sight, call.params.keySetId);
}

export async function onStore(call: OnOne) {
  return { keySet: await keySetOf(call), id: call.params.externalKeyStoreId, expected: call.expected };
}

export async function viewOf(
  call: Pick<InKeySet, 'services'>,
  keySet: KeySet,
  row: ExternalKeyStore,
): Promise<StoreView> {
  const [view] = await viewsOf(call.services, keySet, [row]);
  return view ?? { row, keySet, credentials: [], warnings: [] };
}

export async function shown(call: Pick<InKeySet, 'services'>, keySet: KeySet, row: ExternalKeyStore) {
  return { body: showStore(await viewOf(call, keySet, row)), rowVersion: row.row_version };
}
