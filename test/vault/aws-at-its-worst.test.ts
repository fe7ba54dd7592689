import anyTest, { type TestFn } from 'ava';
import fc from 'fast-check';
import { AwsSchedules } from '../../src/vault/aws-schedules.ts';
import { problemOf, type KmsKey } from '../../src/vault/kms-key-records.ts';
import { silentLog } from '../support/aws-settings.ts';
import { clientsOf } from '../support/aws-vault.ts';
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
} from './external-key-store-stage.ts';
import { createExternalKeyStore } from '../../src/vault/external-key-stores.ts';
import { watchExternalKeyStores } from '../../src/vault/external-key-store-watch.ts';
import { awsAccountOf, type AwsHouse } from '../../src/vault/aws-house.ts';
import type { CloudKeyRecord } from '../../src/vault/cloud-keys.ts';
import { dueWork } from '../../src/vault/kms-key-due.ts';
import { advanceKmsKey } from '../../src/vault/kms-key-pipeline.ts';
import { inAwsOf, kmsOf, newCloudKey, pointerOf } from './kms-key-stage.ts';

/* Whatever AWS shows late, loses or refuses for a while: in the end there is exactly one of each. */

const test = anyTest as TestFn<{ stage: Stage; set: KeySetInAws }>;

test.before(async (t) => {
  const stage = await openStage();
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
      const { id } = await pointerOf(stage, cloudKey);
      const undo = troubles.map((rule) => stage.simulator.fault({ ...rule, service: 'kms', times: 1 }));
      const at = stage.clock.ahead;
      for (let tries = 0; tries < 25; tries++) {
        await advanceKmsKey(stage.house, id);
        const row = await pointerOf(stage, cloudKey);
        if (row.step === 'DONE') break;
        // The next try, as the schedule has it.
        const next = Date.parse(row.next_attempt_at ?? '') - stage.house.now().getTime();
        t.true(next <= 60_000, `${next} ms: ${row.problem}`);
        stage.clock.ahead += Math.max(next, 0);
        if (tries >= staleTries) stage.simulator.settle();
      }
      for (const each of undo) each();
      stage.clock.ahead = at;
      stage.simulator.settle();
      const row = await pointerOf(stage, cloudKey);
      t.is(row.step, 'DONE', row.problem ?? '');
      t.deepEqual(await inAwsOf(kms, cloudKey), [row.key_id]);
      t.deepEqual(await kms.aliases(row.key_id), [row.alias]);
    }),
    { numRuns: 15 },
  );
});

test.serial('any sequence of stale lists and lost answers ends in one key store', async (t) => {
  const { stage } = t.context;
  const { house, act } = stage;
  const kinds = fc.array(fc.constantFrom('reset', 'answer-lost', '500'), { minLength: 1, maxLength: 3 });
  await fc.assert(
    fc.asyncProperty(kinds, fc.nat(3), async (faults, staleLooks) => {
      stage.simulator.settle();
      const set = await newKeySetInAws(stage);
      stage.time.consistencyMs = 3_600_000;
      const undo = faults.map((kind) =>
        stage.simulator.fault({ service: 'kms', action: 'CreateCustomKeyStore', kind, times: 1 }),
      );
      const wish = { region, connectivity: 'PUBLIC_ENDPOINT', uriEndpoint: endpoint } as const;
      // A person who asks until they are told that it is there, or is being made.
      for (let times = 0; times < 3; times++)
        await createExternalKeyStore(house, act(), set.keySet, wish).catch(() => undefined);
      for (let looks = 0; looks < 12; looks++) {
        if (looks >= staleLooks) stage.simulator.settle();
        stage.clock.ahead += 60_000;
        await watchExternalKeyStores(house, async () => true);
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
    const schedules = new AwsSchedules({ house: stage.house, log: silentLog });
    const rows = async () => Promise.all(cloudKeys.map(async (cloudKey) => pointerOf(stage, cloudKey)));
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

/** A house that is to send one request of each operation, and for which others wait from then on. */
async function busyHouse({ house, simulator }: Stage, { cspAccountId }: KeySetInAws) {
  // The SDK may repeat four times what it likes, as on a node.
  const aws = clientsOf(simulator, { kmsChangesPerSecond: 0.001, maxAttempts: 4 });
  const busy: AwsHouse = { ...house, aws };
  const account = await busy.store.db
    .selectFrom('csp_accounts')
    .selectAll()
    .where('id', '=', cspAccountId)
    .executeTakeFirstOrThrow();
  const { pace } = await awsAccountOf(busy, account, region);
  const queue = (operation: string) => void pace.turn(operation, region).catch(() => undefined);
  return { busy, queue, close: () => aws.close() };
}

/** Counts what comes to AWS of an operation, the first of which is struck by a fault of this kind. */
function struckOnce({ simulator }: Stage, action: string, kind: 'answer-lost' | 'reset') {
  const undo = simulator.fault({ service: 'kms', action, kind, times: 1 });
  const undoCount = simulator.fault({ service: 'kms', action, kind: 'slow', delayMs: 0 });
  return {
    sent: () =>
      simulator
        .faults()
        .filter(({ rule }) => rule.action === action)
        .reduce((sum, { struck }) => sum + struck, 0),
    undo: () => [undo, undoCount].forEach((each) => each()),
  };
}

/** Tries it at each time that it says, by the clock of the test, until it has said so for this long, or `until` says so. */
async function tryFor(
  stage: Stage,
  { busy, cloudKey, seconds }: { busy: AwsHouse; cloudKey: CloudKeyRecord; seconds: number },
): Promise<{ pauses: number[]; row: KmsKey }> {
  const pauses: number[] = [];
  let row = await pointerOf(stage, cloudKey);
  for (let passed = 0; passed < seconds && row.next_attempt_at !== null;) {
    const pause = (Date.parse(row.next_attempt_at) - stage.house.now().getTime()) / 1000;
    pauses.push(pause);
    passed += pause;
    stage.clock.ahead += Math.max(pause, 0) * 1000;
    await advanceKmsKey(busy, row.id);
    row = await pointerOf(stage, cloudKey);
  }
  return { pauses, row };
}

for (const kind of ['answer-lost', 'reset'] as const)
  test.serial(
    `others wait for CreateKey: one without an answer (${kind}) is looked for, and takes no turn`,
    async (t) => {
      const { stage, set } = t.context;
      stage.simulator.settle();
      stage.time.consistencyMs = 3_600_000;
      const at = stage.clock.ahead;
      const { busy, queue, close } = await busyHouse(stage, set);
      const calls = struckOnce(stage, 'CreateKey', kind);
      const cloudKey = await newCloudKey(stage, set);
      const { id } = await pointerOf(stage, cloudKey);
      await advanceKmsKey(busy, id);
      queue('CreateKey');
      // The SDK repeats nothing beside the pace.
      t.is(calls.sent(), 1);
      t.is(problemOf(await pointerOf(stage, cloudKey))?.fault, 'unreachable');
      const looked = await tryFor(stage, { busy, cloudKey, seconds: 18 });
      t.true(
        looked.pauses.every((pause) => pause <= 4),
        looked.pauses.join(' '),
      );
      t.is(problemOf(looked.row)?.code, 'AnswerLost');
      t.is(calls.sent(), 1);
      // In the lane of what is looked at, none of which waits for a quota.
      stage.clock.ahead += 5_000;
      const kindOf = async () => (await dueWork(stage.house)).find((due) => due.id === id)?.kind;
      t.is(await kindOf(), 'unshown');
      if (kind === 'reset') {
        // What would have shown by now was not done: it takes its turn, before those that were asked for later.
        const { row } = await tryFor(stage, { busy, cloudKey, seconds: 20 });
        t.like(row, { step: 'KEY', problem: null, next_attempt_at: null });
        t.is(await kindOf(), 'key');
        t.is(calls.sent(), 1);
      }
      stage.simulator.settle();
      // AWS has it, or has it made: by a request that waits for no other.
      await advanceKmsKey(kind === 'reset' ? stage.house : busy, id);
      const row = await pointerOf(stage, cloudKey);
      t.not(row.key_id, '', row.problem ?? '');
      t.is(calls.sent(), kind === 'reset' ? 2 : 1);
      stage.simulator.settle();
      await advanceKmsKey(stage.house, id);
      t.is((await pointerOf(stage, cloudKey)).step, 'DONE');
      t.deepEqual(await inAwsOf(await kmsOf(stage, set), cloudKey), [row.key_id]);
      calls.undo();
      close();
      stage.clock.ahead = at;
    },
  );

test.serial(
  'others wait for CreateAlias: one without an answer is looked for, and takes no turn',
  async (t) => {
    const { stage, set } = t.context;
    stage.time.consistencyMs = 0;
    stage.time.aliasDelayMs = 3_600_000;
    const at = stage.clock.ahead;
    const { busy, queue, close } = await busyHouse(stage, set);
    const calls = struckOnce(stage, 'CreateAlias', 'answer-lost');
    const cloudKey = await newCloudKey(stage, set);
    const { id } = await pointerOf(stage, cloudKey);
    await advanceKmsKey(busy, id);
    queue('CreateAlias');
    t.is(problemOf(await pointerOf(stage, cloudKey))?.operation, 'CreateAlias');
    const { pauses, row } = await tryFor(stage, { busy, cloudKey, seconds: 18 });
    t.true(
      pauses.every((pause) => pause <= 4),
      pauses.join(' '),
    );
    t.is(problemOf(row)?.code, 'AnswerLost');
    t.is(calls.sent(), 1);
    // Not found for so long: it was not done. It waits for its turn, and holds up none that is looked at.
    stage.clock.ahead += 8_000;
    await advanceKmsKey(busy, id);
    t.like(await pointerOf(stage, cloudKey), { step: 'ALIAS', problem: null, next_attempt_at: null });
    t.is((await dueWork(stage.house)).find((due) => due.id === id)?.kind, 'rest');
    // AWS says that it has it: it is DONE once AWS shows it, and not before.
    await advanceKmsKey(stage.house, id);
    t.is(problemOf(await pointerOf(stage, cloudKey))?.code, 'AlreadyExistsException');
    t.is(calls.sent(), 2);
    const waited = await tryFor(stage, { busy, cloudKey, seconds: 30 });
    t.like(waited.row, { step: 'ALIAS' });
    t.is(calls.sent(), 2);
    delete stage.time.aliasDelayMs;
    stage.simulator.settle();
    await tryFor(stage, { busy, cloudKey, seconds: 1 });
    t.is((await pointerOf(stage, cloudKey)).step, 'DONE');
    calls.undo();
    close();
    stage.clock.ahead = at;
  },
);

test.serial('what AWS shows in part is looked at again, and CreateKey not repeated for it', async (t) => {
  const { stage, set } = t.context;
  stage.simulator.settle();
  delete stage.time.consistencyMs;
  const at = stage.clock.ahead;
  for (const action of ['ListResourceTags', 'GetKeyPolicy', 'ListAliases']) {
    const { busy, queue, close } = await busyHouse(stage, set);
    const calls = struckOnce(stage, 'CreateKey', 'answer-lost');
    const cloudKey = await newCloudKey(stage, set);
    const { id } = await pointerOf(stage, cloudKey);
    await advanceKmsKey(busy, id);
    queue('CreateKey');
    const undo = stage.simulator.fault({
      ...{ service: 'kms', action, kind: 'error', times: 1 },
      error: { code: 'NotFoundException', status: 400, message: 'Key does not exist' },
    });
    await advanceKmsKey(busy, id);
    const row = await pointerOf(stage, cloudKey);
    t.like(problemOf(row), { fault: 'settling', code: 'AnswerLost' }, action);
    await advanceKmsKey(busy, id);
    t.is((await pointerOf(stage, cloudKey)).step, 'DONE', action);
    t.is(calls.sent(), 1, action);
    undo();
    calls.undo();
    close();
  }
  stage.clock.ahead = at;
});

test.serial('the look at what waits longest comes first, whatever it waits for', async (t) => {
  const { stage, set } = t.context;
  const { house } = stage;
  const lost = await pointerOf(stage, await newCloudKey(stage, set));
  const unshown = await pointerOf(stage, await newCloudKey(stage, set));
  const asked = await pointerOf(stage, await newCloudKey(stage, set));
  const ago = (seconds: number) => new Date(house.now().getTime() - seconds * 1000).toISOString();
  const problem = (fault: string, operation: string) =>
    JSON.stringify({ operation, fault, code: 'x', message: '', wayOut: '', at: ago(9), times: 1 });
  const write = async (row: KmsKey, change: object) =>
    house.store.db.updateTable('kms_keys').set(change).where('id', '=', row.id).execute();
  // The oldest of all, and looked at just now: it is not before those that have waited.
  await write(lost, { create_sent: 1, problem: problem('settling', 'CreateKey'), next_attempt_at: ago(1) });
  await write(unshown, {
    step: 'ALIAS',
    problem: problem('unreachable', 'CreateAlias'),
    next_attempt_at: ago(4),
  });
  const due = (await dueWork(house)).filter(({ id }) => [lost.id, unshown.id, asked.id].includes(id));
  t.deepEqual(
    due.map(({ id, kind }) => [id, kind]).toSorted(),
    [
      [unshown.id, 'unshown'],
      [lost.id, 'unshown'],
      [asked.id, 'key'],
    ].toSorted(),
  );
  const looks = due.filter(({ kind }) => kind === 'unshown').map(({ id }) => id);
  t.deepEqual(looks, [unshown.id, lost.id]);
  for (const row of [lost, unshown, asked])
    await house.store.db.deleteFrom('kms_keys').where('id', '=', row.id).execute();
});
