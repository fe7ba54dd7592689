import type { ReadingContext } from '../../vault/context.ts';
import { keyState, type CloudKeyRecord } from '../../keys/key-records.ts';
import type { Problem } from '../controller/problem.ts';
import type { Reading } from '../../vault/edits.ts';
import type { KmsKey } from './records.ts';

/** Whether CreateKey can be sent: `over` where the CloudKey is deleted, or what it waits for. */
export type Readiness = { cloudKey: CloudKeyRecord } | Problem | 'over';

export function isReady(readiness: Readiness): readiness is { cloudKey: CloudKeyRecord } {
  return readiness !== 'over' && 'cloudKey' in readiness;
}

/**
 * While CreateKey runs AWS asks the proxy for the external key, which must be enabled then, through a connected key
 * store (KMS Developer Guide, "Create a KMS key in an external key store"). Looked at here first: what is known to fail
 * is not sent.
 */
export async function readinessOf({ store: { db }, now }: ReadingContext, row: KmsKey): Promise<Readiness> {
  const found = await db
    .selectFrom('cloud_keys')
    .innerJoin('key_sets', 'key_sets.id', 'cloud_keys.key_set_id')
    .selectAll('cloud_keys')
    .innerJoin('vaults', 'vaults.id', 'key_sets.vault_id')
    .select(['key_sets.frozen_at', 'key_sets.external_key_store'])
    .select((eb) => eb.fn.coalesce('vaults.frozen_at', 'vaults.appliance_frozen_at').as('vault_frozen_at'))
    .where('cloud_keys.id', '=', row.cloud_key_id)
    .executeTakeFirst();
  if (found === undefined) return 'over';
  const { frozen_at, external_key_store, vault_frozen_at, ...cloudKey } = found;
  const state = keyState(cloudKey, now());
  if (state === 'DELETED') return 'over';
  const waiting = (code: string, message: string, remediation: string) =>
    waitingFor(code, message, remediation, now());
  if (state === 'CREATING')
    return waiting('CloudKeyIsBeingMade', 'the CloudKey is being made', 'it continues automatically');
  if (state !== 'AVAILABLE')
    return waiting(
      'CloudKeyNotAvailable',
      `the CloudKey is ${state}: AWS makes a KMS key only for one that is enabled`,
      state === 'PENDING_DELETION'
        ? 'cancel its deletion and enable it (holdfast cloud-key); it continues automatically then'
        : 'enable the CloudKey (holdfast cloud-key enable); it continues automatically then',
    );
  if (vault_frozen_at !== null)
    return waiting(
      'KeySetNotServing',
      'the vault is frozen',
      'thaw it (holdfast vault thaw); it continues automatically then',
    );
  if (frozen_at !== null || external_key_store === 0)
    return waiting(
      'KeySetNotServing',
      frozen_at === null ? 'the key set is no external key store' : 'the key set is frozen',
      frozen_at === null
        ? 'make it one (holdfast key-set edit); it continues automatically then'
        : 'thaw it (holdfast key-set thaw); it continues automatically then',
    );
  return (await storeReadiness(db, row, waiting)) ?? { cloudKey };
}

async function storeReadiness(
  db: Reading,
  { external_key_store_id }: KmsKey,
  waiting: (code: string, message: string, remediation: string) => Problem,
): Promise<Problem | undefined> {
  const { custom_key_store_id, state } = await db
    .selectFrom('external_key_stores')
    .select(['custom_key_store_id', 'state'])
    .where('id', '=', external_key_store_id)
    .executeTakeFirstOrThrow();
  if (custom_key_store_id === '' || state === 'NOT_FOUND')
    return waiting(
      'KeyStoreNotThere',
      'the external key store is not there in AWS',
      'see holdfast external-key-store show; it continues automatically once the key store is connected',
    );
  // UNKNOWN is what nobody has looked at: AWS says itself whether it is connected.
  if (state === 'CONNECTED' || state === 'UNKNOWN') return undefined;
  return waiting(
    'KeyStoreNotConnected',
    `the external key store is ${state}, and AWS makes KMS keys only in one that is CONNECTED`,
    state === 'CONNECTING' || state === 'CREATING'
      ? 'AWS takes some minutes; it continues automatically then'
      : 'connect it (holdfast external-key-store connect); it continues automatically then',
  );
}

/** Something that is not there yet; it continues automatically once it is. */
function waitingFor(code: string, message: string, remediation: string, now: Date): Problem {
  const at = now.toISOString();
  return { operation: 'CreateKey', fault: 'waiting', code, message, remediation, at, times: 0 };
}
