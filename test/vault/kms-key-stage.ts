import { KmsKeys } from '../../src/aws/kms-keys.ts';
import type { Store } from '../../src/store/store.ts';
import { awsAccountOf, type AwsHouse } from '../../src/vault/aws-house.ts';
import { createCloudKey, type CloudKeyRecord, type NewKeyWish } from '../../src/vault/cloud-keys.ts';
import type { OnKmsKey } from '../../src/vault/kms-key-acts.ts';
import { advanceKmsKey } from '../../src/vault/kms-key-pipeline.ts';
import { kmsKeys, type KmsKey } from '../../src/vault/kms-key-records.ts';
import { fresh } from '../support/vault.ts';
import { region, type KeySetInAws, type Stage } from './external-key-store-stage.ts';

/** A new CloudKey of the key set, with a pointer unless the wish says otherwise; AWS has not been asked for anything. */
export async function newCloudKey(
  { house, act, vaultId }: Pick<Stage, 'house' | 'act' | 'vaultId'>,
  { keySet }: Pick<KeySetInAws, 'keySet'>,
  wish: Partial<NewKeyWish> = {},
): Promise<CloudKeyRecord> {
  return createCloudKey(house, act(), vaultId, 'all', {
    name: fresh('key'),
    keySetId: keySet.id,
    region,
    ...wish,
  });
}

/** The only pointer of a CloudKey. */
export async function pointerOf(
  { house }: { house: Pick<AwsHouse, 'store'> },
  { id }: Pick<CloudKeyRecord, 'id'>,
): Promise<KmsKey> {
  return kmsKeys(house.store.db).where('kms_keys.cloud_key_id', '=', id).executeTakeFirstOrThrow();
}

/** A CloudKey whose KMS key and alias are there. */
export async function newKmsKey(
  stage: Stage,
  set: KeySetInAws,
  wish: Partial<NewKeyWish> = {},
): Promise<{ cloudKey: CloudKeyRecord; pointer: KmsKey }> {
  const cloudKey = await newCloudKey(stage, set, wish);
  const { id } = await pointerOf(stage, cloudKey);
  await advanceKmsKey(stage.house, id);
  const pointer = await pointerOf(stage, cloudKey);
  if (pointer.step !== 'DONE') throw new Error(`it is at ${pointer.step}: ${pointer.problem ?? ''}`);
  return { cloudKey, pointer };
}

export function on({ vaultId }: Pick<Stage, 'vaultId'>, row: KmsKey): OnKmsKey {
  return { vaultId, sight: 'all', cloudKeyId: row.cloud_key_id, id: row.id };
}

/** KMS as the CSP account sees it: a second look, beside what Holdfast does. */
export async function kmsOf(
  { house }: Pick<Stage, 'house'>,
  { cspAccountId }: Pick<KeySetInAws, 'cspAccountId'>,
  where = region,
): Promise<KmsKeys> {
  const account = await house.store.db
    .selectFrom('csp_accounts')
    .selectAll()
    .where('id', '=', cspAccountId)
    .executeTakeFirstOrThrow();
  return new KmsKeys(await awsAccountOf(house, account, where), where);
}

/** Ids of the KMS keys in AWS that refer to the CloudKey. */
export async function inAwsOf(kms: KmsKeys, { external_key_id }: CloudKeyRecord): Promise<string[]> {
  const { keyIds } = await kms.list(undefined, 1000);
  const keys = await Promise.all(keyIds.map(async (keyId) => kms.describe(keyId)));
  return keys.filter(({ xksKeyId }) => xksKeyId === external_key_id).map(({ keyId }) => keyId);
}

/**
 * A house whose process is killed at its `n`th write from now: the write is not done and neither is anything after it.
 * What it has sent to AWS by then is done there. As good as a kill, since the second run has nothing of the first but
 * store and AWS.
 */
export function killedAtWrite(house: AwsHouse, n: number): AwsHouse {
  let writes = 0;
  const pass = () => {
    if (++writes >= n) throw new Error('killed');
  };
  const mortal: Pick<Store, 'write' | 'bookkeep'> = {
    write: async (act, run) => {
      pass();
      return house.store.write(act, run);
    },
    bookkeep: async (run) => {
      pass();
      return house.store.bookkeep(run);
    },
  };
  const store = new Proxy(house.store, {
    get: (target, name) => {
      if (name === 'write' || name === 'bookkeep') return mortal[name];
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
  return { ...house, store };
}
