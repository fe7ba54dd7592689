import anyTest, { type TestFn } from 'ava';
import { showKmsKey } from '../../src/admin/cloud/kms-key-forms.ts';
import { disableCloudKey, scheduleDeletion } from '../../src/keys/cloud-keys.ts';
import {
  connectExternalKeyStore,
  createExternalKeyStore,
  deleteExternalKeyStore,
  disconnectExternalKeyStore,
} from '../../src/cloud/key-stores/key-stores.ts';
import { updateExternalKeyStore } from '../../src/cloud/key-stores/edits.ts';
import type { ExternalKeyStore } from '../../src/cloud/key-stores/records.ts';
import { refreshExternalKeyStore, keyStoreLooks } from '../../src/cloud/key-stores/watch.ts';
import { runDue } from '../../src/cloud/controller/scheduled.ts';
import { acceptKmsKey, applyKmsKey, deleteKmsKey, wantedOfKmsKey } from '../../src/cloud/kms-keys/acts.ts';
import { driftOf } from '../../src/cloud/kms-keys/drift.ts';
import { editKmsKey } from '../../src/cloud/kms-keys/edit.ts';
import { advanceKmsKey } from '../../src/cloud/kms-keys/attempts.ts';
import { kmsKeyById, problemOf, toApplyOf, type KmsKey } from '../../src/cloud/kms-keys/records.ts';
import { refreshKmsKey } from '../../src/cloud/kms-keys/attempts.ts';
import { outcomesInAws } from '../../src/cloud/kms-keys/cloud-key-follower.ts';
import {
  endpoint,
  inAws,
  newConnected,
  newKeySetInAws,
  openStage,
  region,
  secondHostName,
  storeOf,
  type KeySetInAws,
  type Stage,
} from '../../testing/external-key-store-stage.ts';
import { kmsOf, newCloudKey, newKmsKey, on, kmsKeyOf } from '../../testing/kms-key-stage.ts';

/* AWS shows late what was made or changed: nothing here takes that for an answer. */

const test = anyTest as TestFn<{ stage: Stage; set: KeySetInAws }>;

/** Longer than any of these tests: what was made shows once it is let. */
const hour = 60 * 60_000;

test.before(async (t) => {
  const stage = await openStage({ kind: 'what AWS shows at each step, and when, is what is tested' });
  t.context.stage = stage;
  t.context.set = await newConnected(stage);
  stage.time.consistencyMs = hour;
});
test.after.always(async (t) => t.context.stage?.dispose());

/** A CloudKey whose KMS key AWS has made and does not show. */
async function unshown(stage: Stage, set: KeySetInAws) {
  stage.simulator.settle();
  const cloudKey = await newCloudKey(stage, set);
  const { id } = await kmsKeyOf(stage, cloudKey);
  await advanceKmsKey(stage.vaultContext, id);
  return { cloudKey, kmsKeyRecord: await kmsKeyOf(stage, cloudKey) };
}

/** Milliseconds until the KMS key record is tried again. */
function pauseOf(
  { vaultContext }: Stage,
  { next_attempt_at: next }: { next_attempt_at: string | null },
): number {
  return next === null ? Infinity : Date.parse(next) - vaultContext.now().getTime();
}

/** The same once AWS shows everything. */
async function inTime(stage: Stage, id: string): Promise<void> {
  stage.simulator.settle();
  await advanceKmsKey(stage.vaultContext, id);
  stage.simulator.settle();
}

test.serial('A4: what was just made is awaited for minutes, at intervals of seconds', async (t) => {
  const { stage, set } = t.context;
  const { cloudKey, kmsKeyRecord } = await unshown(stage, set);
  t.is(kmsKeyRecord.step, 'ALIAS');
  for (let tries = 0; tries < 20; tries++) {
    const now = await kmsKeyOf(stage, cloudKey);
    t.is(problemOf(now)?.fault, 'settling');
    t.regex(problemOf(now)?.message ?? '', /does not show yet/);
    t.notRegex(problemOf(now)?.remediation ?? '', /delete/);
    const pause = pauseOf(stage, now);
    t.true(pause <= 5_000, `${pause} ms after try ${tries}`);
    stage.clock.ahead += Math.max(pause, 0);
    await advanceKmsKey(stage.vaultContext, kmsKeyRecord.id);
  }
  await inTime(stage, kmsKeyRecord.id);
  t.is((await kmsKeyOf(stage, cloudKey)).step, 'DONE');
});

test.serial('A2: a disable of both sides is not done in AWS while AWS does not show the key', async (t) => {
  const { stage, set } = t.context;
  const { cloudKey, kmsKeyRecord } = await unshown(stage, set);
  await disableCloudKey(
    stage.vaultContext,
    stage.act(),
    { vaultId: stage.vaultId, sight: 'all', id: cloudKey.id },
    'both',
  );
  const [outcome] = await outcomesInAws(stage.vaultContext, cloudKey.id, 8_000);
  t.is(outcome?.outcome, 'pending');
  const kms = await kmsOf(stage, set);
  const waiting = await kmsKeyOf(stage, cloudKey);
  t.is(waiting.wanted, 'DISABLE');
  t.true(pauseOf(stage, waiting) <= 5_000);
  await inTime(stage, kmsKeyRecord.id);
  t.is((await kms.describe(kmsKeyRecord.key_id)).state, 'Disabled');
  t.is((await kmsKeyOf(stage, cloudKey)).wanted, null);
});

test.serial('A2: a deletion of both sides, and one of the KMS key alone, are awaited likewise', async (t) => {
  const { stage, set } = t.context;
  const { vaultContext, act, vaultId } = stage;
  const { cloudKey, kmsKeyRecord } = await unshown(stage, set);
  await scheduleDeletion(vaultContext, act(), { vaultId, sight: 'all', id: cloudKey.id }, 7, 'both');
  t.is((await outcomesInAws(vaultContext, cloudKey.id, 8_000))[0]?.outcome, 'pending');
  await inTime(stage, kmsKeyRecord.id);
  const kms = await kmsOf(stage, set);
  t.is((await kms.describe(kmsKeyRecord.key_id)).state, 'PendingDeletion');

  const second = await unshown(stage, set);
  await deleteKmsKey(vaultContext, act(), on(stage, second.kmsKeyRecord), {
    kind: 'schedule-deletion',
    days: 7,
  });
  await advanceKmsKey(vaultContext, second.kmsKeyRecord.id);
  t.not((await kmsKeyOf(stage, second.cloudKey)).step, 'GONE');
  await inTime(stage, second.kmsKeyRecord.id);
  const given = await kmsKeyOf(stage, second.cloudKey);
  t.like(given, { step: 'GONE', outcome: 'DELETION_SCHEDULED' });
  t.is((await kms.describe(given.key_id)).state, 'PendingDeletion');
});

test.serial(
  'A2: a KMS key that AWS has shown is not gone within the seven days that its deletion takes',
  async (t) => {
    const { stage, set } = t.context;
    const { cloudKey, kmsKeyRecord } = await unshown(stage, set);
    await inTime(stage, kmsKeyRecord.id);
    const set_ = { key_id: '00000000-0000-0000-0000-000000000000' };
    await stage.vaultContext.store.db
      .updateTable('kms_keys')
      .set(set_)
      .where('id', '=', kmsKeyRecord.id)
      .execute();
    await refreshKmsKey(stage.vaultContext, kmsKeyRecord.id);
    t.not((await kmsKeyOf(stage, cloudKey)).cloud_status, 'NOT_FOUND');
    const { ahead } = stage.clock;
    stage.clock.ahead += 8 * 24 * hour;
    await refreshKmsKey(stage.vaultContext, kmsKeyRecord.id);
    stage.clock.ahead = ahead;
    t.is((await kmsKeyOf(stage, cloudKey)).cloud_status, 'NOT_FOUND');
  },
);

test.serial(
  'A2: a KMS key record given up while its key is made and unseen ends with the key found, never with "never made"',
  async (t) => {
    const { stage, set } = t.context;
    stage.simulator.settle();
    const cloudKey = await newCloudKey(stage, set);
    const before = await kmsKeyOf(stage, cloudKey);
    stage.simulator.fault({ service: 'kms', action: 'CreateKey', kind: 'answer-lost', times: 1 });
    await advanceKmsKey(stage.vaultContext, before.id);
    await deleteKmsKey(stage.vaultContext, stage.act(), on(stage, before), {
      kind: 'schedule-deletion',
      days: 7,
    });
    await advanceKmsKey(stage.vaultContext, before.id);
    t.not((await kmsKeyOf(stage, cloudKey)).step, 'GONE');
    t.true(pauseOf(stage, await kmsKeyOf(stage, cloudKey)) <= 5_000);
    await inTime(stage, before.id);
    const after = await kmsKeyOf(stage, cloudKey);
    t.like(after, { step: 'GONE', outcome: 'DELETION_SCHEDULED' });
  },
);

test.serial(
  'A3: an alias that AWS has and does not list is ours where the key that has it is ours',
  async (t) => {
    const { stage, set } = t.context;
    stage.simulator.settle();
    stage.time.consistencyMs = 0;
    const cloudKey = await newCloudKey(stage, set);
    const { id } = await kmsKeyOf(stage, cloudKey);
    stage.simulator.fault({ service: 'kms', action: 'CreateAlias', kind: 'reset', times: 1 });
    await advanceKmsKey(stage.vaultContext, id);
    stage.time.consistencyMs = hour;
    stage.simulator.fault({ service: 'kms', action: 'CreateAlias', kind: 'answer-lost', times: 1 });
    await advanceKmsKey(stage.vaultContext, id);
    await advanceKmsKey(stage.vaultContext, id);
    const row = await kmsKeyOf(stage, cloudKey);
    t.is(row.step, 'ALIAS');
    t.is(problemOf(row)?.fault, 'settling');
    t.true(pauseOf(stage, row) <= 5_000);
    await inTime(stage, id);
    t.is((await kmsKeyOf(stage, cloudKey)).step, 'DONE');
  },
);

for (const [wanted, operation, state] of [
  ['SCHEDULE_DELETION', 'ScheduleKeyDeletion', 'PendingDeletion'],
  ['CANCEL_DELETION', 'CancelKeyDeletion', 'Disabled'],
] as const)
  test.serial(
    `A: ${operation} that was done, its answer lost, and is refused while the old state shows is awaited`,
    async (t) => {
      const { stage, set } = t.context;
      const { vaultContext, act } = stage;
      stage.simulator.settle();
      stage.time.consistencyMs = 0;
      const { kmsKeyRecord } = await newKmsKey(stage, set);
      const want = async (input: 'SCHEDULE_DELETION' | 'CANCEL_DELETION') =>
        wantedOfKmsKey(
          vaultContext,
          act(),
          on(stage, kmsKeyRecord),
          input,
          input === 'SCHEDULE_DELETION' ? 7 : null,
        );
      if (wanted === 'CANCEL_DELETION') {
        await want('SCHEDULE_DELETION');
        await advanceKmsKey(vaultContext, kmsKeyRecord.id);
      }
      // Nothing of ours is so young that this alone would explain it.
      stage.clock.ahead += 11 * 60_000;
      stage.time.consistencyMs = hour;
      stage.simulator.fault({ service: 'kms', action: operation, kind: 'answer-lost', times: 1 });
      await want(wanted);
      for (let tries = 0; tries < 5; tries++) {
        await advanceKmsKey(vaultContext, kmsKeyRecord.id);
        const row = await kmsKeyById(vaultContext.store.db, kmsKeyRecord.id);
        t.is(row?.wanted, wanted);
        stage.clock.ahead += 2_000;
      }
      const waiting = await kmsKeyById(vaultContext.store.db, kmsKeyRecord.id);
      t.is(waiting === undefined ? '' : problemOf(waiting)?.fault, 'settling', waiting?.problem ?? '');
      await inTime(stage, kmsKeyRecord.id);
      t.like(await kmsKeyById(vaultContext.store.db, kmsKeyRecord.id), { wanted: null, problem: null });
      t.is((await (await kmsOf(stage, set)).describe(kmsKeyRecord.key_id)).state, state);
    },
  );

test.serial('an alias that was changed at once after its making is deleted all the same', async (t) => {
  const { stage, set } = t.context;
  const { cloudKey, kmsKeyRecord } = await unshown(stage, set);
  stage.simulator.settle();
  await advanceKmsKey(stage.vaultContext, kmsKeyRecord.id);
  const made = await kmsKeyOf(stage, cloudKey);
  t.is(made.step, 'DONE');
  // AWS does not show the alias that it has: nobody may conclude that there is none.
  await editKmsKey(
    stage.vaultContext,
    stage.act(),
    on(stage, made),
    { alias: `${made.alias}-2` },
    { apply: true },
  );
  await advanceKmsKey(stage.vaultContext, kmsKeyRecord.id);
  t.not((await kmsKeyOf(stage, cloudKey)).former_aliases, '[]');
  await inTime(stage, kmsKeyRecord.id);
  await inTime(stage, kmsKeyRecord.id);
  t.deepEqual(await (await kmsOf(stage, set)).aliases(kmsKeyRecord.key_id), [`${made.alias}-2`]);
  t.is((await kmsKeyOf(stage, cloudKey)).former_aliases, '[]');
});

test.serial(
  'A2: a key store is deleted once AWS has deleted it, not while AWS does not show it',
  async (t) => {
    const { stage } = t.context;
    const { vaultContext, act } = stage;
    stage.simulator.settle();
    const set = await newKeySetInAws(stage);
    const input = { region, connectivity: 'PUBLIC_ENDPOINT', uriEndpoint: endpoint } as const;
    const made = await createExternalKeyStore(vaultContext, act(), set.keySet, input);
    const where = { keySet: set.keySet, id: made.id };
    t.not(await deleteExternalKeyStore(vaultContext, act(), where, {}), undefined);
    const waiting = await storeOf(stage, set.keySet);
    t.is(waiting?.wanted, 'DELETE');
    t.true(Date.parse(waiting?.next_check_at ?? '') - vaultContext.now().getTime() <= 6_000);
    stage.simulator.settle();
    t.is((await inAws(stage, set)).length, 1);
    await refreshExternalKeyStore(vaultContext, act(), where);
    t.is(await storeOf(stage, set.keySet), undefined);
    stage.simulator.settle();
    t.is((await inAws(stage, set)).length, 0);
  },
);

test.serial(
  'a key store is connected though AWS shows it late, and shows late that it is connecting',
  async (t) => {
    const { stage } = t.context;
    const { vaultContext, act } = stage;
    stage.simulator.settle();
    const set = await newKeySetInAws(stage);
    const input = { region, connectivity: 'PUBLIC_ENDPOINT', uriEndpoint: endpoint, connect: true } as const;
    const made = await createExternalKeyStore(vaultContext, act(), set.keySet, input);
    const where = { keySet: set.keySet, id: made.id };
    stage.simulator.settle();
    await refreshExternalKeyStore(vaultContext, act(), where);
    // Asked to connect it; AWS shows it disconnected.
    await refreshExternalKeyStore(vaultContext, act(), where);
    const between = await storeOf(stage, set.keySet);
    t.not(between?.state, 'DISCONNECTED');
    t.true(Date.parse(between?.next_check_at ?? '') - vaultContext.now().getTime() <= 6_000);
    await stage.simulator.kms.connected(made.custom_key_store_id);
    stage.simulator.settle();
    await refreshExternalKeyStore(vaultContext, act(), where);
    t.like(await storeOf(stage, set.keySet), { state: 'CONNECTED', wanted: null, problem: null });
    await t.notThrowsAsync(connectExternalKeyStore(vaultContext, act(), where));
  },
);

test.serial('a key store is made once though the answer was lost and AWS does not list it', async (t) => {
  const { stage } = t.context;
  const { vaultContext, act } = stage;
  stage.simulator.settle();
  const set = await newKeySetInAws(stage);
  const input = { region, connectivity: 'PUBLIC_ENDPOINT', uriEndpoint: endpoint } as const;
  stage.simulator.fault({ service: 'kms', action: 'CreateCustomKeyStore', kind: 'answer-lost', times: 1 });
  const create = async () => createExternalKeyStore(vaultContext, act(), set.keySet, input);
  await t.throwsAsync(create());
  // A person who asks again: AWS has one of this name, and lists none.
  await t.throwsAsync(create());
  stage.simulator.settle();
  stage.clock.ahead += 60_000;
  await runDue(keyStoreLooks, vaultContext);
  const row = await storeOf(stage, set.keySet);
  const there = await inAws(stage, set);
  t.is(there.length, 1);
  t.is(row?.custom_key_store_id, there[0]?.id);
});

/** A key store that AWS showed in this state, with all that is to come not shown for an hour. */
async function settledStore(stage: Stage, state: 'CONNECTED' | 'DISCONNECTED') {
  const { vaultContext, act, simulator } = stage;
  simulator.settle();
  const set = await newConnected(stage);
  const where = { keySet: set.keySet, id: set.store.id };
  const id = set.store.custom_key_store_id;
  if (state === 'DISCONNECTED') {
    await disconnectExternalKeyStore(vaultContext, act(), where);
    await simulator.kms.settled(id, { now: true });
  }
  simulator.settle();
  await refreshExternalKeyStore(vaultContext, act(), where);
  const shown = await storeOf(stage, set.keySet);
  if (shown?.state !== state) throw new Error(`it is ${shown?.state}`);
  return { set, where, id };
}

/** As if another of AWS's hosts had shown it so: the next to be asked has not heard of it. */
async function shownAs(
  { vaultContext }: Stage,
  id: string,
  change: Partial<ExternalKeyStore>,
): Promise<void> {
  await vaultContext.store.db.updateTable('external_key_stores').set(change).where('id', '=', id).execute();
}

test.serial(
  'A: a key store that is shown connected from before its disconnecting is connected',
  async (t) => {
    const { stage } = t.context;
    const { vaultContext, act, simulator } = stage;
    const { where, id } = await settledStore(stage, 'CONNECTED');
    await disconnectExternalKeyStore(vaultContext, act(), where);
    await simulator.kms.settled(id, { now: true });
    await shownAs(stage, where.id, { state: 'DISCONNECTED' });
    const asked = await connectExternalKeyStore(vaultContext, act(), where);
    t.is(asked.state, 'CONNECTING');
    t.is(simulator.kms.state(id), 'CONNECTING');
    await simulator.kms.connected(id);
  },
);

test.serial(
  'A: a key store that is shown disconnected from before its connecting is disconnected',
  async (t) => {
    const { stage } = t.context;
    const { vaultContext, act, simulator } = stage;
    const { where, id } = await settledStore(stage, 'DISCONNECTED');
    await connectExternalKeyStore(vaultContext, act(), where);
    await simulator.kms.connected(id);
    await shownAs(stage, where.id, { state: 'CONNECTED' });
    const asked = await disconnectExternalKeyStore(vaultContext, act(), where);
    t.is(asked.state, 'DISCONNECTING');
    t.is(await simulator.kms.settled(id, { now: true }), 'DISCONNECTED');
    // And once more: that it is so already AWS says itself.
    t.is((await disconnectExternalKeyStore(vaultContext, act(), where)).wanted, null);
  },
);

test.serial('A: after a change that needs it disconnected it is connected, whatever AWS shows', async (t) => {
  const { stage } = t.context;
  const { vaultContext, act, simulator } = stage;
  const { set, where, id } = await settledStore(stage, 'CONNECTED');
  const input = { uriEndpoint: `https://${secondHostName}`, disconnect: true };
  await updateExternalKeyStore(vaultContext, act(), where, input);
  await simulator.kms.settled(id, { now: true });
  // One of AWS's hosts shows it disconnected, and the next does not.
  simulator.settle();
  stage.time.consistencyMs = 0;
  const trip = setInterval(() => (stage.time.consistencyMs = hour), 1);
  t.teardown(() => clearInterval(trip));
  await refreshExternalKeyStore(vaultContext, act(), where);
  t.is((await storeOf(stage, set.keySet))?.wanted, null);
  t.is(simulator.kms.state(id), 'CONNECTING');
  await simulator.kms.connected(id);
});

test.serial(
  'A: a change that is taken back at once is sent, though AWS shows what was before both',
  async (t) => {
    const { stage } = t.context;
    const { vaultContext, act } = stage;
    const { set, where } = await settledStore(stage, 'CONNECTED');
    const { name } = set.store;
    await updateExternalKeyStore(vaultContext, act(), where, { name: `${name}-2` });
    await updateExternalKeyStore(vaultContext, act(), where, { name });
    stage.simulator.settle();
    t.is((await inAws(stage, set)).find(({ id }) => id === set.store.custom_key_store_id)?.name, name);
  },
);

const open = (account: string) =>
  JSON.stringify({
    Version: '2012-10-17',
    Statement: [
      { Effect: 'Allow', Principal: { AWS: account }, Action: 'kms:*', Resource: '*' },
      { Effect: 'Allow', Principal: '*', Action: 'kms:*', Resource: '*' },
    ],
  });

/** A KMS key as AWS shows it, which we have just disabled. */
async function justDisabled(stage: Stage, set: KeySetInAws) {
  const { vaultContext, act, simulator, time } = stage;
  simulator.settle();
  time.consistencyMs = 0;
  const { cloudKey, kmsKeyRecord } = await newKmsKey(stage, set);
  await refreshKmsKey(vaultContext, kmsKeyRecord.id);
  const kms = await kmsOf(stage, set);
  time.consistencyMs = hour;
  await wantedOfKmsKey(vaultContext, act(), on(stage, kmsKeyRecord), 'DISABLE');
  await advanceKmsKey(vaultContext, kmsKeyRecord.id);
  const refreshed = async () => {
    await refreshKmsKey(vaultContext, kmsKeyRecord.id);
    return kmsKeyOf(stage, cloudKey);
  };
  return { kmsKeyRecord, refreshed, kms };
}

const whatDrifts = (row: KmsKey) => driftOf(row).map(({ what }) => what);
const whatMayBeStale = (row: KmsKey) => showKmsKey(row).mayBeStale.map(({ what }) => what);

test.serial('drift: a key enabled again in AWS and opened to all is told at the next look', async (t) => {
  const { stage, set } = t.context;
  const { kmsKeyRecord, refreshed, kms } = await justDisabled(stage, set);
  // AWS has shown it disabled.
  stage.simulator.settle();
  t.deepEqual(whatDrifts(await refreshed()), []);
  await kms.enable(kmsKeyRecord.key_id);
  await kms.putPolicy(kmsKeyRecord.key_id, open(set.account.id));
  stage.simulator.settle();
  const after = await refreshed();
  t.deepEqual(whatDrifts(after), ['state', 'policy']);
  t.is(after.cloud_status, 'AVAILABLE');
});

test.serial('drift: what AWS shows as before our own change is told as such, for two minutes', async (t) => {
  const { stage, set } = t.context;
  const { vaultContext, act, clock } = stage;
  const { kmsKeyRecord, refreshed, kms } = await justDisabled(stage, set);
  const told = await kmsKeyOf(stage, { id: kmsKeyRecord.cloud_key_id });
  clock.ahead += 10_000;
  const stale = await refreshed();
  t.deepEqual([whatDrifts(stale), whatMayBeStale(stale)], [[], ['state']]);
  // Its status is as old as it was: AWS has not said so now.
  t.is(stale.cloud_status_at, told.cloud_status_at);
  t.true(pauseOf(stage, { next_attempt_at: stale.next_check_at }) <= 30_000);
  await t.throwsAsync(acceptKmsKey(vaultContext, act(), on(stage, kmsKeyRecord), ['state']), {
    message: /may be stale/,
  });
  await t.throwsAsync(acceptKmsKey(vaultContext, act(), on(stage, kmsKeyRecord), undefined), {
    message: /may be stale: state/,
  });
  await t.notThrowsAsync(acceptKmsKey(vaultContext, act(), on(stage, kmsKeyRecord), ['policy']));
  // The policy was not changed by us: whatever it is, it is told.
  await kms.putPolicy(kmsKeyRecord.key_id, open(set.account.id));
  await kms.enable(kmsKeyRecord.key_id);
  stage.simulator.settle();
  const open_ = await refreshed();
  t.deepEqual([whatDrifts(open_), whatMayBeStale(open_)], [['policy'], ['state']]);
  clock.ahead += 111_000;
  const late = await refreshed();
  t.deepEqual([whatDrifts(late), whatMayBeStale(late)], [['state', 'policy'], []]);
});

test.serial('drift: changes of one thing lengthen nothing for another, nor for itself', async (t) => {
  const { stage, set } = t.context;
  const { vaultContext, act, clock } = stage;
  const { kmsKeyRecord, refreshed, kms } = await justDisabled(stage, set);
  await kms.enable(kmsKeyRecord.key_id);
  stage.simulator.settle();
  for (let seconds = 0; seconds < 120; seconds += 40) {
    t.deepEqual(whatDrifts(await refreshed()), [], `after ${seconds} s`);
    clock.ahead += 40_500;
    const now = await kmsKeyOf(stage, { id: kmsKeyRecord.cloud_key_id });
    const description = `after ${seconds} s`;
    await editKmsKey(vaultContext, act(), on(stage, now), { description }, { apply: true });
    await advanceKmsKey(vaultContext, kmsKeyRecord.id);
  }
  t.true(whatDrifts(await refreshed()).includes('state'));
});

test.serial(
  'drift: apply sends what is named, whether AWS is known to have it otherwise or not',
  async (t) => {
    const { stage, set } = t.context;
    const { vaultContext, act, simulator } = stage;
    const { kmsKeyRecord, refreshed, kms } = await justDisabled(stage, set);
    await kms.enable(kmsKeyRecord.key_id);
    await kms.putPolicy(kmsKeyRecord.key_id, open(set.account.id));
    // Held back, and not looked at.
    simulator.settle();
    t.deepEqual(whatMayBeStale(await refreshed()), ['state']);
    await kms.putPolicy(kmsKeyRecord.key_id, open(set.account.id));
    await applyKmsKey(vaultContext, act(), on(stage, kmsKeyRecord), ['policy']);
    t.deepEqual(toApplyOf(await kmsKeyOf(stage, { id: kmsKeyRecord.cloud_key_id })), ['policy']);
    await advanceKmsKey(vaultContext, kmsKeyRecord.id);
    await applyKmsKey(vaultContext, act(), on(stage, kmsKeyRecord), undefined);
    await advanceKmsKey(vaultContext, kmsKeyRecord.id);
    t.is((await kms.describe(kmsKeyRecord.key_id)).state, 'Disabled');
    t.notRegex(await kms.policy(kmsKeyRecord.key_id), /"Principal":"\*"/);
    await kms.enable(kmsKeyRecord.key_id);
    await applyKmsKey(vaultContext, act(), on(stage, kmsKeyRecord), [
      'state',
      'policy',
      'alias',
      'tags',
      'description',
    ]);
    await advanceKmsKey(vaultContext, kmsKeyRecord.id);
    t.is((await kms.describe(kmsKeyRecord.key_id)).state, 'Disabled');
    const after = await kmsKeyOf(stage, { id: kmsKeyRecord.cloud_key_id });
    t.like(after, { to_apply: '[]', wanted: null, problem: null });
  },
);
