import anyTest, { type TestFn } from 'ava';
import type { FaultRule } from '../../simulator/simulator.ts';
import { disableCloudKey, enableCloudKey } from '../../src/keys/cloud-keys.ts';
import { deleteKmsKey, retryKmsKey } from '../../src/cloud/kms-keys/acts.ts';
import { driftOf } from '../../src/cloud/kms-keys/drift.ts';
import { dueWork } from '../../src/cloud/kms-keys/due.ts';
import { editKmsKey } from '../../src/cloud/kms-keys/edit.ts';
import { createKmsKey } from '../../src/cloud/kms-keys/create.ts';
import { freezeVault, thawVault } from '../../src/vault/vault-freezes.ts';
import { advanceKmsKey } from '../../src/cloud/kms-keys/attempts.ts';
import { problemOf, seenOf, tagsOf } from '../../src/cloud/kms-keys/records.ts';
import { refreshKmsKey } from '../../src/cloud/kms-keys/attempts.ts';
import { eventsOf } from '../../testing/vault.ts';
import {
  newConnected,
  newKeySetInAws,
  openStage,
  region,
  type KeySetInAws,
  type Stage,
} from '../../testing/external-key-store-stage.ts';
import {
  beforeWrite,
  inAwsOf,
  inTheEnd,
  killedAtWrite,
  kmsOf,
  newCloudKey,
  newKmsKey,
  on,
  kmsKeyOf,
  untilStruck,
} from '../../testing/kms-key-stage.ts';

const test = anyTest as TestFn<{ stage: Stage; set: KeySetInAws }>;

test.before(async (t) => {
  const stage = await openStage();
  t.context.stage = stage;
  t.context.set = await newConnected(stage);
});
test.after.always(async (t) => t.context.stage?.dispose());

test.serial('a new CloudKey brings KMS key, alias, policy and tags', async (t) => {
  const { stage, set } = t.context;
  const administrator = `arn:aws:iam::${set.account.id}:root`;
  const cloudKey = await newCloudKey(stage, set, { description: 'for payments' });
  const before = await kmsKeyOf(stage, cloudKey);
  t.is(before.step, 'KEY');
  t.is(before.alias, `alias/${cloudKey.name}`);
  t.deepEqual(await inAwsOf(await kmsOf(stage, set), cloudKey), []);

  t.deepEqual(await inTheEnd(stage, before.id), { fault: undefined });
  const kmsKeyRecord = await kmsKeyOf(stage, cloudKey);
  const kms = await kmsOf(stage, set);
  const key = await kms.describe(kmsKeyRecord.alias);
  t.is(kmsKeyRecord.step, 'DONE');
  t.is(kmsKeyRecord.cloud_status, 'AVAILABLE');
  t.is(kmsKeyRecord.key_arn, key.arn);
  t.is(key.xksKeyId, cloudKey.external_key_id);
  t.is(key.description, 'for payments');
  t.deepEqual(await kms.tags(key.keyId), {
    'holdfast:cloud-key': cloudKey.id,
    'holdfast:kms-key': kmsKeyRecord.id,
  });
  t.true((await kms.policy(key.keyId)).includes(administrator));
  t.deepEqual(driftOf(kmsKeyRecord), []);
  t.deepEqual(
    (await eventsOf({ store: stage.vaultContext.store }, kmsKeyRecord.id)).map(({ action, actor_name }) => [
      action,
      actor_name,
    ]),
    [
      ['kms-key.create', 'ada'],
      ['kms-key.made', 'aws'],
      ['kms-key.alias-made', 'aws'],
    ],
  );
});

test.serial('what AWS shows afterwards is what was asked for: no drift', async (t) => {
  const { stage, set } = t.context;
  const { kmsKeyRecord } = await newKmsKey(stage, set, {
    kmsKey: { tags: { cost: 'centre 12' }, description: 'with tags' },
  });
  await refreshKmsKey(stage.vaultContext, kmsKeyRecord.id);
  const { cloud_key_id: id } = kmsKeyRecord;
  const after = await kmsKeyOf(stage, { id });
  t.deepEqual(driftOf(after), []);
  t.is(seenOf(after)?.tags?.['cost'], 'centre 12');
  t.is(tagsOf(after)['cost'], 'centre 12');
  t.is(after.cloud_status, 'AVAILABLE');
});

const faults: FaultRule['kind'][] = ['reset', '500', 'throttle', 'denied', 'answer-lost'];

for (const action of ['CreateKey', 'CreateAlias'] as const)
  for (const kind of faults)
    test.serial(`${action} fails (${kind}): a second run completes it, exactly once`, async (t) => {
      const { stage, set } = t.context;
      const cloudKey = await newCloudKey(stage, set);
      const { id } = await kmsKeyOf(stage, cloudKey);
      const undo = stage.simulator.fault({ service: 'kms', action, kind, times: 1 });
      const { fault } = await untilStruck(stage, id);
      undo();
      const failed = await kmsKeyOf(stage, cloudKey);
      const problem = problemOf(failed);
      t.is(failed.step, action === 'CreateKey' ? 'KEY' : 'ALIAS');
      t.is(problem?.operation, action);
      t.is(problem?.fault, fault);
      t.not(problem?.remediation ?? '', '');
      t.is(problem?.times, 1);
      t.true((failed.next_attempt_at ?? '') > stage.vaultContext.now().toISOString());

      // What a look at the clock finds once its time has come.
      await inTheEnd(stage, id);
      const kmsKeyRecord = await kmsKeyOf(stage, cloudKey);
      const kms = await kmsOf(stage, set);
      t.is(kmsKeyRecord.step, 'DONE');
      t.is(kmsKeyRecord.problem, null);
      t.is(kmsKeyRecord.attempts, 0);
      t.deepEqual(await inAwsOf(kms, cloudKey), [kmsKeyRecord.key_id]);
      t.deepEqual(await kms.aliases(kmsKeyRecord.key_id), [kmsKeyRecord.alias]);
    });

test.serial('a kill at any write: a second run completes it, exactly once', async (t) => {
  const { stage, set } = t.context;
  // Before the first request is sent, after CreateKey, after CreateAlias.
  for (const write of [1, 2, 3]) {
    const cloudKey = await newCloudKey(stage, set);
    const { id } = await kmsKeyOf(stage, cloudKey);
    const { fault } = await advanceKmsKey(killedAtWrite(stage.vaultContext, write), id);
    t.is(fault, 'internal', `write ${write}`);
    t.not((await kmsKeyOf(stage, cloudKey)).step, 'DONE');
    await inTheEnd(stage, id);
    const kmsKeyRecord = await kmsKeyOf(stage, cloudKey);
    const kms = await kmsOf(stage, set);
    t.is(kmsKeyRecord.step, 'DONE', `write ${write}`);
    t.deepEqual(await inAwsOf(kms, cloudKey), [kmsKeyRecord.key_id]);
    t.deepEqual(await kms.aliases(kmsKeyRecord.key_id), [kmsKeyRecord.alias]);
  }
});

const stricter = (account: string) => ({
  Version: '2012-10-17',
  Statement: [
    { Effect: 'Allow', Principal: { AWS: account }, Action: 'kms:*', Resource: '*' },
    // What is in no generated policy: Sids alone make no difference.
    { Sid: 'stricter', Effect: 'Deny', Principal: '*', Action: 'kms:ReplicateKey', Resource: '*' },
  ],
});

for (const [write, when] of [
  [1, 'before CreateKey is sent'],
  [2, 'while CreateKey is on its way'],
] as const)
  for (const apply of [true, false])
    test.serial(`what is asked for ${when} the KMS key gets, apply: ${String(apply)}`, async (t) => {
      const { stage, set } = t.context;
      stage.kindly(t, 'each write is what is counted');
      const cloudKey = await newCloudKey(stage, set);
      const row = await kmsKeyOf(stage, cloudKey);
      const edit = { policy: stricter(set.account.id), description: 'edited', tags: { team: 'payments' } };
      const vaultContext = beforeWrite(stage.vaultContext, write, async () =>
        editKmsKey(stage.vaultContext, stage.act(), on(stage, row), edit, { apply }),
      );
      await advanceKmsKey(vaultContext, row.id);
      const kmsKeyRecord = await kmsKeyOf(stage, cloudKey);
      t.like(kmsKeyRecord, { step: 'DONE', to_apply: '[]', policy_source: 'DOCUMENT', problem: null });
      t.regex(kmsKeyRecord.policy, /stricter/);
      const kms = await kmsOf(stage, set);
      t.regex(await kms.policy(kmsKeyRecord.key_id), /stricter/);
      t.is((await kms.describe(kmsKeyRecord.key_id)).description, 'edited');
      t.is((await kms.tags(kmsKeyRecord.key_id))['team'], 'payments');
    });

test.serial('what is asked for after CreateKey was lost the KMS key gets once it is found', async (t) => {
  const { stage, set } = t.context;
  stage.kindly(t, 'what is lost is told here');
  const cloudKey = await newCloudKey(stage, set);
  const row = await kmsKeyOf(stage, cloudKey);
  stage.simulator.fault({ service: 'kms', action: 'CreateKey', kind: 'answer-lost', times: 1 });
  await untilStruck(stage, row.id);
  const edit = { policy: stricter(set.account.id), description: 'edited' };
  await editKmsKey(stage.vaultContext, stage.act(), on(stage, row), edit, { apply: true });
  await inTheEnd(stage, row.id);
  const kmsKeyRecord = await kmsKeyOf(stage, cloudKey);
  t.like(kmsKeyRecord, { step: 'DONE', to_apply: '[]', policy_source: 'DOCUMENT' });
  const kms = await kmsOf(stage, set);
  t.regex(await kms.policy(kmsKeyRecord.key_id), /stricter/);
  t.is((await kms.describe(kmsKeyRecord.key_id)).description, 'edited');
});

test.serial('a KMS key record that is given up before CreateKey is sent makes no KMS key', async (t) => {
  const { stage, set } = t.context;
  const cloudKey = await newCloudKey(stage, set);
  const row = await kmsKeyOf(stage, cloudKey);
  const vaultContext = beforeWrite(stage.vaultContext, 1, async () =>
    deleteKmsKey(stage.vaultContext, stage.act(), on(stage, row), { kind: 'keep' }),
  );
  await advanceKmsKey(vaultContext, row.id);
  t.like(await kmsKeyOf(stage, cloudKey), { step: 'GONE', outcome: 'NEVER_MADE' });
  t.deepEqual(await inAwsOf(await kmsOf(stage, set), cloudKey), []);
});

test.serial('an alias of another key is never taken without being asked for', async (t) => {
  const { stage, set } = t.context;
  const { kmsKeyRecord: first } = await newKmsKey(stage, set);
  const cloudKey = await newCloudKey(stage, set, { kmsKey: { alias: first.alias } });
  const { id } = await kmsKeyOf(stage, cloudKey);
  await inTheEnd(stage, id);
  const blocked = await kmsKeyOf(stage, cloudKey);
  const problem = problemOf(blocked);
  t.is(blocked.step, 'ALIAS');
  t.is(problem?.code, 'AlreadyExistsException');
  t.is(problem?.keyArn, first.key_arn);
  t.regex(problem?.remediation ?? '', /--alias|--take-alias/);
  const kms = await kmsOf(stage, set);
  t.deepEqual(await kms.aliases(first.key_id), [first.alias]);

  // Once AWS has shown the alias, its going is told at once.
  stage.simulator.settle();
  await refreshKmsKey(stage.vaultContext, first.id);
  await retryKmsKey(stage.vaultContext, stage.act(), on(stage, blocked), { takeAlias: true });
  await inTheEnd(stage, id);
  t.is((await kmsKeyOf(stage, cloudKey)).step, 'DONE');
  t.deepEqual(await kms.aliases(first.key_id), []);
  t.deepEqual(await kms.aliases(blocked.key_id), [first.alias]);
  await refreshKmsKey(stage.vaultContext, first.id);
  t.deepEqual(
    driftOf(await kmsKeyOf(stage, { id: first.cloud_key_id })).map(({ what, aws }) => [what, aws]),
    [['alias', []]],
  );
});

test.serial('another alias lets a KMS key record go on whose alias is taken', async (t) => {
  const { stage, set } = t.context;
  const { kmsKeyRecord: first } = await newKmsKey(stage, set);
  const cloudKey = await newCloudKey(stage, set, { kmsKey: { alias: first.alias } });
  const { id } = await kmsKeyOf(stage, cloudKey);
  await inTheEnd(stage, id);
  const edit = { alias: `${first.alias}-2` };
  await editKmsKey(stage.vaultContext, stage.act(), on(stage, await kmsKeyOf(stage, cloudKey)), edit, {
    apply: true,
  });
  await inTheEnd(stage, id);
  const kmsKeyRecord = await kmsKeyOf(stage, cloudKey);
  t.is(kmsKeyRecord.step, 'DONE');
  t.deepEqual(await (await kmsOf(stage, set)).aliases(kmsKeyRecord.key_id), [`${first.alias}-2`]);
});

test.serial('a KMS key that somebody made for the CloudKey is shown, and linked on request', async (t) => {
  const { stage, set } = t.context;
  const cloudKey = await newCloudKey(stage, set);
  const { id, custom_key_store_id: customKeyStoreId } = await kmsKeyOf(stage, cloudKey);
  const kms = await kmsOf(stage, set);
  const theirs = await kms.create({
    ...{ customKeyStoreId, xksKeyId: cloudKey.external_key_id, description: 'by hand', tags: { by: 'hand' } },
    policy: JSON.stringify({
      Version: '2012-10-17',
      Statement: [{ Effect: 'Allow', Principal: { AWS: set.account.id }, Action: 'kms:*', Resource: '*' }],
    }),
  });
  stage.simulator.settle();
  await inTheEnd(stage, id);
  const blocked = await kmsKeyOf(stage, cloudKey);
  t.is(blocked.step, 'KEY');
  t.is(problemOf(blocked)?.code, 'XksKeyAlreadyInUseException');
  t.is(problemOf(blocked)?.keyArn, theirs.arn);

  await editKmsKey(
    stage.vaultContext,
    stage.act(),
    on(stage, blocked),
    { keyArn: theirs.arn },
    { apply: true },
  );
  const linked = await kmsKeyOf(stage, cloudKey);
  t.is(linked.step, 'DONE');
  t.is(linked.origin, 'LINKED');
  t.is(linked.key_id, theirs.keyId);
  t.is(linked.problem, null);
  t.is(linked.description, 'by hand');
  t.deepEqual(tagsOf(linked), { by: 'hand' });
  t.is(linked.alias, '');
  t.deepEqual(driftOf(linked), []);
  t.deepEqual(await inAwsOf(kms, cloudKey), [theirs.keyId]);
});

test.serial('what waits for its CloudKey goes on once that is enabled', async (t) => {
  const { stage, set } = t.context;
  const { vaultContext, act, vaultId } = stage;
  const cloudKey = await newCloudKey(stage, set);
  const { id } = await kmsKeyOf(stage, cloudKey);
  await disableCloudKey(vaultContext, act(), { vaultId, sight: 'all', id: cloudKey.id });
  await inTheEnd(stage, id);
  const waiting = await kmsKeyOf(stage, cloudKey);
  t.is(problemOf(waiting)?.fault, 'waiting');
  t.is(problemOf(waiting)?.code, 'CloudKeyNotAvailable');
  t.false((await dueWork(vaultContext)).some((due) => due.id === id));
  await enableCloudKey(vaultContext, act(), { vaultId, sight: 'all', id: cloudKey.id });
  await freezeVault(vaultContext, act(), { vaultId }, 'appliance');
  await inTheEnd(stage, id);
  t.regex(problemOf(await kmsKeyOf(stage, cloudKey))?.remediation ?? '', /holdfast vault thaw/);
  for (const side of ['vault', 'appliance'] as const) {
    t.false((await dueWork(vaultContext)).some((due) => due.id === id));
    await thawVault(vaultContext, act(), { vaultId }, side);
  }
  t.true((await dueWork(vaultContext)).some((due) => due.id === id));
  await inTheEnd(stage, id);
  t.is((await kmsKeyOf(stage, cloudKey)).step, 'DONE');
});

test.serial(
  'what waits for its key store says so, sends nothing, and goes on once that is connected',
  async (t) => {
    const { stage, set } = t.context;
    const cloudKey = await newCloudKey(stage, set);
    const { id, external_key_store_id } = await kmsKeyOf(stage, cloudKey);
    const say = async (state: 'DISCONNECTED' | 'CONNECTED') =>
      stage.vaultContext.store.db
        .updateTable('external_key_stores')
        .set({ state })
        .where('id', '=', external_key_store_id)
        .execute();
    await say('DISCONNECTED');
    await inTheEnd(stage, id);
    const waiting = await kmsKeyOf(stage, cloudKey);
    t.is(problemOf(waiting)?.code, 'KeyStoreNotConnected');
    t.is(waiting.create_sent, 0);
    t.false((await dueWork(stage.vaultContext)).some((due) => due.id === id));
    await say('CONNECTED');
    t.true((await dueWork(stage.vaultContext)).some((due) => due.id === id));
    await inTheEnd(stage, id);
    t.is((await kmsKeyOf(stage, cloudKey)).step, 'DONE');
  },
);

test.serial('a KMS key record given up before anything was sent leaves nothing', async (t) => {
  const { stage, set } = t.context;
  const cloudKey = await newCloudKey(stage, set);
  const row = await kmsKeyOf(stage, cloudKey);
  await deleteKmsKey(stage.vaultContext, stage.act(), on(stage, row), { kind: 'schedule-deletion', days: 7 });
  await inTheEnd(stage, row.id);
  const after = await kmsKeyOf(stage, cloudKey);
  t.is(after.step, 'GONE');
  t.is(after.outcome, 'NEVER_MADE');
  t.deepEqual(await inAwsOf(await kmsOf(stage, set), cloudKey), []);
  // It makes room for another one.
  await createKmsKey(
    stage.vaultContext,
    stage.act(),
    { vaultId: stage.vaultId, sight: 'all', cloudKeyId: cloudKey.id },
    {},
  );
  t.is((await kmsKeyOf(stage, cloudKey)).step, 'KEY');
});

test.serial(
  'a KMS key record given up while the answer to CreateKey was lost finds its key first',
  async (t) => {
    const { stage, set } = t.context;
    const cloudKey = await newCloudKey(stage, set);
    const row = await kmsKeyOf(stage, cloudKey);
    const undo = stage.simulator.fault({
      service: 'kms',
      action: 'CreateKey',
      kind: 'answer-lost',
      times: 1,
    });
    await untilStruck(stage, row.id);
    undo();
    await deleteKmsKey(stage.vaultContext, stage.act(), on(stage, row), {
      kind: 'schedule-deletion',
      days: 7,
    });
    await inTheEnd(stage, row.id);
    const after = await kmsKeyOf(stage, cloudKey);
    const kms = await kmsOf(stage, set);
    const [keyId = ''] = await inAwsOf(kms, cloudKey);
    t.is(after.step, 'GONE');
    t.is(after.outcome, 'DELETION_SCHEDULED');
    t.is(after.key_id, keyId);
    t.is((await kms.describe(keyId)).state, 'PendingDeletion');
  },
);

test.serial('a KMS key record given up with its KMS key kept says so', async (t) => {
  const { stage, set } = t.context;
  const { kmsKeyRecord, cloudKey } = await newKmsKey(stage, set);
  await deleteKmsKey(stage.vaultContext, stage.act(), on(stage, kmsKeyRecord), { kind: 'keep' });
  await inTheEnd(stage, kmsKeyRecord.id);
  const after = await kmsKeyOf(stage, cloudKey);
  t.is(after.step, 'GONE');
  t.is(after.outcome, 'KEPT');
  t.is((await (await kmsOf(stage, set)).describe(kmsKeyRecord.key_id)).state, 'Enabled');
});

test.serial(
  'without a key store in its Region a CloudKey has no KMS key record, unless asked for in vain',
  async (t) => {
    const { stage } = t.context;
    const set = await newKeySetInAws(stage);
    const cloudKey = await newCloudKey(stage, set, { region });
    await t.throwsAsync(kmsKeyOf(stage, cloudKey));
    await t.throwsAsync(newCloudKey(stage, set, { kmsKey: true }), { message: /no external key store/ });
  },
);
