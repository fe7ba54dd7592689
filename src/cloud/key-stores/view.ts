import type { CredentialState, UsedCredential } from '../../keys/credentials/credential-records.ts';
import { credentialsAround, credentialState } from '../../keys/credentials/credential-records.ts';
import type { ExternalKeyStore } from './records.ts';
import type { VaultContext } from '../../vault/context.ts';
import type { KeySet } from '../../keys/key-sets/key-set-records.ts';
import { xksUriPath } from '../../vault/names.ts';

/** A credential that AWS has, is about to have, or had, and when it was last seen with it. */
export interface StoreCredential {
  accessKeyId: string;
  role: 'CURRENT' | 'PENDING' | 'OLD';
  /** UNKNOWN: none of the key set. */
  state: CredentialState | 'UNKNOWN';
  lastSeenAt: string | null;
}

export interface StoreWarning {
  code: 'CREDENTIAL_NOT_LIVE' | 'PATH_DIFFERS' | 'NOT_SERVED';
  message: string;
  remediation: string;
}

/** What of its key set an external key store is shown with. */
export type KeySetOfStore = Pick<KeySet, 'id' | 'name' | 'path_prefix' | 'external_key_store'>;

export interface StoreView {
  row: ExternalKeyStore;
  keySet: KeySetOfStore;
  credentials: StoreCredential[];
  warnings: StoreWarning[];
}

/** Records of one key set with what is to be said of them beside: their credentials, and what does not fit. */
export async function viewsOf(
  context: Pick<VaultContext, 'store' | 'now'>,
  keySet: KeySetOfStore,
  rows: readonly ExternalKeyStore[],
): Promise<StoreView[]> {
  return viewsAcross(
    context,
    rows.map((row) => ({ row, keySet })),
  );
}

/** The same of several key sets, in as many statements as of one. */
export async function viewsAcross(
  context: Pick<VaultContext, 'store' | 'now'>,
  stores: readonly Pick<StoreView, 'row' | 'keySet'>[],
): Promise<StoreView[]> {
  const given = stores.flatMap(({ row }) => [row.access_key_id, row.pending_access_key_id]);
  const found = await credentialsAround(
    context,
    given.filter((id) => id !== ''),
  );
  // AWS may name a credential that is another key set's, of another vault even: of that one nothing is told.
  const ofKeySet = Map.groupBy(found, ({ key_set_id }) => key_set_id);
  const now = context.now();
  return stores.map(({ row, keySet }) => {
    const credentials = credentialsOf(row, ofKeySet.get(keySet.id) ?? [], now);
    return { row, keySet, credentials, warnings: warningsOf(row, keySet, credentials) };
  });
}

function credentialsOf(row: ExternalKeyStore, all: readonly UsedCredential[], now: Date): StoreCredential[] {
  const shown = (accessKeyId: string, role: StoreCredential['role']): StoreCredential => {
    const credential = all.find((one) => one.access_key_id === accessKeyId);
    return {
      accessKeyId,
      role,
      state: credential === undefined ? 'UNKNOWN' : credentialState(credential, now),
      lastSeenAt: credential?.last_seen_at ?? null,
    };
  };
  const old = all.filter(
    (one) =>
      one.successor !== null &&
      one.successor === row.access_key_id &&
      credentialState(one, now) === 'LIVE' &&
      one.access_key_id !== row.pending_access_key_id,
  );
  return [
    ...(row.access_key_id === '' ? [] : [shown(row.access_key_id, 'CURRENT')]),
    ...(row.pending_access_key_id === '' ? [] : [shown(row.pending_access_key_id, 'PENDING')]),
    ...old.map((one) => shown(one.access_key_id, 'OLD')),
  ];
}

function warningsOf(
  row: ExternalKeyStore,
  keySet: KeySetOfStore,
  credentials: readonly StoreCredential[],
): StoreWarning[] {
  if (row.state === 'NOT_FOUND') return [];
  const current = credentials.find(({ role }) => role === 'CURRENT');
  const path = xksUriPath(keySet.path_prefix);
  return [
    ...(current === undefined || current.state === 'LIVE'
      ? []
      : [
          {
            code: 'CREDENTIAL_NOT_LIVE' as const,
            message: 'the credential that AWS has is not a live one of the key set: AWS is refused',
            remediation: 'holdfast external-key-store rotate-credential gives AWS a new one',
          },
        ]),
    ...(row.uri_path === '' || row.uri_path === path
      ? []
      : [
          {
            code: 'PATH_DIFFERS' as const,
            message: `AWS has the path ${row.uri_path}, the key set ${path}`,
            remediation: 'holdfast external-key-store edit --restore-path sets it in AWS',
          },
        ]),
    ...(keySet.external_key_store === 1
      ? []
      : [
          {
            code: 'NOT_SERVED' as const,
            message: 'the key set is not an external key store any more: AWS is refused',
            remediation: 'holdfast key-set edit --external-key-store yes',
          },
        ]),
  ];
}
