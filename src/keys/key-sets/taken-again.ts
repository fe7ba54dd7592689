import { record, type Act } from '../../evidence/trail.ts';
import { restricts } from '../../store/read-back.ts';
import type { ChangeTransaction } from '../../store/store.ts';
import type { Taken } from '../../store/taken.ts';
import { bumpRecord } from '../../vault/edit-record.ts';
import type { CloudKeyRecord } from '../key-records.ts';

/* What was taken away once, and the store has lost, is taken away again. Each answers whether a record was changed by it. */

/** Refused, or usable for less or not as long: then so is the CloudKey again. One that was deleted is DISABLED. */
export async function restrictKeyAgain(
  trx: ChangeTransaction,
  act: Act,
  externalKeyId: string,
  taken: Taken,
): Promise<boolean> {
  const before = await trx
    .selectFrom('cloud_keys')
    .selectAll()
    .where('external_key_id', '=', externalKeyId)
    .executeTakeFirst();
  if (before === undefined || before.state === 'CREATING' || before.state === 'DELETED') return false;
  const change = restrictionOf(before, taken);
  if (Object.keys(change).length === 0) return false;
  const after = await bumpRecord(trx, 'cloud_keys', before, change);
  restricts(trx, 'what is taken away again of the CloudKey', async () => {
    const now = await trx.selectFrom('cloud_keys').selectAll().where('id', '=', before.id).executeTakeFirst();
    return (
      now !== undefined &&
      Object.entries(change).every(([name, value]) => now[name as keyof typeof now] === value)
    );
  });
  await record(trx, act, {
    action: 'state' in change ? 'cloud-key.disable' : 'cloud-key.update',
    vaultId: before.listed_in,
    target: { kind: 'cloud-key', id: before.id, name: before.name },
    before: { state: before.state, expiresAt: before.expires_at, ...usagesOf(before) },
    after: { state: after.state, expiresAt: after.expires_at, ...usagesOf(after) },
  });
  return true;
}

type Restricted = Pick<CloudKeyRecord, 'state' | 'expires_at' | 'can_encrypt' | 'can_decrypt'>;

/** What of the record has to be another for that. */
function restrictionOf(before: Restricted, { refused, expiresAt, without = [] }: Taken): Partial<Restricted> {
  const endsEarlier =
    expiresAt !== undefined && (before.expires_at === null || before.expires_at > expiresAt);
  return {
    ...(refused !== undefined && before.state === 'AVAILABLE' ? { state: 'DISABLED' } : {}),
    ...(endsEarlier ? { expires_at: expiresAt } : {}),
    ...(without.includes('ENCRYPT') && before.can_encrypt === 1 ? { can_encrypt: 0 } : {}),
    ...(without.includes('DECRYPT') && before.can_decrypt === 1 ? { can_decrypt: 0 } : {}),
  };
}

function usagesOf({ can_encrypt, can_decrypt }: { can_encrypt: number; can_decrypt: number }) {
  return { encrypt: can_encrypt === 1, decrypt: can_decrypt === 1 };
}

/** Its state was one in which no key of it is served. */
export async function freezeKeySetAgain(trx: ChangeTransaction, act: Act, id: string): Promise<boolean> {
  const before = await trx.selectFrom('key_sets').selectAll().where('id', '=', id).executeTakeFirst();
  if (before === undefined || before.removed_at !== null || before.frozen_at !== null) return false;
  const at = trx.at.toISOString();
  await bumpRecord(trx, 'key_sets', before, { frozen_at: at });
  restricts(trx, 'the freeze of the key set', async () => {
    const now = await trx.selectFrom('key_sets').select('frozen_at').where('id', '=', id).executeTakeFirst();
    return now?.frozen_at === at;
  });
  await record(trx, act, {
    ...{ action: 'key-set.freeze', vaultId: before.vault_id },
    target: { kind: 'key-set', id, name: before.name },
    before: { frozenSince: null },
    after: { frozenSince: at },
  });
  return true;
}

/** Withdrawn, or with an earlier end. */
export async function endCredentialAgain(
  trx: ChangeTransaction,
  act: Act,
  accessKeyId: string,
  { refused, expiresAt }: Taken,
): Promise<boolean> {
  const before = await trx
    .selectFrom('xks_credentials')
    .selectAll()
    .where('access_key_id', '=', accessKeyId)
    .executeTakeFirst();
  if (before === undefined || before.withdrawn_at !== null) return false;
  const at = trx.at.toISOString();
  const ends = expiresAt !== undefined && (before.expires_at === null || before.expires_at > expiresAt);
  if (refused === undefined && !ends) return false;
  const change =
    refused === undefined
      ? { expires_at: expiresAt ?? at }
      : { withdrawn_at: at, withdrawn_why: 'WITHDRAWN' as const };
  await bumpRecord(trx, 'xks_credentials', before, change);
  restricts(trx, 'the end of the credential', async () => {
    const now = await trx
      .selectFrom('xks_credentials')
      .selectAll()
      .where('access_key_id', '=', accessKeyId)
      .executeTakeFirst();
    return (
      now !== undefined &&
      Object.entries(change).every(([name, value]) => now[name as keyof typeof now] === value)
    );
  });
  const keySet = await trx
    .selectFrom('key_sets')
    .select(['name', 'vault_id'])
    .where('id', '=', before.key_set_id)
    .executeTakeFirstOrThrow();
  await record(trx, act, {
    action: refused === undefined ? 'credential.update' : 'credential.withdraw',
    vaultId: keySet.vault_id,
    target: { kind: 'credential', id: accessKeyId, name: keySet.name },
    before: { withdrawnAt: null, expiresAt: before.expires_at },
    after: { withdrawnAt: null, expiresAt: before.expires_at, ...shownOf(change) },
  });
  return true;
}

function shownOf(change: { expires_at?: string; withdrawn_at?: string }) {
  return change.withdrawn_at === undefined
    ? { expiresAt: change.expires_at }
    : { withdrawnAt: change.withdrawn_at };
}
