import anyTest, { type TestFn } from 'ava';
import fc from '../../testing/properties.ts';
import { AwsSchedules } from '../../src/cloud/schedule.ts';
import { silentLog } from '../../testing/aws-settings.ts';
import {
  endpoint,
  inAws,
  newConnected,
  newKeySetInAws,
  openStage,
  region,
  storeOf,
  type KeySetInAws,
  type Stage,
} from '../../testing/external-key-store-stage.ts';
import { createExternalKeyStore } from '../../src/cloud/key-stores/key-stores.ts';
import { keyStoreLooks } from '../../src/cloud/key-stores/watch.ts';
import { runDue } from '../../src/cloud/controller/scheduled.ts';
import type { CloudKeyRecord } from '../../src/keys/cloud-keys.ts';
import { advanceKmsKey } from '../../src/cloud/kms-keys/attempts.ts';
import { inAwsOf, kmsOf, newCloudKey, kmsKeyOf } from '../../testing/kms-key-stage.ts';

/* Whatever AWS shows late, loses or refuses for a while: in the end there is exactly one of each. */

const test = anyTest as TestFn<{ stage: Stage; set: KeySetInAws }>;

test.before(async (t) => {
  const stage = await openStage({ kind: 'each test here has troubles of its own, and worse ones' });
  t.context.stage = stage;
  t.context.set = await newConnected(stage);
});
test.after.always(async (t) => t.context.stage?.dispose());

const trouble = fc.record({
  action: fc.constantFrom('CreateKey', 'CreateAlias', 'DescribeKey', 'ListKeys', 'ListResourceTags'),
  kind: fc.constantFrom('reset', 'answer-lost', '500', 'throttle'),
  after: fc.nat(1),
} as const);

test.serial('any sequence of stale reads and lost answers ends in one KMS key and one alias', async (t) => {
  const { stage, set } = t.context;
  const kms = await kmsOf(stage, set);
  await fc.assert(
    fc.asyncProperty(fc.array(trouble, { maxLength: 4 }), fc.nat(6), async (troubles, staleTries) => {
      stage.simulator.settle();
      stage.time.consistencyMs = 3_600_000;
      const cloudKey = await newCloudKey(stage, set);
      const { id } = await kmsKeyOf(stage, cloudKey);
      const undo = troubles.map((rule) => stage.simulator.fault({ ...rule, service: 'kms', times: 1 }));
      const at = stage.clock.ahead;
      for (let tries = 0; tries < 25; tries++) {
        await advanceKmsKey(stage.vaultContext, id);
        const row = await kmsKeyOf(stage, cloudKey);
        if (row.step === 'DONE') break;
        // The next try, as the schedule has it.
        const next = Date.parse(row.next_attempt_at ?? '') - stage.vaultContext.now().getTime();
        t.true(next <= 60_000, `${next} ms: ${row.problem}`);
        stage.clock.ahead += Math.max(next, 0);
        if (tries >= staleTries) stage.simulator.settle();
      }
      for (const each of undo) each();
      stage.clock.ahead = at;
      stage.simulator.settle();
      const row = await kmsKeyOf(stage, cloudKey);
      t.is(row.step, 'DONE', row.problem ?? '');
      t.deepEqual(await inAwsOf(kms, cloudKey), [row.key_id]);
      t.deepEqual(await kms.aliases(row.key_id), [row.alias]);
    }),
    { numRuns: 15 },
  );
});

test.serial('any sequence of stale lists and lost answers ends in one key store', async (t) => {
  const { stage } = t.context;
  const { vaultContext, act } = stage;
  const kinds = fc.array(fc.constantFrom('reset', 'answer-lost', '500'), { minLength: 1, maxLength: 3 });
  await fc.assert(
    fc.asyncProperty(kinds, fc.nat(3), async (faults, staleLooks) => {
      stage.simulator.settle();
      const set = await newKeySetInAws(stage);
      stage.time.consistencyMs = 3_600_000;
      const undo = faults.map((kind) =>
        stage.simulator.fault({ service: 'kms', action: 'CreateCustomKeyStore', kind, times: 1 }),
      );
      const input = { region, connectivity: 'PUBLIC_ENDPOINT', uriEndpoint: endpoint } as const;
      // A person who asks until they are told that it is there, or is being made.
      for (let times = 0; times < 3; times++)
        await createExternalKeyStore(vaultContext, act(), set.keySet, input).catch(() => undefined);
      for (let looks = 0; looks < 12; looks++) {
        if (looks >= staleLooks) stage.simulator.settle();
        stage.clock.ahead += 60_000;
        await runDue(keyStoreLooks, vaultContext);
        const row = await storeOf(stage, set.keySet);
        if (row?.custom_key_store_id !== '' && row?.wanted === null) break;
      }
      for (const each of undo) each();
      stage.simulator.settle();
      const row = await storeOf(stage, set.keySet);
      t.deepEqual(
        (await inAws(stage, set)).map(({ id }) => id),
        [row?.custom_key_store_id],
        JSON.stringify({ faults, staleLooks, row }),
      );
    }),
    { numRuns: 8 },
  );
});

test.serial(
  'many CloudKeys at once, with quotas, stale reads and lost answers: all DONE, each once',
  async (t) => {
    const { stage, set } = t.context;
    const count = 12;
    stage.simulator.settle();
    // A hundredth of the real times: 200 ms for 20 s, and AWS's quotas of a second in 50 ms.
    Object.assign(stage.time, { consistencyMs: 200, quotaSecondMs: 50 });
    const undo = [
      stage.simulator.fault({ service: 'kms', action: 'CreateKey', kind: 'answer-lost', chance: 0.2 }),
      stage.simulator.fault({ service: 'kms', action: 'CreateAlias', kind: 'answer-lost', chance: 0.2 }),
    ];
    const cloudKeys: CloudKeyRecord[] = [];
    for (let made = 0; made < count; made++) cloudKeys.push(await newCloudKey(stage, set));
    const schedules = new AwsSchedules({ context: stage.vaultContext, log: silentLog });
    const rows = async () => Promise.all(cloudKeys.map(async (cloudKey) => kmsKeyOf(stage, cloudKey)));
    for (let looks = 0; looks < 200; looks++) {
      await schedules.runOnce();
      if ((await rows()).every(({ step }) => step === 'DONE')) break;
      // A pause of seconds is over in milliseconds.
      stage.clock.ahead += 10_000;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    for (const each of undo) each();
    delete stage.time.quotaSecondMs;
    stage.simulator.settle();
    const kms = await kmsOf(stage, set);
    const { keyIds } = await kms.list(undefined, 1000);
    const known = new Map(
      (await Promise.all(keyIds.map(async (id) => kms.describe(id)))).map((key) => [key.keyId, key.xksKeyId]),
    );
    for (const [index, row] of (await rows()).entries()) {
      t.is(row.step, 'DONE', row.problem ?? '');
      const theirs = [...known].filter(([, xksKeyId]) => xksKeyId === cloudKeys[index]?.external_key_id);
      t.deepEqual(
        theirs.map(([id]) => id),
        [row.key_id],
      );
      t.deepEqual(await kms.aliases(row.key_id), [row.alias]);
    }
  },
);
