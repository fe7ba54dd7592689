import { setTimeout as delay } from 'node:timers/promises';
import anyTest, { type TestFn } from 'ava';
import { CreateKeyCommand } from '@aws-sdk/client-kms';
import { AwsClients } from '../../src/cloud/aws/clients.ts';
import { KmsKeys } from '../../src/cloud/aws/kms-keys.ts';
import { AwsSchedules } from '../../src/cloud/schedule.ts';
import { awsAccountOf } from '../../src/cloud/accounts/context.ts';
import type { AwsContext } from '../../src/cloud/controller/context.ts';
import { disableCloudKey } from '../../src/keys/cloud-keys.ts';
import { dropLease, takeLease } from '../../src/fleet/leases.ts';
import { dueChecks, dueWork } from '../../src/cloud/kms-keys/due.ts';
import { advanceKmsKey } from '../../src/cloud/kms-keys/attempts.ts';
import { deleteKmsKey, retryKmsKey } from '../../src/cloud/kms-keys/acts.ts';
import { nextTry } from '../../src/cloud/controller/retry.ts';
import { checkInterval } from '../../src/cloud/kms-keys/mirror.ts';
import { search, type Searching } from '../../src/cloud/kms-keys/search.ts';
import { silentLog } from '../../testing/aws-settings.ts';
import { createExternalKeyStore } from '../../src/cloud/key-stores/key-stores.ts';
import { editKmsKey } from '../../src/cloud/kms-keys/edit.ts';
import { createKmsKey } from '../../src/cloud/kms-keys/create.ts';
import {
  endpoint,
  newConnected,
  newKeySetInAws,
  openStage,
  region,
  type KeySetInAws,
  type Stage,
} from '../../testing/external-key-store-stage.ts';
import { inAwsOf, kmsOf, newCloudKey, newKmsKey, on, kmsKeyOf } from '../../testing/kms-key-stage.ts';

const test = anyTest as TestFn<{ stage: Stage; set: KeySetInAws }>;

test.before(async (t) => {
  const stage = await openStage({ kind: 'how many looks at the clock it takes is what is tested' });
  t.context.stage = stage;
  t.context.set = await newConnected(stage);
});
test.after.always(async (t) => t.context.stage?.dispose());

/** What a search of this one notes stands in its record. */
function searching(vaultContext: AwsContext, id: string): Searching {
  return {
    context: vaultContext,
    note: async (change) =>
      void (await vaultContext.store.db.updateTable('kms_keys').set(change).where('id', '=', id).execute()),
  };
}

function schedulesOf(vaultContext: AwsContext): AwsSchedules {
  return new AwsSchedules({ context: vaultContext, log: silentLog });
}

test.serial('one look makes what is due, and the next finds nothing', async (t) => {
  const { stage, set } = t.context;
  const cloudKey = await newCloudKey(stage, set);
  const schedules = schedulesOf(stage.vaultContext);
  const run = await schedules.runOnce();
  t.true(run.held);
  t.is(run.kmsKeysWorked, 1);
  t.deepEqual(run.failed, []);
  t.is((await kmsKeyOf(stage, cloudKey)).step, 'DONE');
  t.is((await schedules.runOnce()).kmsKeysWorked, 0);
});

test.serial('what another process looks after is left to it', async (t) => {
  const { stage, set } = t.context;
  const cloudKey = await newCloudKey(stage, set);
  const other = { ...stage.vaultContext, instance: 'other-node/1' };
  await dropLease(stage.vaultContext, 'aws');
  t.truthy(await takeLease(other, 'aws', 60_000));
  const run = await schedulesOf(stage.vaultContext).runOnce();
  t.false(run.held);
  t.is((await kmsKeyOf(stage, cloudKey)).step, 'KEY');
  await dropLease(stage.vaultContext, 'aws');
  t.is((await schedulesOf(stage.vaultContext).runOnce()).kmsKeysWorked, 1);
});

test.serial('an account that does not answer holds up no other', async (t) => {
  const { stage, set } = t.context;
  const other = await newConnected(stage);
  const { accessKeyId } = set.account;
  const ours = [];
  for (let made = 0; made < 6; made++) ours.push(await newCloudKey(stage, set));
  const theirs = await newCloudKey(stage, other);
  const undo = stage.simulator.fault({ service: 'kms', action: '*', kind: 'reset', accessKeyId });
  const schedules = schedulesOf(stage.vaultContext);
  const run = await schedules.runOnce();
  undo();
  // Some of the six were tried, several at once and then more and more slowly; the rest of its account waits with them.
  // How many are begun before the first has failed is up to the machine (aws-lanes.test.ts holds the bound).
  t.true(run.kmsKeysWorked >= 2 && run.kmsKeysWorked <= 7, String(run.kmsKeysWorked));
  t.true(run.failed.includes('KMS keys'));
  t.is((await kmsKeyOf(stage, theirs)).step, 'DONE');
  const left = await Promise.all(ours.map(async (key) => kmsKeyOf(stage, key)));
  for (const { step, attempts } of left) t.true(['KEY 0', 'KEY 1'].includes(`${step} ${attempts}`));
  for (const { id } of left) await advanceKmsKey(stage.vaultContext, id);
});

test.serial('one account with more that is due than fits hides no other', async (t) => {
  const { stage, set } = t.context;
  const { vaultContext } = stage;
  const other = await newConnected(stage);
  const ours = [await newKmsKey(stage, set), await newKmsKey(stage, set), await newKmsKey(stage, set)];
  const theirs = await newKmsKey(stage, other);
  const { db } = vaultContext.store;
  // Longer due than that of the other account, and nothing comes of it.
  const past = (minutes: number) => new Date(vaultContext.now().getTime() - minutes * 60_000).toISOString();
  await db
    .updateTable('kms_keys')
    .set({ next_check_at: past(1) })
    .where('key_id', '<>', '')
    .execute();
  for (const { kmsKeyRecord } of ours)
    await db
      .updateTable('kms_keys')
      .set({ next_check_at: past(9), wanted: 'DISABLE', next_attempt_at: past(9) })
      .where('id', '=', kmsKeyRecord.id)
      .execute();
  await db
    .updateTable('kms_keys')
    .set({ wanted: 'DISABLE', next_attempt_at: past(1) })
    .where('id', '=', theirs.kmsKeyRecord.id)
    .execute();
  // As many as there are accounts by now.
  for (const due of [await dueWork(vaultContext, 3), await dueChecks(vaultContext, 3)])
    t.true(
      due.some(({ id }) => id === theirs.kmsKeyRecord.id),
      JSON.stringify(due),
    );
  for (const { kmsKeyRecord } of [...ours, theirs]) await advanceKmsKey(vaultContext, kmsKeyRecord.id);
});

test.serial('key stores and access keys too are begun only while there is time in a look', async (t) => {
  const { vaultContext } = t.context.stage;
  const { db } = vaultContext.store;
  const now = vaultContext.now().toISOString();
  await db.updateTable('external_key_stores').set({ next_check_at: now }).execute();
  const { n } = await db
    .selectFrom('external_key_stores')
    .select((eb) => eb.fn.countAll<number>().as('n'))
    .executeTakeFirstOrThrow();
  await db.updateTable('csp_accounts').set({ next_access_key_rotation_at: now }).execute();
  const late = await new AwsSchedules({ context: vaultContext, log: silentLog, budget: 0 }).runOnce();
  t.like(late, { held: true, keyStoresLooked: 0, failed: [] });
  await db.updateTable('csp_accounts').set({ next_access_key_rotation_at: null }).execute();
  t.is((await schedulesOf(vaultContext).runOnce()).keyStoresLooked, n);
});

test.serial('what AWS did not do when it was asked is done by schedule', async (t) => {
  const { stage, set } = t.context;
  const { vaultContext, act, vaultId, clock } = stage;
  const { kmsKeyRecord, cloudKey } = await newKmsKey(stage, set);
  const undo = stage.simulator.fault({ service: 'kms', action: 'DisableKey', kind: '500' });
  await disableCloudKey(vaultContext, act(), { vaultId, sight: 'all', id: cloudKey.id }, 'both');
  await advanceKmsKey(vaultContext, kmsKeyRecord.id);
  undo();
  const schedules = schedulesOf(vaultContext);
  t.is((await schedules.runOnce()).kmsKeysWorked, 0);
  clock.ahead += 15_000;
  t.is((await schedules.runOnce()).kmsKeysWorked, 1);
  t.is((await (await kmsOf(stage, set)).describe(kmsKeyRecord.key_id)).state, 'Disabled');
});

test.serial('AWS is asked about each KMS key, and again after an hour', async (t) => {
  const { stage, set } = t.context;
  const { kmsKeyRecord } = await newKmsKey(stage, set);
  const kms = await kmsOf(stage, set);
  const schedules = schedulesOf(stage.vaultContext);
  stage.clock.ahead += 6 * 60_000;
  t.true((await schedules.runOnce()).kmsKeysChecked >= 1);
  await kms.describeAs(kmsKeyRecord.key_id, 'by somebody in AWS');
  t.is((await schedules.runOnce()).kmsKeysChecked, 0);
  stage.clock.ahead += 1.2 * checkInterval;
  t.true((await schedules.runOnce()).kmsKeysChecked >= 1);
  t.true((await kmsKeyOf(stage, { id: kmsKeyRecord.cloud_key_id })).seen?.includes('by somebody in AWS'));
});

test.serial('the loop ends while AWS does not answer, and gives the lease back', async (t) => {
  const { stage, set } = t.context;
  const cloudKey = await newCloudKey(stage, set);
  const undo = stage.simulator.fault({ service: 'kms', action: 'CreateKey', kind: 'hang' });
  // Longer than the test may take: only what cuts the request off ends it.
  const aws = new AwsClients({ ...stage.aws.settings, requestTimeoutMs: 100_000 }, silentLog);
  const vaultContext = { ...stage.vaultContext, aws };
  const schedules = schedulesOf(vaultContext);
  schedules.start();
  // Written right before the request.
  while ((await kmsKeyOf(stage, cloudKey)).create_sent === 0) await delay(10);
  await schedules.stop();
  undo();
  t.truthy(await takeLease({ ...vaultContext, instance: 'other-node/1' }, 'aws', 1_000));
  await dropLease(vaultContext, 'aws');
  // What was cut off is found again.
  await advanceKmsKey(stage.vaultContext, (await kmsKeyOf(stage, cloudKey)).id);
  t.is((await kmsKeyOf(stage, cloudKey)).step, 'DONE');
});

test.serial('the search for a lost key goes on where it was interrupted', async (t) => {
  const { stage } = t.context;
  const set = await newConnected(stage);
  const csp = await stage.vaultContext.store.db
    .selectFrom('csp_accounts')
    .selectAll()
    .where('id', '=', set.cspAccountId)
    .executeTakeFirstOrThrow();
  const account = await awsAccountOf(stage.vaultContext, csp, region);
  const client = await account.kms(region);
  for (let other = 0; other < 15; other++) await client.send(new CreateKeyCommand({}));
  const cloudKey = await newCloudKey(stage, set);
  const { id } = await kmsKeyOf(stage, cloudKey);
  const undo = stage.simulator.fault({ service: 'kms', action: 'CreateKey', kind: 'answer-lost', times: 1 });
  await advanceKmsKey(stage.vaultContext, id);
  undo();

  const small = new SmallPages(account, region);
  const row = async () => kmsKeyOf(stage, cloudKey);
  // After three lists, each of sixteen looks, and two pages of two.
  const throttle = stage.simulator.fault({
    service: 'kms',
    action: 'DescribeKey',
    kind: 'throttle',
    after: 3 * 16 + 4,
    times: 1,
  });
  await t.throwsAsync(search(searching(stage.vaultContext, id), await row(), small), {
    message: /DescribeKey/,
  });
  throttle();
  const interrupted = JSON.parse((await row()).search ?? '{}') as { looked: number };
  t.is(interrupted.looked, 4);
  t.is((await search(searching(stage.vaultContext, id), await row(), small)).kind, 'on');
  t.is((JSON.parse((await row()).search ?? '{}') as { looked: number }).looked, 14);
  const { kind } = await search(searching(stage.vaultContext, id), await row(), small);
  t.is(kind, 'ours');
  t.is((await row()).search, null);
});

test.serial(
  'a search whose place in the list AWS knows no more, or that is of before, begins anew',
  async (t) => {
    const { stage, set } = t.context;
    const { vaultContext, clock } = stage;
    const cloudKey = await newCloudKey(stage, set);
    const { id } = await kmsKeyOf(stage, cloudKey);
    const undo = stage.simulator.fault({
      service: 'kms',
      action: 'CreateKey',
      kind: 'answer-lost',
      times: 1,
    });
    await advanceKmsKey(vaultContext, id);
    undo();
    const sent = await kmsKeyOf(stage, cloudKey);
    const { ahead } = clock;
    const here = {
      ...{ marker: 'of long ago', looked: 5, hidden: 0, account: sent.csp_account_id },
      ...{ at: vaultContext.now().toISOString(), sentAt: sent.create_sent_at },
    };
    const kms = await kmsOf(stage, set);
    // No marker of this list leads to the key.

    const last = { ...here, marker: Buffer.from('after:~').toString('base64url') };
    for (const [search_, what] of [
      [here, 'AWS knows it no more'],
      [{ ...last, at: new Date(vaultContext.now().getTime() - 11 * 60_000).toISOString() }, 'it is too old'],
      [{ ...last, sentAt: '2026-01-01T00:00:00.000Z' }, 'it is of before CreateKey was sent'],
      [{ ...last, account: 'another' }, 'it is of another account'],
      [{ marker: last.marker, looked: 5, hidden: 0 }, 'nobody knows of when it is'],
    ] as const) {
      await vaultContext.store.db
        .updateTable('kms_keys')
        .set({ search: JSON.stringify(search_) })
        .where('id', '=', id)
        .execute();
      const result = await search(searching(vaultContext, id), await kmsKeyOf(stage, cloudKey), kms);
      t.is(result.kind, 'ours', what);
      t.is((await kmsKeyOf(stage, cloudKey)).search, null, what);
    }
    // A list that never has a second page is told as that, and leaves nothing behind to be stuck on.
    class Restless extends KmsKeys {
      override async list(marker?: string): Promise<{ keyIds: string[]; next: string | undefined }> {
        if (marker === undefined) return { keyIds: [], next: 'of long ago' };
        return super.list(marker, 100);
      }
    }
    const csp = await vaultContext.store.db
      .selectFrom('csp_accounts')
      .selectAll()
      .where('id', '=', set.cspAccountId)
      .executeTakeFirstOrThrow();
    const restless = new Restless(await awsAccountOf(vaultContext, csp, region), region);
    clock.ahead += 10_000;
    await t.throwsAsync(search(searching(vaultContext, id), await kmsKeyOf(stage, cloudKey), restless), {
      code: 'InvalidMarkerException',
    });
    t.is((await kmsKeyOf(stage, cloudKey)).search, null);
    await vaultContext.store.db
      .updateTable('kms_keys')
      .set({ search: JSON.stringify(last) })
      .where('id', '=', id)
      .execute();
    await retryKmsKey(vaultContext, stage.act(), on(stage, sent), { takeAlias: false });
    t.is((await kmsKeyOf(stage, cloudKey)).search, null);
    clock.ahead = ahead;
    await advanceKmsKey(vaultContext, id);
    t.is((await kmsKeyOf(stage, cloudKey)).step, 'DONE');
  },
);

test.serial('an ARN that somebody pasted for another CloudKey hides no key from a search', async (t) => {
  const { stage, set } = t.context;
  const { db } = stage.vaultContext.store;
  const cloudKey = await newCloudKey(stage, set);
  const { id } = await kmsKeyOf(stage, cloudKey);
  const undo = stage.simulator.fault({ service: 'kms', action: 'CreateKey', kind: 'answer-lost', times: 1 });
  await advanceKmsKey(stage.vaultContext, id);
  undo();
  const kms = await kmsOf(stage, set);
  const [keyId] = await inAwsOf(kms, cloudKey);
  const other = await newCloudKey(stage, set);
  const pasted = { key_id: keyId ?? '', origin: 'MANUAL', step: 'DONE' } as const;
  await db.updateTable('kms_keys').set(pasted).where('cloud_key_id', '=', other.id).execute();
  t.is((await search(searching(stage.vaultContext, id), await kmsKeyOf(stage, cloudKey), kms)).kind, 'ours');
  await db.updateTable('kms_keys').set({ step: 'GONE' }).where('cloud_key_id', '=', other.id).execute();
});

test.serial(
  'a KMS key record by hand that is given up, and was cut off, is gone at the next look',
  async (t) => {
    const { stage } = t.context;
    const set = await newKeySetInAws(stage, {
      csp: {
        type: 'manual',
        accessKeyId: undefined,
        secretAccessKey: undefined,
        awsAccountId: '111122223333',
      },
    });
    const input = { region, connectivity: 'PUBLIC_ENDPOINT', uriEndpoint: endpoint } as const;
    await createExternalKeyStore(stage.vaultContext, stage.act(), set.keySet, input);
    for (const pasted of [false, true]) {
      const cloudKey = await newCloudKey(stage, set);
      await createKmsKey(
        stage.vaultContext,
        stage.act(),
        { vaultId: stage.vaultId, sight: 'all', cloudKeyId: cloudKey.id },
        {},
      );
      const row = await kmsKeyOf(stage, cloudKey);
      const keyArn = `arn:aws:kms:${region}:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab`;
      if (pasted)
        await editKmsKey(stage.vaultContext, stage.act(), on(stage, row), { keyArn }, { apply: false });
      // The act alone: the process ends before the step that follows.
      await deleteKmsKey(stage.vaultContext, stage.act(), on(stage, row), { kind: 'keep' });
      await schedulesOf(stage.vaultContext).runOnce();
      t.is((await kmsKeyOf(stage, cloudKey)).step, 'GONE', `pasted: ${String(pasted)}`);
    }
  },
);

/** As if the account had fifty times as many keys, the newest of them last. */
class SmallPages extends KmsKeys {
  override async list(marker = '0'): Promise<{ keyIds: string[]; next: string | undefined }> {
    const { keyIds } = await super.list(undefined, 1000);
    const keys = await Promise.all(keyIds.map(async (keyId) => this.describe(keyId)));
    const inOrder = keys.toSorted((a, b) => a.xksKeyId.localeCompare(b.xksKeyId)).map(({ keyId }) => keyId);
    const from = Number(marker);
    return {
      keyIds: inOrder.slice(from, from + 2),
      next: from + 2 < inOrder.length ? String(from + 2) : undefined,
    };
  }
}

test('what passes is tried again within a minute; what somebody has to put right is not', (t) => {
  const now = new Date();
  const pause = (fault: string, failures: number, random: number) =>
    (nextTry(fault, failures, now, () => random).getTime() - now.getTime()) / 1000;
  // None waits for longer than a minute after AWS would have taken it; what lasts for hours is asked less often.
  t.deepEqual(
    [1, 2, 3, 20, 40, 41, 100].map((failures) => pause('unreachable', failures, 1)),
    [2, 4, 8, 45, 45, 300, 900],
  );
  // How fast AWS is asked then the pace of the account says.
  t.deepEqual(
    [1, 2, 3, 4, 5, 100].map((failures) => pause('throttled', failures, 1)),
    [1, 2, 4, 8, 10, 10],
  );
  t.is(pause('unreachable', 1, 0), 1);
  t.deepEqual(
    [1, 2, 3, 4, 200].map((failures) => pause('settling', failures, 1)),
    [1, 2, 4, 4, 4],
  );
  t.deepEqual(
    [1, 3, 5, 8, 9, 100].map((failures) => pause('denied', failures, 1)),
    [3, 12, 30, 30, 900, 21_600],
  );
  t.is(pause('conflict', 1, 1), 900);
});
