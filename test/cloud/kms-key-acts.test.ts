import anyTest, { type TestFn } from 'ava';
import {
  cancelDeletion,
  createCloudKey,
  disableCloudKey,
  enableCloudKey,
  getCloudKey,
  planCloudKey,
  scheduleDeletion,
  updateCloudKey,
  type NewKeyInput,
} from '../../src/keys/cloud-keys.ts';
import { createExternalKeyStore } from '../../src/cloud/key-stores/key-stores.ts';
import { acceptKmsKey, applyKmsKey, deleteKmsKey, wantedOfKmsKey } from '../../src/cloud/kms-keys/acts.ts';
import { consoleOfKmsKey } from '../../src/cloud/kms-keys/console.ts';
import { driftOf } from '../../src/cloud/kms-keys/drift.ts';
import { editKmsKey } from '../../src/cloud/kms-keys/edit.ts';
import { createKmsKey } from '../../src/cloud/kms-keys/create.ts';
import { previewKmsKey } from '../../src/cloud/kms-keys/new-key.ts';
import { accountIdOf, problemOf, tagsOf, toApplyOf, type KmsKey } from '../../src/cloud/kms-keys/records.ts';
import { advanceKmsKey, refreshKmsKey } from '../../src/cloud/kms-keys/attempts.ts';
import { listUnlinkedKmsKeys } from '../../src/cloud/kms-keys/unlinked.ts';
import { outcomesInAws } from '../../src/cloud/kms-keys/cloud-key-follower.ts';
import { AwsClients } from '../../src/cloud/aws/clients.ts';
import { whenIdle } from '../../src/cloud/controller/turn.ts';
import { silentLog } from '../../testing/aws-settings.ts';
import { TestAwsAccount } from '../support/aws-users.ts';
import { eventsOf, fresh } from '../../testing/vault.ts';
import {
  endpoint,
  newConnected,
  newKeySetInAws,
  openStage,
  untilConnected,
  region,
  type KeySetInAws,
  type Stage,
} from '../../testing/external-key-store-stage.ts';
import {
  beforeWrite,
  inAwsOf,
  inTheEnd,
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

async function again(stage: Stage, { cloud_key_id: id }: KmsKey): Promise<KmsKey> {
  return kmsKeyOf(stage, { id });
}

test.serial('a KMS key is disabled and enabled in AWS; the CloudKey stays as it is', async (t) => {
  const { stage, set } = t.context;
  const { vaultContext, act, vaultId } = stage;
  const { kmsKeyRecord, cloudKey } = await newKmsKey(stage, set);
  const kms = await kmsOf(stage, set);
  for (const [wanted, state, status] of [
    ['DISABLE', 'Disabled', 'DISABLED'],
    ['DISABLE', 'Disabled', 'DISABLED'],
    ['ENABLE', 'Enabled', 'AVAILABLE'],
  ] as const) {
    await wantedOfKmsKey(vaultContext, act(), on(stage, kmsKeyRecord), wanted);
    await inTheEnd(stage, kmsKeyRecord.id);
    t.is((await kms.describe(kmsKeyRecord.key_id)).state, state);
    const after = await again(stage, kmsKeyRecord);
    t.is(after.cloud_status, status);
    t.is(after.wanted, null);
    t.deepEqual(driftOf(after), []);
  }
  t.is((await getCloudKey(vaultContext, vaultId, 'all', cloudKey.id)).state, 'AVAILABLE');
});

test.serial(
  'the deletion of a KMS key is scheduled and cancelled; what was done already is as good as done',
  async (t) => {
    const { stage, set } = t.context;
    const { vaultContext, act } = stage;
    const { kmsKeyRecord } = await newKmsKey(stage, set);
    const kms = await kmsOf(stage, set);
    const undo = stage.simulator.fault({
      service: 'kms',
      action: 'ScheduleKeyDeletion',
      kind: 'answer-lost',
      times: 1,
    });
    await wantedOfKmsKey(vaultContext, act(), on(stage, kmsKeyRecord), 'SCHEDULE_DELETION', 7);
    await untilStruck(stage, kmsKeyRecord.id);
    undo();
    t.is((await again(stage, kmsKeyRecord)).wanted, 'SCHEDULE_DELETION');
    await inTheEnd(stage, kmsKeyRecord.id);
    const scheduled = await again(stage, kmsKeyRecord);
    t.is(scheduled.wanted, null);
    t.is(scheduled.cloud_status, 'PENDING_DELETION');
    await t.throwsAsync(wantedOfKmsKey(vaultContext, act(), on(stage, kmsKeyRecord), 'ENABLE'), {
      message: /to be deleted/,
    });

    await wantedOfKmsKey(vaultContext, act(), on(stage, kmsKeyRecord), 'CANCEL_DELETION');
    await inTheEnd(stage, kmsKeyRecord.id);
    t.is((await kms.describe(kmsKeyRecord.key_id)).state, 'Disabled');
    t.is((await again(stage, kmsKeyRecord)).cloud_status, 'DISABLED');
    t.deepEqual(driftOf(await again(stage, kmsKeyRecord)), []);
  },
);

test.serial('a CloudKey is disabled here at once with AWS down; AWS follows by schedule', async (t) => {
  const { stage, set } = t.context;
  const { vaultContext, act, vaultId } = stage;
  const { kmsKeyRecord, cloudKey } = await newKmsKey(stage, set);
  const undo = stage.simulator.fault({ service: 'kms', action: '*', kind: 'reset' });
  const after = await disableCloudKey(
    vaultContext,
    act(),
    { vaultId, sight: 'all', id: cloudKey.id },
    'both',
  );
  t.is(after.state, 'DISABLED');
  const [outcome] = await outcomesInAws(stage.once, cloudKey.id, 8_000);
  undo();
  t.is(outcome?.outcome, 'pending');
  t.is(outcome?.problem?.fault, 'unreachable');
  const kms = await kmsOf(stage, set);
  t.is((await kms.describe(kmsKeyRecord.key_id)).state, 'Enabled');
  await inTheEnd(stage, kmsKeyRecord.id);
  t.is((await kms.describe(kmsKeyRecord.key_id)).state, 'Disabled');
  t.is((await again(stage, kmsKeyRecord)).wanted, null);
});

test.serial('an AWS that does not answer at all keeps nobody waiting', async (t) => {
  const { stage, set } = t.context;
  const { act, vaultId } = stage;
  const { kmsKeyRecord, cloudKey } = await newKmsKey(stage, set);
  const aws = new AwsClients({ ...stage.once.aws.settings, requestTimeoutMs: 100_000 }, silentLog);
  const vaultContext = { ...stage.vaultContext, aws };
  const undo = stage.simulator.fault({ service: 'kms', action: 'DisableKey', kind: 'hang' });
  await disableCloudKey(vaultContext, act(), { vaultId, sight: 'all', id: cloudKey.id }, 'both');
  const [outcome] = await outcomesInAws(vaultContext, cloudKey.id, 100);
  t.is(outcome?.outcome, 'pending');
  undo();
  aws.close();
  await whenIdle(vaultContext.store, 20_000);
  t.is((await again(stage, kmsKeyRecord)).wanted, 'DISABLE');
  await inTheEnd(stage, kmsKeyRecord.id);
  t.is((await again(stage, kmsKeyRecord)).cloud_status, 'DISABLED');
});

test.serial('a change of mind takes the place of what AWS has not done yet', async (t) => {
  const { stage, set } = t.context;
  const { vaultContext, act, vaultId } = stage;
  const { kmsKeyRecord, cloudKey } = await newKmsKey(stage, set);
  const undo = stage.simulator.fault({ service: 'kms', action: 'DisableKey', kind: 'denied' });
  await disableCloudKey(vaultContext, act(), { vaultId, sight: 'all', id: cloudKey.id }, 'both');
  const [failed] = await outcomesInAws(vaultContext, cloudKey.id, 8_000);
  undo();
  t.is(failed?.outcome, 'pending');
  t.is(failed?.problem?.fault, 'denied');
  await enableCloudKey(vaultContext, act(), { vaultId, sight: 'all', id: cloudKey.id }, 'both');
  const [done] = await outcomesInAws(vaultContext, cloudKey.id, 8_000);
  t.deepEqual(done, {
    ...{ kmsKeyId: kmsKeyRecord.id, region, keyArn: kmsKeyRecord.key_arn, outcome: 'done', problem: null },
  });
  t.is((await (await kmsOf(stage, set)).describe(kmsKeyRecord.key_id)).state, 'Enabled');
});

test.serial('the deletion of a CloudKey goes to both sides, and is cancelled on both', async (t) => {
  const { stage, set } = t.context;
  const { vaultContext, act, vaultId } = stage;
  const { kmsKeyRecord, cloudKey } = await newKmsKey(stage, set);
  const kms = await kmsOf(stage, set);
  await scheduleDeletion(vaultContext, act(), { vaultId, sight: 'all', id: cloudKey.id }, 9, 'both');
  await outcomesInAws(vaultContext, cloudKey.id, 8_000);
  const { state, deletionAt } = await kms.describe(kmsKeyRecord.key_id);
  t.is(state, 'PendingDeletion');
  const days = (Date.parse(deletionAt ?? '') - Date.now()) / 86_400_000;
  t.true(days > 8 && days < 10);
  await cancelDeletion(vaultContext, act(), { vaultId, sight: 'all', id: cloudKey.id }, 'both');
  await outcomesInAws(vaultContext, cloudKey.id, 8_000);
  t.is((await kms.describe(kmsKeyRecord.key_id)).state, 'Disabled');
});

test.serial('a CloudKey disabled here alone leaves its KMS key as it is, and that is no drift', async (t) => {
  const { stage, set } = t.context;
  const { vaultContext, act, vaultId } = stage;
  const { kmsKeyRecord, cloudKey } = await newKmsKey(stage, set);
  await disableCloudKey(vaultContext, act(), { vaultId, sight: 'all', id: cloudKey.id });
  await refreshKmsKey(vaultContext, kmsKeyRecord.id);
  const after = await again(stage, kmsKeyRecord);
  t.is(after.cloud_status, 'AVAILABLE');
  t.deepEqual(driftOf(after), []);
});

test.serial(
  'what is shown of a CloudKey before it is made is what is made of it, and nothing is made by looking',
  async (t) => {
    const { stage, set } = t.context;
    const { vaultContext, act, vaultId } = stage;
    const { db } = vaultContext.store;
    const users = ['arn:aws:iam::111122223333:role/Payroll'];
    const preview = async (input: Partial<NewKeyInput>) => {
      const told = { keySetId: set.keySet.id, name: fresh('key'), region, ...input };
      const { key, keySet } = await planCloudKey(vaultContext, act(), vaultId, 'all', told);
      return { told, key, kmsKey: await previewKmsKey(db, keySet, key, input.kmsKey) };
    };
    const counts = async () =>
      Promise.all(
        (['cloud_keys', 'kms_keys', 'key_versions', 'audit_events'] as const).map(async (table) =>
          db
            .selectFrom(table)
            .select((eb) => eb.fn.countAll<number>().as('n'))
            .executeTakeFirst(),
        ),
      );
    const before = await counts();
    const document = {
      Version: '2012-10-17',
      Statement: [{ Effect: 'Allow', Principal: { AWS: users }, Action: 'kms:*', Resource: '*' }],
    };
    const inputs: NewKeyInput['kmsKey'][] = [
      undefined,
      true,
      { alias: 'payroll-of-two', description: 'of its own', tags: { team: 'payments' } },
      { alias: '' },
      { policy: document },
    ];
    const shown = [];
    for (const kmsKey of inputs) shown.push(await preview({ kmsKey, users, description: 'what for' }));
    t.is((await preview({ kmsKey: false })).kmsKey, undefined);
    await t.throwsAsync(preview({ kmsKey: true, region: 'eu-west-3' }), { message: /no external key store/ });
    await t.throwsAsync(preview({ kmsKey: true, usage: { encrypt: true, decrypt: false } }), {
      message: /both encrypt and decrypt/,
    });
    await t.throwsAsync(preview({ kmsKey: { tags: { 'aws:a': 'b' } } }), { message: /are AWS’s/ });
    // As it is refused when it is made.
    await t.throwsAsync(preview({ kmsKey: { policy: 'generated-without-root' } }), { message: /root user/ });
    await t.throwsAsync(preview({ name: 'not a name' }));
    t.deepEqual(await counts(), before);

    for (const { told, key, kmsKey } of shown) {
      const made = await createCloudKey(vaultContext, act(), vaultId, 'all', told);
      const row = await kmsKeyOf(stage, made);
      const { 'holdfast:kms-key': _, 'holdfast:cloud-key': __, ...tags } = tagsOf(row);
      t.is(key.region, made.region);
      t.is(kmsKey?.store.id, row.external_key_store_id);
      const { store: ___, ...rest } = kmsKey ?? {};
      t.deepEqual(rest, {
        ...{ accountId: accountIdOf(row) ?? '', policy: JSON.parse(row.policy) as unknown },
        ...{ alias: row.alias, description: row.description, tags, policySource: row.policy_source },
      });
      await t.throwsAsync(preview({ name: told.name }), { message: /has this name/ });
    }
    t.regex(JSON.stringify(shown[1]?.kmsKey?.policy), /role\/Payroll/);
  },
);

test.serial('every kind of drift is seen; ours is applied over theirs', async (t) => {
  const { stage, set } = t.context;
  const { vaultContext, act } = stage;
  const { kmsKeyRecord } = await newKmsKey(stage, set, { kmsKey: { tags: { team: 'payments' } } });
  const kms = await kmsOf(stage, set);
  await shown(stage, kmsKeyRecord);
  const theirs = await changeEverything(kms, kmsKeyRecord, set);
  await refreshKmsKey(vaultContext, kmsKeyRecord.id);
  const drifted = await again(stage, kmsKeyRecord);
  t.deepEqual(
    driftOf(drifted).map(({ what }) => what),
    ['state', 'policy', 'alias', 'description', 'tags'],
  );
  t.deepEqual(driftOf(drifted).find(({ what }) => what === 'policy')?.aws, JSON.parse(theirs));
  const events = await eventsOf({ store: vaultContext.store }, kmsKeyRecord.id);
  t.is(events.filter(({ action }) => action === 'kms-key.drift').length, 1);

  await applyKmsKey(vaultContext, act(), on(stage, kmsKeyRecord), undefined);
  await inTheEnd(stage, kmsKeyRecord.id);
  await refreshKmsKey(vaultContext, kmsKeyRecord.id);
  const after = await again(stage, kmsKeyRecord);
  t.deepEqual(driftOf(after), []);
  t.deepEqual(toApplyOf(after), []);
  t.is((await kms.describe(kmsKeyRecord.key_id)).state, 'Enabled');
  t.true((await kms.aliases(kmsKeyRecord.key_id)).includes(kmsKeyRecord.alias));
  t.is((await kms.tags(kmsKeyRecord.key_id))['team'], 'payments');
});

test.serial('theirs is accepted as ours, all of it or a part', async (t) => {
  const { stage, set } = t.context;
  const { vaultContext, act } = stage;
  const { kmsKeyRecord } = await newKmsKey(stage, set);
  await shown(stage, kmsKeyRecord);
  await changeEverything(await kmsOf(stage, set), kmsKeyRecord, set);
  await refreshKmsKey(vaultContext, kmsKeyRecord.id);
  await acceptKmsKey(vaultContext, act(), on(stage, kmsKeyRecord), ['description']);
  const partly = await again(stage, kmsKeyRecord);
  t.is(partly.description, 'by somebody in AWS');
  t.is(driftOf(partly).length, 4);
  await acceptKmsKey(vaultContext, act(), on(stage, kmsKeyRecord), undefined);
  const after = await again(stage, kmsKeyRecord);
  t.deepEqual(driftOf(after), []);
  t.is(after.policy_source, 'DOCUMENT');
  t.is(after.cloud_wish, 'DISABLED');
  await refreshKmsKey(vaultContext, kmsKeyRecord.id);
  t.deepEqual(driftOf(await again(stage, kmsKeyRecord)), []);
});

/** AWS has shown what it was given last: from now on whatever else it shows somebody else has put there. */
async function shown({ vaultContext, simulator }: Stage, { id }: KmsKey): Promise<void> {
  simulator.settle();
  await refreshKmsKey(vaultContext, id);
}

/** So late that what AWS does not show is not there. */
function later({ clock }: Stage): void {
  clock.ahead += 11 * 60_000;
}

/** As somebody with the console does. Answers the policy. */
async function changeEverything(
  kms: Awaited<ReturnType<typeof kmsOf>>,
  { key_id: id, alias }: KmsKey,
  { account }: KeySetInAws,
): Promise<string> {
  const policy = JSON.stringify({
    Version: '2012-10-17',
    Statement: [
      {
        Effect: 'Allow',
        Principal: { AWS: `arn:aws:iam::${account.id}:root` },
        Action: 'kms:*',
        Resource: '*',
      },
      { Effect: 'Allow', Principal: '*', Action: 'kms:Decrypt', Resource: '*' },
    ],
  });
  await kms.putPolicy(id, policy);
  await kms.deleteAlias(alias);
  await kms.describeAs(id, 'by somebody in AWS');
  await kms.untag(id, ['holdfast:cloud-key']);
  await kms.tag(id, { team: 'others' });
  await kms.disable(id);
  // The last of it, too.
  await kms.describe(id);
  return policy;
}

test.serial('a change of a CloudKey reaches its KMS key where asked for, else shows as drift', async (t) => {
  const { stage, set } = t.context;
  const { vaultContext, act, vaultId } = stage;
  const user = await new TestAwsAccount(stage.simulator, set.account.id).user([]);
  const { kmsKeyRecord, cloudKey } = await newKmsKey(stage, set);
  const kms = await kmsOf(stage, set);
  const name = `${cloudKey.name}-renamed`;
  const input = { name, description: 'another', users: [user.arn] };
  await updateCloudKey(vaultContext, act(), { vaultId, sight: 'all', id: cloudKey.id }, input);
  t.deepEqual(
    driftOf(await again(stage, kmsKeyRecord)).map(({ what }) => what),
    ['policy', 'alias', 'description'],
  );
  await updateCloudKey(
    vaultContext,
    act(),
    { vaultId, sight: 'all', id: cloudKey.id },
    { description: 'a third' },
    true,
  );
  await inTheEnd(stage, kmsKeyRecord.id);
  t.is((await kms.describe(kmsKeyRecord.key_id)).description, 'a third');
  await applyKmsKey(vaultContext, act(), on(stage, kmsKeyRecord), undefined);
  await inTheEnd(stage, kmsKeyRecord.id);
  t.deepEqual(await kms.aliases(kmsKeyRecord.key_id), [`alias/${name}`]);
  t.true((await kms.policy(kmsKeyRecord.key_id)).includes(user.arn));
  t.deepEqual(driftOf(await again(stage, kmsKeyRecord)), []);
});

test.serial('the least policy of a CSP account is enough for the whole life of a KMS key', async (t) => {
  const { stage } = t.context;
  const { vaultContext, act } = stage;
  const aws = new TestAwsAccount(stage.simulator);
  const user = await aws.user(['key-stores', 'keys', 'check']);
  const set = await newConnected(stage, {
    account: { ...aws.account, ...user, secretAccessKey: user.secretAccessKey.reveal() },
  });
  // A key of another kind, which the least policy does not let us see.
  const { kmsKeyRecord, cloudKey } = await newKmsKey(stage, set, { kmsKey: { tags: { a: 'b' } } });
  t.true(kmsKeyRecord.policy.includes(user.arn));
  const kms = await kmsOf(stage, set);
  await editKmsKey(
    vaultContext,
    act(),
    on(stage, kmsKeyRecord),
    { alias: `${kmsKeyRecord.alias}-2`, description: 'x', tags: {} },
    { apply: true },
  );
  await inTheEnd(stage, kmsKeyRecord.id);
  for (const wanted of ['DISABLE', 'ENABLE', 'SCHEDULE_DELETION', 'CANCEL_DELETION'] as const) {
    await wantedOfKmsKey(
      vaultContext,
      act(),
      on(stage, kmsKeyRecord),
      wanted,
      wanted === 'SCHEDULE_DELETION' ? 7 : null,
    );
    await inTheEnd(stage, kmsKeyRecord.id);
    t.is((await again(stage, kmsKeyRecord)).problem, null, wanted);
  }
  await refreshKmsKey(vaultContext, kmsKeyRecord.id);
  t.deepEqual(driftOf(await again(stage, kmsKeyRecord)), []);
  t.deepEqual(await kms.aliases(kmsKeyRecord.key_id), [`${kmsKeyRecord.alias}-2`]);

  const lost = await newCloudKey(stage, set);
  const undo = stage.simulator.fault({ service: 'kms', action: 'CreateKey', kind: 'answer-lost', times: 1 });
  const row = await kmsKeyOf(stage, lost);
  await untilStruck(stage, row.id);
  undo();
  await inTheEnd(stage, row.id);
  t.is((await kmsKeyOf(stage, lost)).step, 'DONE');
  t.is((await inAwsOf(kms, cloudKey)).length, 1);
});

test.serial('a policy without the account statement holds for Holdfast alone, and no one else', async (t) => {
  const { stage } = t.context;
  const aws = new TestAwsAccount(stage.simulator);
  const user = await aws.user(['key-stores', 'keys', 'check']);
  const set = await newConnected(stage, {
    account: { ...aws.account, ...user, secretAccessKey: user.secretAccessKey.reveal() },
  });
  const { kmsKeyRecord } = await newKmsKey(stage, set, { kmsKey: { policy: 'generated-without-root' } });
  t.false(kmsKeyRecord.policy.includes(':root'));
  await wantedOfKmsKey(stage.vaultContext, stage.act(), on(stage, kmsKeyRecord), 'DISABLE');
  await inTheEnd(stage, kmsKeyRecord.id);
  t.is((await again(stage, kmsKeyRecord)).cloud_status, 'DISABLED');
});

test.serial(
  'a policy that names somebody whom IAM does not know is a problem with a way out, not a lost CloudKey',
  async (t) => {
    const { stage, set } = t.context;
    const { vaultContext, act, vaultId } = stage;
    const nobody = `arn:aws:iam::${set.account.id}:role/nobody`;
    const cloudKey = await newCloudKey(stage, set, { administrators: [nobody] });
    const { id } = await kmsKeyOf(stage, cloudKey);
    await inTheEnd(stage, id);
    const problem = problemOf(await kmsKeyOf(stage, cloudKey));
    t.is(problem?.code, 'MalformedPolicyDocumentException');
    t.regex(problem?.remediation ?? '', /exists in IAM/);
    await updateCloudKey(
      vaultContext,
      act(),
      { vaultId, sight: 'all', id: cloudKey.id },
      { administrators: [] },
    );
    await inTheEnd(stage, id);
    t.is((await kmsKeyOf(stage, cloudKey)).step, 'DONE');
  },
);

test.serial('one CloudKey has a KMS key in each of two Regions', async (t) => {
  const { stage, set } = t.context;
  const { vaultContext, act, vaultId } = stage;
  const { cloudKey } = await newKmsKey(stage, set);
  const elsewhere = 'eu-west-1';
  const store = await createExternalKeyStore(vaultContext, act(), set.keySet, {
    region: elsewhere,
    connectivity: 'PUBLIC_ENDPOINT',
    uriEndpoint: endpoint,
    connect: true,
  });
  await untilConnected(stage, set, store);
  const { id } = await createKmsKey(
    vaultContext,
    act(),
    { vaultId, sight: 'all', cloudKeyId: cloudKey.id },
    { region: elsewhere },
  );
  await inTheEnd(stage, id);
  t.is((await inAwsOf(await kmsOf(stage, set), cloudKey)).length, 1);
  t.is((await inAwsOf(await kmsOf(stage, set, elsewhere), cloudKey)).length, 1);
  await disableCloudKey(vaultContext, act(), { vaultId, sight: 'all', id: cloudKey.id }, 'both');
  const outcomes = await outcomesInAws(vaultContext, cloudKey.id, 8_000);
  t.deepEqual(
    outcomes.map(({ region, outcome }) => [region, outcome]),
    [
      [region, 'done'],
      [elsewhere, 'done'],
    ],
  );
});

test.serial(
  'CloudKeys of the same name in two AWS accounts have the same alias, each in its own',
  async (t) => {
    const { stage, set } = t.context;
    const other = await newConnected(stage);
    const { cloudKey, kmsKeyRecord } = await newKmsKey(stage, set);
    const { kmsKeyRecord: second } = await newKmsKey(stage, other, { name: cloudKey.name });
    t.is(second.alias, kmsKeyRecord.alias);
    t.not(second.key_arn.split(':')[4], kmsKeyRecord.key_arn.split(':')[4]);
  },
);

test.serial('a KMS key that AWS has deleted is NOT_FOUND, and gone where that was wanted', async (t) => {
  const { stage, set } = t.context;
  const { vaultContext, act } = stage;
  const { kmsKeyRecord } = await newKmsKey(stage, set);
  const { kmsKeyRecord: unwanted } = await newKmsKey(stage, set);
  await wantedOfKmsKey(vaultContext, act(), on(stage, unwanted), 'SCHEDULE_DELETION', 7);
  await inTheEnd(stage, unwanted.id);
  for (const row of [kmsKeyRecord, unwanted])
    await vaultContext.store.db
      .updateTable('kms_keys')
      .set({ key_id: '00000000-0000-0000-0000-000000000000' })
      .where('id', '=', row.id)
      .execute();
  // AWS deletes none within seven days of showing it.
  const { ahead } = stage.clock;
  stage.clock.ahead += 8 * 86_400_000;
  await refreshKmsKey(vaultContext, kmsKeyRecord.id);
  await refreshKmsKey(vaultContext, unwanted.id);
  stage.clock.ahead = ahead;
  const after = await again(stage, kmsKeyRecord);
  t.is(after.cloud_status, 'NOT_FOUND');
  t.is(driftOf(after)[0]?.what, 'state');
  t.is((await again(stage, unwanted)).outcome, 'GONE_IN_AWS');
});

test.serial('a KMS key whose store is disconnected is UNKNOWN, and AWS’s word for it is kept', async (t) => {
  const { stage } = t.context;
  const set = await newConnected(stage);
  const { kmsKeyRecord } = await newKmsKey(stage, set);
  const { DisconnectCustomKeyStoreCommand } = await import('@aws-sdk/client-kms');
  const { custom_key_store_id: CustomKeyStoreId } = kmsKeyRecord;
  const { awsAccountOf } = await import('../../src/cloud/accounts/context.ts');
  const csp = await stage.vaultContext.store.db
    .selectFrom('csp_accounts')
    .selectAll()
    .where('id', '=', set.cspAccountId)
    .executeTakeFirstOrThrow();
  const client = await (await awsAccountOf(stage.vaultContext, csp, region)).kms(region);
  await client.send(new DisconnectCustomKeyStoreCommand({ CustomKeyStoreId }));
  await stage.simulator.kms.settled(CustomKeyStoreId, { now: true });
  stage.simulator.settle();
  await refreshKmsKey(stage.vaultContext, kmsKeyRecord.id);
  const after = await again(stage, kmsKeyRecord);
  t.is(after.cloud_status, 'UNKNOWN');
  t.true((after.seen ?? '').includes('"Unavailable"'));
  t.deepEqual(driftOf(after), []);
});

test.serial('a KMS key that no KMS key record knows is found', async (t) => {
  const { stage, set } = t.context;
  const { vaultContext, act, vaultId } = stage;
  const { kmsKeyRecord, cloudKey } = await newKmsKey(stage, set);
  await deleteKmsKey(vaultContext, act(), on(stage, kmsKeyRecord), { kind: 'keep' });
  await inTheEnd(stage, kmsKeyRecord.id);
  stage.simulator.settle();
  const found = await listUnlinkedKmsKeys(vaultContext, vaultId, 'all', set.keySet.id, { region });
  t.true(found.items.some((item) => item.keyArn === kmsKeyRecord.key_arn && item.cloudKeyId === cloudKey.id));
  t.is(found.next, null);
  await createKmsKey(
    vaultContext,
    act(),
    { vaultId, sight: 'all', cloudKeyId: cloudKey.id },
    { keyArn: kmsKeyRecord.key_arn },
  );
  // Its alias may show only later.
  later(stage);
  await refreshKmsKey(vaultContext, (await kmsKeyOf(stage, cloudKey)).id);
  const linked = await kmsKeyOf(stage, cloudKey);
  t.is(linked.origin, 'LINKED');
  t.is(linked.alias, kmsKeyRecord.alias);
  t.deepEqual(driftOf(linked), []);
  const after = await listUnlinkedKmsKeys(vaultContext, vaultId, 'all', set.keySet.id, { region });
  t.false(after.items.some((item) => item.keyArn === kmsKeyRecord.key_arn));
});

test.serial('what is asked for while an attempt fails is not put off by that failure', async (t) => {
  const { stage, set } = t.context;
  const { vaultContext, act } = stage;
  stage.kindly(t, 'each write is what is counted');
  const { kmsKeyRecord, cloudKey } = await newKmsKey(stage, set);
  await applyKmsKey(vaultContext, act(), on(stage, kmsKeyRecord), ['policy']);
  const undo = stage.simulator.fault({ service: 'kms', action: 'PutKeyPolicy', kind: 'denied' });
  let asked = kmsKeyRecord;
  // The turn is taken, PutKeyPolicy refused, and that is about to be written.
  const refused = beforeWrite(vaultContext, 2, async () => {
    await wantedOfKmsKey(vaultContext, act(), on(stage, kmsKeyRecord), 'DISABLE');
    asked = await kmsKeyOf(stage, cloudKey);
  });
  t.deepEqual(await advanceKmsKey(refused, kmsKeyRecord.id), { fault: 'denied' });
  undo();
  const { next_attempt_at } = asked;
  t.not(next_attempt_at, null);
  t.like(await kmsKeyOf(stage, cloudKey), {
    wanted: 'DISABLE',
    problem: null,
    attempts: 0,
    next_attempt_at,
  });
  await inTheEnd(stage, kmsKeyRecord.id);
  const { state } = await (await kmsOf(stage, set)).describe(kmsKeyRecord.key_id);
  t.is(state, 'Disabled');
});

test.serial(
  'a store that was put back: what AWS has made since is found, and nothing is made twice',
  async (t) => {
    const { stage, set } = t.context;
    const { vaultContext, vaultId } = stage;
    const { db } = vaultContext.store;
    // From before CreateKey.
    const { kmsKeyRecord, cloudKey } = await newKmsKey(stage, set);
    await db
      .updateTable('kms_keys')
      .set({
        ...{ step: 'KEY', key_id: '', key_arn: '', create_sent: 0, create_sent_at: null, problem: null },
      })
      .set({ ...{ seen: null, seen_at: null, written_at: null, attempts: 0, next_attempt_at: null } })
      .where('id', '=', kmsKeyRecord.id)
      .execute();
    await inTheEnd(stage, kmsKeyRecord.id);
    t.like(await kmsKeyOf(stage, cloudKey), {
      step: 'DONE',
      key_id: kmsKeyRecord.key_id,
      origin: 'HOLDFAST',
    });
    t.deepEqual(await inAwsOf(await kmsOf(stage, set), cloudKey), [kmsKeyRecord.key_id]);

    // From before the CloudKey.
    const since = await newKmsKey(stage, set);
    const { id, external_key_id: externalKeyId } = since.cloudKey;
    await db.deleteFrom('kms_keys').where('cloud_key_id', '=', id).execute();
    await db.deleteFrom('key_versions').where('cloud_key_id', '=', id).execute();
    await db.deleteFrom('cloud_keys').where('id', '=', id).execute();
    stage.simulator.settle();
    const { items } = await listUnlinkedKmsKeys(vaultContext, vaultId, 'all', set.keySet.id, { region });
    t.like(
      items.find(({ keyArn }) => keyArn === since.kmsKeyRecord.key_arn),
      { externalKeyId, cloudKeyId: null, cloudKeyName: null, state: 'Enabled' },
    );
  },
);

test.serial(
  'a KMS key that was taken at somebody’s word is looked at before anything is done to it',
  async (t) => {
    const { stage, set } = t.context;
    const { vaultContext, act, vaultId } = stage;
    const victim = await newKmsKey(stage, set);
    const mine = await newConnected(stage, { account: set.account });
    const cloudKey = await newCloudKey(stage, mine, { kmsKey: false });
    const { db } = vaultContext.store;
    const type = async (to: 'manual' | 'access-key') =>
      db.updateTable('csp_accounts').set({ type: to }).where('id', '=', mine.cspAccountId).execute();
    await type('manual');
    // As with a KMS key record in another vault: nobody here knows whose key it is.
    await db.updateTable('kms_keys').set({ key_arn: '' }).where('id', '=', victim.kmsKeyRecord.id).execute();
    await createKmsKey(
      vaultContext,
      act(),
      { vaultId, sight: 'all', cloudKeyId: cloudKey.id },
      { keyArn: victim.kmsKeyRecord.key_arn },
    );
    await type('access-key');
    const pasted = await kmsKeyOf(stage, cloudKey);
    await wantedOfKmsKey(vaultContext, act(), on(stage, pasted), 'SCHEDULE_DELETION', 7);
    await inTheEnd(stage, pasted.id);
    t.regex(problemOf(await again(stage, pasted))?.message ?? '', /does not refer to this CloudKey/);
    t.is((await (await kmsOf(stage, set)).describe(victim.kmsKeyRecord.key_id)).state, 'Enabled');
    await deleteKmsKey(vaultContext, act(), on(stage, pasted), { kind: 'keep' });
    await inTheEnd(stage, pasted.id);
    t.is((await again(stage, pasted)).outcome, 'KEPT');
  },
);

test.serial('by hand: what to type is shown, and the ARN that is pasted is checked', async (t) => {
  const { stage } = t.context;
  const { vaultContext, act, vaultId } = stage;
  const set = await newKeySetInAws(stage, {
    csp: { type: 'manual', accessKeyId: undefined, secretAccessKey: undefined, awsAccountId: '111122223333' },
  });
  await createExternalKeyStore(vaultContext, act(), set.keySet, {
    region,
    connectivity: 'PUBLIC_ENDPOINT',
    uriEndpoint: endpoint,
  });
  const cloudKey = await newCloudKey(stage, set, { description: "it's by hand" });
  await t.throwsAsync(kmsKeyOf(stage, cloudKey));
  await createKmsKey(vaultContext, act(), { vaultId, sight: 'all', cloudKeyId: cloudKey.id }, {});
  const row = await kmsKeyOf(stage, cloudKey);
  t.is(row.origin, 'MANUAL');
  const told = await consoleOfKmsKey(vaultContext, on(stage, row));
  t.regex(told.commands[0] ?? '', new RegExp(`--xks-key-id ${cloudKey.external_key_id}`));
  t.true(told.commands[0]?.includes(`'it'\\''s by hand'`));
  t.true(JSON.stringify(told.policy).includes('arn:aws:iam::111122223333:root'));
  const paste = async (keyArn: string) =>
    editKmsKey(vaultContext, act(), on(stage, row), { keyArn }, { apply: true });
  const id = '1234abcd-12ab-34cd-56ef-1234567890ab';
  await t.throwsAsync(paste(`arn:aws:kms:eu-west-1:111122223333:key/${id}`), { message: /another Region/ });
  await t.throwsAsync(paste(`arn:aws-cn:kms:${region}:111122223333:key/${id}`), { message: /partition/ });
  await t.throwsAsync(paste(`arn:aws:kms:${region}:999999999999:key/${id}`), {
    message: /another AWS account/,
  });
  await t.throwsAsync(paste('alias/payroll'), { message: /not the ARN/ });
  await paste(`arn:aws:kms:${region}:111122223333:key/${id}`);
  const after = await kmsKeyOf(stage, cloudKey);
  t.is(after.step, 'DONE');
  t.is(after.cloud_status, 'UNKNOWN');
  await t.throwsAsync(wantedOfKmsKey(vaultContext, act(), on(stage, after), 'DISABLE'), {
    message: /manual/,
  });
  await disableCloudKey(vaultContext, act(), { vaultId, sight: 'all', id: cloudKey.id }, 'both');
  t.is((await outcomesInAws(vaultContext, cloudKey.id, 100))[0]?.outcome, 'by-hand');
});
