import { KmsKeys } from '../src/cloud/aws/kms-keys.ts';
import type { Store } from '../src/store/store.ts';
import { awsAccountOf } from '../src/cloud/accounts/context.ts';
import type { AwsContext } from '../src/cloud/controller/context.ts';
import { createCloudKey, type CloudKeyRecord, type NewKeyInput } from '../src/keys/cloud-keys.ts';
import type { OnKmsKey } from '../src/cloud/kms-keys/acts.ts';
import { advanceKmsKey, type Attempt } from '../src/cloud/kms-keys/attempts.ts';
import { kmsKeyById, kmsKeys, problemOf, type KmsKey } from '../src/cloud/kms-keys/records.ts';
import { fresh } from './vault.ts';
import { region, type KeySetInAws, type Stage } from './external-key-store-stage.ts';

/** A new CloudKey of the key set, with a KMS key record unless the input says otherwise; AWS has not been asked for anything. */
export async function newCloudKey(
  { vaultContext, act, vaultId }: Pick<Stage, 'vaultContext' | 'act' | 'vaultId'>,
  { keySet }: Pick<KeySetInAws, 'keySet'>,
  input: Partial<NewKeyInput> = {},
): Promise<CloudKeyRecord> {
  return createCloudKey(vaultContext, act(), vaultId, 'all', {
    name: fresh('key'),
    keySetId: keySet.id,
    region,
    ...input,
  });
}

/** The only KMS key record of a CloudKey. */
export async function kmsKeyOf(
  { vaultContext }: { vaultContext: Pick<AwsContext, 'store'> },
  { id }: Pick<CloudKeyRecord, 'id'>,
): Promise<KmsKey> {
  return kmsKeys(vaultContext.store.db).where('kms_keys.cloud_key_id', '=', id).executeTakeFirstOrThrow();
}

/** A CloudKey whose KMS key and alias are there. */
export async function newKmsKey(
  stage: Stage,
  set: KeySetInAws,
  input: Partial<NewKeyInput> = {},
): Promise<{ cloudKey: CloudKeyRecord; kmsKeyRecord: KmsKey }> {
  const cloudKey = await newCloudKey(stage, set, input);
  const { id } = await kmsKeyOf(stage, cloudKey);
  await inTheEnd(stage, id);
  const kmsKeyRecord = await kmsKeyOf(stage, cloudKey);
  if (kmsKeyRecord.step !== 'DONE')
    throw new Error(`it is at ${kmsKeyRecord.step}: ${kmsKeyRecord.problem ?? ''}`);
  return { cloudKey, kmsKeyRecord };
}

export function on({ vaultId }: Pick<Stage, 'vaultId'>, row: KmsKey): OnKmsKey {
  return { vaultId, sight: 'all', cloudKeyId: row.cloud_key_id, id: row.id };
}

/** Faults that pass by themselves. */
const passing = new Set(['settling', 'throttled', 'searching']);

/**
 * Does for the KMS key record what there is to do, with the tries and pauses of the schedule, until nothing is left or something
 * stands against it that does not pass by itself. Answers what the last try came to.
 */
export async function inTheEnd(
  stage: Stage,
  id: string,
  vaultContext: AwsContext = stage.vaultContext,
): Promise<Attempt> {
  for (let tries = 0; ; tries++) {
    const attempt = await advanceKmsKey(vaultContext, id);
    const row = await kmsKeyById(vaultContext.store.db, id);
    if (row === undefined || row.next_attempt_at === null || tries >= 250) return attempt;
    if (!passing.has(problemOf(row)?.fault ?? '')) return attempt;
    stage.clock.ahead += Math.max(Date.parse(row.next_attempt_at) - vaultContext.now().getTime(), 0);
  }
}

/** The same with requests that are sent once, until one fails of something else than that AWS shows things late. */
export async function untilStruck(stage: Stage, id: string): Promise<Attempt> {
  for (let tries = 0; tries < 60; tries++) {
    const attempt = await advanceKmsKey(stage.once, id);
    const { next_attempt_at: next } = (await kmsKeyById(stage.vaultContext.store.db, id)) ?? {};
    if (attempt.fault !== 'settling' || typeof next !== 'string') return attempt;
    stage.clock.ahead += Math.max(Date.parse(next) - stage.vaultContext.now().getTime(), 0);
  }
  throw new Error('AWS goes on not to show it');
}

/** KMS as it is, whatever it shows to Holdfast: a second look. */
export async function kmsOf(
  { once: vaultContext, simulator }: Pick<Stage, 'once' | 'simulator'>,
  { cspAccountId }: Pick<KeySetInAws, 'cspAccountId'>,
  where = region,
): Promise<KmsKeys> {
  const account = await vaultContext.store.db
    .selectFrom('csp_accounts')
    .selectAll()
    .where('id', '=', cspAccountId)
    .executeTakeFirstOrThrow();
  return new Proxy(new KmsKeys(await awsAccountOf(vaultContext, account, where), where), {
    get: (target, name) => {
      simulator.settle();
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
}

/** Ids of the KMS keys in AWS that refer to the CloudKey. */
export async function inAwsOf(kms: KmsKeys, { external_key_id }: CloudKeyRecord): Promise<string[]> {
  const { keyIds } = await kms.list(undefined, 1000);
  const keys = await Promise.all(keyIds.map(async (keyId) => kms.describe(keyId)));
  return keys.filter(({ xksKeyId }) => xksKeyId === external_key_id).map(({ keyId }) => keyId);
}

/** A context in which `meanwhile` happens just before its `n`th write from now, by whomever. */
export function beforeWrite(vaultContext: AwsContext, n: number, meanwhile: () => Promise<void>): AwsContext {
  let writes = 0;
  const store = new Proxy(vaultContext.store, {
    get: (target, name) => {
      const value: unknown = Reflect.get(target, name, target);
      if (name === 'write')
        return (async (act, run) => {
          if (++writes === n) await meanwhile();
          return vaultContext.store.write(act, run);
        }) satisfies Store['write'];
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
  return { ...vaultContext, store };
}

/**
 * A context whose process is killed at its `n`th write from now: the write is not done and neither is anything after it.
 * What it has sent to AWS by then is done there. As good as a kill, since the second run has nothing of the first but
 * store and AWS.
 */
export function killedAtWrite(vaultContext: AwsContext, n: number): AwsContext {
  let writes = 0;
  const pass = () => {
    if (++writes >= n) throw new Error('killed');
  };
  const mortal: Pick<Store, 'write' | 'bookkeep'> = {
    write: async (act, run) => {
      pass();
      return vaultContext.store.write(act, run);
    },
    bookkeep: async (why, run) => {
      pass();
      return vaultContext.store.bookkeep(why, run);
    },
  };
  const store = new Proxy(vaultContext.store, {
    get: (target, name) => {
      if (name === 'write' || name === 'bookkeep') return mortal[name];
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
  return { ...vaultContext, store };
}
