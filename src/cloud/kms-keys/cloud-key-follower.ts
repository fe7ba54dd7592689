import { record, type Act } from '../../evidence/trail.ts';
import type { ActTransaction } from '../../store/store.ts';
import { editRecord } from '../../vault/edit-record.ts';
import type { KeyFollower } from '../../keys/followers.ts';
import type { CloudKeyRecord } from '../../keys/key-records.ts';
import { wantedChange, type KmsKeyWanted } from './acts.ts';
import type { LoggedAwsContext } from '../controller/context.ts';
import { checkNoStores } from '../key-stores/checks.ts';
import { attemptAll } from './attempts.ts';
import { createKmsKeyOfNewKey } from './create.ts';
import type { KmsKeyOfNewKey } from './new-key.ts';
import { following, withFollowUp } from './edit.ts';
import { accountOfStore, factsOf } from './policy.ts';
import {
  auditedKmsKey,
  isManual,
  kmsKeyEntry,
  kmsKeys,
  kmsKeysOf,
  problemOf,
  type KmsKey,
} from './records.ts';
import type { KmsKeyChange } from './changes.ts';
import type { Problem } from '../controller/problem.ts';

declare module '../../keys/followers.ts' {
  interface FollowerInputs {
    /** Its KMS key in AWS; made by itself where the key set can, if left out. */
    kmsKey?: KmsKeyOfNewKey | undefined;
  }
}

/** KMS keys go along with their CloudKeys, external key stores with their key sets. */
export const awsFollower: KeyFollower = {
  created: async (trx, act, keySet, key, { kmsKey }) => createKmsKeyOfNewKey(trx, act, keySet, key, kmsKey),
  undone: forgetUnmade,
  changed: followCloudKey,
  wanted: wantedOfCloudKey,
  checkFree: checkNoStores,
};

/** What an act on a CloudKey came to at one of its KMS keys. */
export interface CloudOutcome {
  kmsKeyId: string;
  region: string;
  keyArn: string | null;
  /**
   * `pending`: AWS has not answered yet, or failed; it stays wanted and is repeated. `by-hand`: nothing here signs in to
   * AWS. `no-key`: there is no KMS key that it could be done to.
   */
  outcome: 'done' | 'pending' | 'by-hand' | 'no-key';
  problem: Problem | null;
}

async function kmsKeysIn(trx: ActTransaction, cloudKeyId: string): Promise<KmsKey[]> {
  return kmsKeys(trx)
    .where('kms_keys.cloud_key_id', '=', cloudKeyId)
    .where('kms_keys.step', '<>', 'GONE')
    .execute();
}

/**
 * Within the transaction that does it to the CloudKey: what is wanted of its KMS keys. Ours takes effect with the
 * transaction, whatever AWS does.
 */
async function wantedOfCloudKey(
  trx: ActTransaction,
  act: Act,
  cloudKeyId: string,
  wanted: KmsKeyWanted,
  days: number | null = null,
): Promise<void> {
  for (const row of await kmsKeysIn(trx, cloudKeyId)) {
    if (isManual(row) || isBesideThePoint(row, wanted)) continue;
    if (row.key_id !== '')
      await change(trx, act, row, wantedVerb(wanted), wantedChange(wanted, days, act.at));
    // Whatever may have been made of it goes too, once it is found.
    else if (wanted === 'SCHEDULE_DELETION')
      await change(trx, act, row, 'delete', {
        leaving: 'DELETE',
        ...wantedChange(wanted, days, act.at),
      });
  }
}

/** One that is to be deleted is out of use already; and only of such a one a deletion is cancelled. */
function isBesideThePoint(row: KmsKey, wanted: KmsKeyWanted): boolean {
  const isGoing = row.cloud_wish === 'PENDING_DELETION' || row.cloud_status === 'PENDING_DELETION';
  return isGoing ? wanted === 'DISABLE' : wanted === 'CANCEL_DELETION';
}

function wantedVerb(wanted: KmsKeyWanted): string {
  return wanted.toLowerCase().replaceAll('_', '-');
}

/** AWS was asked for nothing: that begins once the CloudKey is AVAILABLE. */
async function forgetUnmade(trx: ActTransaction, cloudKeyId: string): Promise<void> {
  await trx.deleteFrom('kms_keys').where('cloud_key_id', '=', cloudKeyId).execute();
}

/** Within the transaction that changes the CloudKey: what its KMS keys have as the CloudKey has it follows. */
async function followCloudKey(
  trx: ActTransaction,
  act: Act,
  before: CloudKeyRecord,
  after: CloudKeyRecord,
  apply: boolean,
): Promise<void> {
  for (const row of await kmsKeysIn(trx, after.id)) {
    const account = await accountOfStore(trx, row.external_key_store_id);
    const input = following(row, before, after, factsOf(account, row));
    await change(trx, act, row, 'update', withFollowUp(row, input, apply, act.at));
  }
}

async function change(
  trx: ActTransaction,
  act: Act,
  row: KmsKey,
  verb: string,
  to: KmsKeyChange,
): Promise<void> {
  const after = await editRecord(trx, 'kms_keys', row, to);
  if (after === undefined) return;
  await record(trx, act, {
    ...kmsKeyEntry(verb, after),
    before: auditedKmsKey(row),
    after: auditedKmsKey(after),
  });
}

/** Has AWS do what is wanted of the KMS keys of a CloudKey, for so many milliseconds at the most; it goes on after that. */
export async function outcomesInAws(
  context: LoggedAwsContext,
  cloudKeyId: string,
  timeout: number,
): Promise<CloudOutcome[]> {
  const rows = (await kmsKeysOf(context, [cloudKeyId])).get(cloudKeyId) ?? [];
  const ids = rows.filter((row) => !isManual(row)).map(({ id }) => id);
  await attemptAll(context, ids, timeout);
  const after = await kmsKeys(context.store.db)
    .where('kms_keys.id', 'in', rows.length === 0 ? [''] : rows.map(({ id }) => id))
    .orderBy('kms_keys.created_at')
    .execute();
  return after.map((row) => outcomeOf(row));
}

function outcomeOf(row: KmsKey): CloudOutcome {
  const common = {
    kmsKeyId: row.id,
    region: row.region,
    keyArn: row.key_arn === '' ? null : row.key_arn,
    problem: null,
  };
  if (row.key_id === '' && row.wanted === null) return { ...common, outcome: 'no-key' };
  if (isManual(row)) return { ...common, outcome: 'by-hand' };
  const isOpen = row.wanted !== null || row.to_apply !== '[]';
  return isOpen ? { ...common, outcome: 'pending', problem: problemOf(row) } : { ...common, outcome: 'done' };
}
