import { record, type Act } from '../../evidence/trail.ts';
import type { ChangeTransaction } from '../../store/store.ts';
import { bumpRecord } from '../../vault/edit-record.ts';
import type { Edit } from '../../vault/edits.ts';
import type { KeySet } from '../key-sets/key-set-records.ts';
import { auditedCredential, credentialEntry, credentialWillStand } from './credential-records.ts';

/* How XKS credentials come to their end where nobody asks for that of one by name. */

/** No request signed with it succeeds from the transaction's end on. One of another key set is left alone. */
export async function withdrawIn(
  trx: ChangeTransaction,
  act: Act,
  keySet: KeySet,
  accessKeyId: string,
): Promise<void> {
  await change(trx, act, keySet, accessKeyId, 'withdraw', {
    withdrawn_at: act.at.toISOString(),
    withdrawn_why: 'WITHDRAWN',
  });
}

/** `next` takes the place of `old`, which retires by itself once it is quiet. One that is withdrawn already is left alone. */
// oxlint-disable-next-line max-params -- two credentials, each told by its place in the order of time
export async function nameSuccessor(
  trx: ChangeTransaction,
  act: Act,
  keySet: KeySet,
  old: string,
  next: string,
  quietMinutes: number,
): Promise<void> {
  await change(trx, act, keySet, old, 'update', { successor: next, retire_after_minutes: quietMinutes });
}

/** It ended when it said it would, or is retired since its successor has taken its place: written with `at` as its end. */
export async function endCredential(
  trx: ChangeTransaction,
  act: Act,
  credential: { access_key_id: string; row_version: number; name: string; vault_id: string },
  why: 'EXPIRED' | 'RETIRED',
  at: string,
): Promise<void> {
  await bumpRecord(trx, 'xks_credentials', credential, { withdrawn_at: at, withdrawn_why: why });
  credentialWillStand(trx, credential.access_key_id, { withdrawn_at: at });
  await record(trx, act, {
    action: `credential.${why === 'EXPIRED' ? 'expire' : 'retire'}`,
    vaultId: credential.vault_id,
    target: { kind: 'credential', id: credential.access_key_id, name: credential.name },
    after: { withdrawnAt: at, withdrawnWhy: why },
  });
}

// oxlint-disable-next-line max-params -- told apart by their types and names in one place
async function change(
  trx: ChangeTransaction,
  act: Act,
  keySet: KeySet,
  accessKeyId: string,
  verb: string,
  to: Edit<{
    successor: string;
    retire_after_minutes: number;
    withdrawn_at: string;
    withdrawn_why: 'WITHDRAWN';
  }>,
): Promise<void> {
  const before = await trx
    .selectFrom('xks_credentials')
    .selectAll()
    .where('access_key_id', '=', accessKeyId)
    .where('key_set_id', '=', keySet.id)
    .where('withdrawn_at', 'is', null)
    .executeTakeFirst();
  if (before === undefined) return;
  const after = await bumpRecord(trx, 'xks_credentials', before, to);
  if (to.withdrawn_at !== undefined) credentialWillStand(trx, accessKeyId, to);
  await record(trx, act, {
    ...credentialEntry(verb, keySet, accessKeyId),
    before: auditedCredential(before),
    after: auditedCredential(after),
  });
}
