import { accessKeyRotations, rotateAccessKey } from '../../src/cloud/accounts/access-key-rotation.ts';
import { runDue } from '../../src/cloud/controller/scheduled.ts';
import { minPolicy, trustPolicy } from '../../src/cloud/aws/permissions.ts';
import type { KmsKeys } from '../../src/cloud/aws/kms-keys.ts';
import { checkCspAccount, reportOf } from '../../src/cloud/accounts/checks.ts';
import { createCspAccount, getCspAccount } from '../../src/cloud/accounts/accounts.ts';
import { updateExternalKeyStore } from '../../src/cloud/key-stores/edits.ts';
import { refreshExternalKeyStore } from '../../src/cloud/key-stores/watch.ts';
import {
  connectExternalKeyStore,
  createExternalKeyStore,
  deleteExternalKeyStore,
  disconnectExternalKeyStore,
  rotateStoreCredential,
} from '../../src/cloud/key-stores/key-stores.ts';
import { driftOf } from '../../src/cloud/kms-keys/drift.ts';
import { retryKmsKey, wantedOfKmsKey } from '../../src/cloud/kms-keys/acts.ts';
import { editKmsKey, type KmsKeyEdit } from '../../src/cloud/kms-keys/edit.ts';
import { advanceKmsKey } from '../../src/cloud/kms-keys/attempts.ts';
import { problemOf, toApplyOf, type KmsKey } from '../../src/cloud/kms-keys/records.ts';
import { refreshKmsKey } from '../../src/cloud/kms-keys/attempts.ts';
import { TestAwsAccount } from '../support/aws-users.ts';
import { fresh } from '../../testing/vault.ts';
import {
  endpoint,
  inAws,
  region,
  storeOf,
  type KeySetInAws,
  type Stage,
} from '../../testing/external-key-store-stage.ts';
import { inAwsOf, kmsOf, newCloudKey, newKmsKey, on, kmsKeyOf } from '../../testing/kms-key-stage.ts';

/** One request of ours that changes something in AWS, from the act that it is for to what AWS must have then. */
export interface Play {
  service: 'kms' | 'iam' | 'sts';
  /** Of the record. */
  id?: () => Promise<string>;
  /** Somebody asks for it; throws what they are told. */
  ask: () => Promise<unknown>;
  /** What the schedule does when its time has come. */
  goOn: () => Promise<unknown>;
  /** What our records say: whether it is done; else when it is gone on with, null where that is for a person to ask. */
  told: () => Promise<{ isDone: boolean; next: string | null }>;
  /** What AWS has of it in truth, whatever it shows, and what it has to be. */
  inAws: () => Promise<readonly [actual: unknown, expected: unknown]>;
  /** The operation that our records say failed last; undefined for none. */
  failed?: () => Promise<string | undefined>;
  /** What a later look finds to be otherwise in AWS than in our records: nothing. */
  drift?: () => Promise<readonly unknown[]>;
}

/** A play of each of them, in an order in which they can follow one another in one AWS account. */
export type Plays = readonly [operation: string, begin: () => Promise<Play>][];

/** IAM's clock is the real one: that an answer was lost is not waited for as long as in AWS. */
const quick = { pauses: [1], usedToldAfter: 0, inactiveFor: 0 };

export function accessKeyPlays(stage: Stage): Plays {
  const { vaultContext, act, vaultId, group, simulator } = stage;
  const account = new TestAwsAccount(simulator);
  const begin = async (): Promise<Play> => {
    const user = await account.user();
    const { id, access_key_id: first } = await createCspAccount(vaultContext, act(), vaultId, 'all', {
      ...{ name: fresh('account'), adminGroupId: group, type: 'access-key', defaultRegion: region },
      ...{ accessKeyId: user.accessKeyId, secretAccessKey: user.secretAccessKey },
    });
    // IAM may not show for minutes what was just made: one that is deleted has been there for long.
    await vaultContext.store.db
      .updateTable('csp_access_keys')
      .set({ created_at: new Date(vaultContext.now().getTime() - 86_400_000).toISOString() })
      .where('csp_account_id', '=', id)
      .execute();
    const read = async () => getCspAccount(vaultContext, vaultId, 'all', id);
    return {
      service: 'iam',
      ask: async () => rotateAccessKey(vaultContext, act(), { vaultId, sight: 'all', id }, quick),
      goOn: async () => runDue(accessKeyRotations(quick), vaultContext),
      told: async () => {
        const { access_key_rotation: step, access_key_rotation_retry_at: next, access_key_id } = await read();
        const isDone = step === null && access_key_id !== first;
        return { isDone, next: step === null ? null : (next ?? vaultContext.now().toISOString()) };
      },
      inAws: async () => [await account.accessKeyIds(user.name), [(await read()).access_key_id]],
    };
  };
  const beginLost = async (): Promise<Play> => {
    // The play before may have waited for minutes.
    stage.clock.ahead = 0;
    const play = await begin();
    const undo = simulator.fault({
      service: 'iam',
      action: 'CreateAccessKey',
      kind: 'answer-lost',
      times: 1,
    });
    await play.ask();
    undo();
    return play;
  };
  return [
    ['CreateAccessKey', begin],
    ['DeleteAccessKey', begin],
    ['UpdateAccessKey', beginLost],
  ];
}

export function rolePlays({ vaultContext, act, vaultId, group, simulator }: Stage): Plays {
  const begin = async (): Promise<Play> => {
    const account = new TestAwsAccount(simulator);
    const name = fresh('role');
    const nobody = { Effect: 'Deny', Principal: '*', Action: 'sts:AssumeRole' };
    const roleArn = await account.role({ Version: '2012-10-17', Statement: [nobody] }, name);
    const user = await account.user(['own-access-key', 'check']);
    const subject = { partition: 'aws', accountId: account.id, userArn: user.arn, roleArn } as const;
    await account.allow(user.name, minPolicy(['own-access-key', 'assume-role'], subject));
    const { id, external_id } = await createCspAccount(vaultContext, act(), vaultId, 'all', {
      ...{ name: fresh('account'), adminGroupId: group, type: 'role', roleArn, defaultRegion: region },
      ...{ accessKeyId: user.accessKeyId, secretAccessKey: user.secretAccessKey },
    });
    await account.trust(name, trustPolicy(user.arn, external_id));
    const report = async () => reportOf(await getCspAccount(vaultContext, vaultId, 'all', id));
    return {
      service: 'sts',
      ask: async () => checkCspAccount(vaultContext, act(), { vaultId, sight: 'all', id }),
      goOn: async () => undefined,
      told: async () => ({ isDone: (await report())?.ok === true, next: null }),
      inAws: async () => [(await report())?.arn.split('/')[1], name],
    };
  };
  return [['AssumeRole', begin]];
}

export function keyStorePlays(stage: Stage, made: KeySetInAws): Plays {
  const { vaultContext, act, simulator } = stage;
  const { keySet } = made;
  const read = async () => storeOf(stage, keySet);
  const onStore = async () => ({ keySet, id: (await read())?.id ?? '' });
  const play = (
    ask: () => Promise<unknown>,
    isDone: (row: Awaited<ReturnType<typeof read>>) => boolean,
    truth: (row: Awaited<ReturnType<typeof read>>) => unknown,
  ): Play => ({
    service: 'kms',
    ask,
    goOn: async () => {
      const row = await read();
      if (row === undefined) return;
      if (row.custom_key_store_id !== '' && row.state.endsWith('ING'))
        await simulator.kms.settled(row.custom_key_store_id, { now: true });
      await refreshExternalKeyStore(vaultContext, act(), { keySet, id: row.id });
    },
    told: async () => {
      const row = await read();
      const isUnderWay = row !== undefined && (row.wanted !== null || row.state.endsWith('ING'));
      return { isDone: !isUnderWay && isDone(row), next: isUnderWay ? row.next_check_at : null };
    },
    inAws: async () => {
      const row = await read();
      const there = await inAws(stage, made);
      return [
        there.map(({ id, name, accessKeyId, state }) => ({ id, name, accessKeyId, state })),
        truth(row),
      ];
    },
  });
  /** One, as the record has it; nobody has yet looked whether AWS has finished. */
  const asRecorded = (state: string) => (row: Awaited<ReturnType<typeof read>>) => [
    { id: row?.custom_key_store_id, name: row?.name, accessKeyId: row?.access_key_id, state },
  ];
  const name = fresh('renamed');
  return [
    [
      'CreateCustomKeyStore',
      async () =>
        play(
          async () =>
            createExternalKeyStore(vaultContext, act(), keySet, {
              ...{ region, connectivity: 'PUBLIC_ENDPOINT', uriEndpoint: endpoint },
            }),
          (row) => row !== undefined && row.custom_key_store_id !== '' && row.state === 'DISCONNECTED',
          asRecorded('DISCONNECTED'),
        ),
    ],
    [
      'ConnectCustomKeyStore',
      async () =>
        play(
          async () => connectExternalKeyStore(vaultContext, act(), await onStore()),
          (row) => row?.state === 'CONNECTED',
          asRecorded('CONNECTED'),
        ),
    ],
    [
      'UpdateCustomKeyStore',
      async () =>
        play(
          async () => updateExternalKeyStore(vaultContext, act(), await onStore(), { name }),
          (row) => row?.name === name,
          asRecorded('CONNECTED'),
        ),
    ],
    [
      'UpdateCustomKeyStore',
      async () => {
        const before = (await read())?.access_key_id;
        return play(
          async () => rotateStoreCredential(vaultContext, act(), await onStore(), 60),
          (row) => row?.access_key_id !== before,
          asRecorded('CONNECTED'),
        );
      },
    ],
    [
      'DisconnectCustomKeyStore',
      async () =>
        play(
          async () => disconnectExternalKeyStore(vaultContext, act(), await onStore()),
          (row) => row?.state === 'DISCONNECTED',
          asRecorded('DISCONNECTED'),
        ),
    ],
    [
      'DeleteCustomKeyStore',
      async () => {
        stage.clock.ahead += 11 * 60_000;
        return play(
          async () => deleteExternalKeyStore(vaultContext, act(), await onStore(), { disconnect: false }),
          (row) => row === undefined,
          () => [],
        );
      },
    ],
  ];
}

export async function keyPlays(stage: Stage, set: KeySetInAws): Promise<Plays> {
  const { vaultContext, act } = stage;
  const { cloudKey, kmsKeyRecord } = await newKmsKey(stage, set);
  const kms = await kmsOf(stage, set);
  const { key_id: keyId } = kmsKeyRecord;
  const play = (
    { id }: { id: string },
    ask: (row: KmsKey) => Promise<unknown>,
    inAws: (row: KmsKey) => ReturnType<Play['inAws']>,
  ): Play => {
    const read = async () => kmsKeyOf(stage, { id });
    return {
      service: 'kms',
      id: async () => (await read()).id,
      ask: async () => ask(await read()),
      goOn: async () => {
        // Throttled, an account is paced by the real clock; as after a restart it is not.
        vaultContext.aws.forget(set.cspAccountId);
        await advanceKmsKey(vaultContext, (await read()).id);
      },
      told: async () => {
        const row = await read();
        const hasAll = row.step === 'DONE' && row.wanted === null && toApplyOf(row).length === 0;
        return { isDone: hasAll && row.problem === null, next: row.next_attempt_at };
      },
      inAws: async () => inAws(await read()),
      failed: async () => problemOf(await read())?.operation,
      drift: async () => {
        await refreshKmsKey(vaultContext, (await read()).id);
        return driftOf(await read());
      },
    };
  };
  const become = (wanted: Parameters<typeof wantedOfKmsKey>[3], state: string) => async () =>
    play(
      cloudKey,
      async (row) =>
        wantedOfKmsKey(
          vaultContext,
          act(),
          on(stage, row),
          wanted,
          wanted === 'SCHEDULE_DELETION' ? 7 : null,
        ),
      async () => [(await kms.describe(keyId)).state, state],
    );
  const edit =
    (input: (row: KmsKey) => KmsKeyEdit, inAws: (row: KmsKey, kms: KmsKeys) => ReturnType<Play['inAws']>) =>
    async () =>
      play(
        cloudKey,
        async (row) => editKmsKey(vaultContext, act(), on(stage, row), input(row), { apply: true }),
        async (row) => inAws(row, kms),
      );
  const policy = { Version: '2012-10-17', Statement: [rootMayAll(kmsKeyRecord)], Id: fresh('policy') };
  const ownAlias = async (row: KmsKey) => [await kms.aliases(keyId), [row.alias]] as const;
  return [
    [
      'CreateKey',
      async () => {
        const made = await newCloudKey(stage, set);
        return play(
          made,
          async ({ id }) => advanceKmsKey(vaultContext, id),
          async (row) => [await inAwsOf(kms, made), [row.key_id]],
        );
      },
    ],
    ['DisableKey', become('DISABLE', 'Disabled')],
    ['EnableKey', become('ENABLE', 'Enabled')],
    ['ScheduleKeyDeletion', become('SCHEDULE_DELETION', 'PendingDeletion')],
    ['CancelKeyDeletion', become('CANCEL_DELETION', 'Disabled')],
    [
      'PutKeyPolicy',
      edit(
        () => ({ policy }),
        async () => [JSON.parse(await kms.policy(keyId)), policy],
      ),
    ],
    [
      'UpdateKeyDescription',
      edit(
        (row) => ({ description: `${row.description}!` }),
        async (row) => [(await kms.describe(keyId)).description, row.description],
      ),
    ],
    [
      'TagResource',
      edit(
        () => ({ tags: { team: 'blue' } }),
        async () => [(await kms.tags(keyId))['team'], 'blue'],
      ),
    ],
    [
      'UntagResource',
      edit(
        () => ({ tags: {} }),
        async () => [(await kms.tags(keyId))['team'], undefined],
      ),
    ],
    ['CreateAlias', edit(({ alias }) => ({ alias: `${alias}-x` }), ownAlias)],
    ['DeleteAlias', edit(({ alias }) => ({ alias: `${alias}-y` }), ownAlias)],
    [
      'UpdateAlias',
      async () => {
        const { kmsKeyRecord: holder } = await newKmsKey(stage, set);
        const { id } = await kmsKeyOf(stage, cloudKey);
        await editKmsKey(
          vaultContext,
          act(),
          on(stage, kmsKeyRecord),
          { alias: holder.alias },
          { apply: true },
        );
        for (let tries = 0; tries < 3; tries++) await advanceKmsKey(vaultContext, id);
        return play(
          cloudKey,
          async (row) => retryKmsKey(vaultContext, act(), on(stage, row), { takeAlias: true }),
          async () => [
            [await kms.aliases(keyId), await kms.aliases(holder.key_id)],
            [[holder.alias], []],
          ],
        );
      },
    ],
  ];
}

function rootMayAll({ key_arn }: KmsKey) {
  const Principal = { AWS: `arn:aws:iam::${key_arn.split(':')[4]}:root` };
  return { Effect: 'Allow', Principal, Action: 'kms:*', Resource: '*' };
}
