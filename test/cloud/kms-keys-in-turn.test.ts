import anyTest, { type ExecutionContext, type TestFn } from 'ava';
import { awsAccountOf } from '../../src/cloud/accounts/context.ts';
import type { AwsContext } from '../../src/cloud/controller/context.ts';
import type { CloudKeyRecord } from '../../src/keys/cloud-keys.ts';
import { dueWork } from '../../src/cloud/kms-keys/due.ts';
import { advanceKmsKey } from '../../src/cloud/kms-keys/attempts.ts';
import { problemOf, type KmsKey } from '../../src/cloud/kms-keys/records.ts';
import { clientsOf } from '../../testing/aws-vault.ts';
import {
  newConnected,
  openStage,
  region,
  type KeySetInAws,
  type Stage,
} from '../../testing/external-key-store-stage.ts';
import { inAwsOf, kmsOf, newCloudKey, kmsKeyOf } from '../../testing/kms-key-stage.ts';

/* Hundreds of KMS keys that wait for AWS's quotas: a lost answer costs its own key seconds, and the others nothing. */

const test = anyTest as TestFn<{ stage: Stage; set: KeySetInAws }>;

test.before(async (t) => {
  const stage = await openStage({ kind: 'each test says itself what is lost, and counts what is sent' });
  t.context.stage = stage;
  t.context.set = await newConnected(stage);
});
test.after.always(async (t) => t.context.stage?.dispose());

/** A context that is to send one request of each operation, and for which others wait from then on. */
async function busyContext(t: ExecutionContext<{ stage: Stage; set: KeySetInAws }>) {
  const { vaultContext, simulator } = t.context.stage;
  const { cspAccountId } = t.context.set;
  // The SDK may repeat four times what it likes, as on a node.
  const aws = clientsOf(simulator, { kmsChangesPerSecond: 0.001, maxAttempts: 4 });
  const busy: AwsContext = { ...vaultContext, aws };
  const account = await busy.store.db
    .selectFrom('csp_accounts')
    .selectAll()
    .where('id', '=', cspAccountId)
    .executeTakeFirstOrThrow();
  const { pace } = await awsAccountOf(busy, account, region);
  const queue = (operation: string) => void pace.turn(operation, region).catch(() => undefined);
  t.teardown(() => aws.close());
  return { busy, queue };
}

/** Counts what comes to AWS of an operation, the first of which is struck by a fault of this kind. */
function struckOnce(t: ExecutionContext<{ stage: Stage }>, action: string, kind: 'answer-lost' | 'reset') {
  const { simulator } = t.context.stage;
  const undo = simulator.fault({ service: 'kms', action, kind, times: 1 });
  const undoCount = simulator.fault({ service: 'kms', action, kind: 'slow', delayMs: 0 });
  const undoAll = () => [undo, undoCount].forEach((each) => each());
  t.teardown(undoAll);
  return {
    sent: () =>
      simulator
        .faults()
        .filter(({ rule }) => rule.action === action)
        .reduce((sum, { struck }) => sum + struck, 0),
    undo: undoAll,
  };
}

/** Tries it at each time that it says, by the clock of the test, for so long, or until it says none. */
async function tryFor(
  stage: Stage,
  { busy, cloudKey, seconds }: { busy: AwsContext; cloudKey: CloudKeyRecord; seconds: number },
): Promise<{ pauses: number[]; row: KmsKey }> {
  const pauses: number[] = [];
  let row = await kmsKeyOf(stage, cloudKey);
  for (let passed = 0; passed < seconds && row.next_attempt_at !== null;) {
    const pause = (Date.parse(row.next_attempt_at) - stage.vaultContext.now().getTime()) / 1000;
    pauses.push(pause);
    passed += Math.max(pause, 0.1);
    stage.clock.ahead += Math.max(pause, 0) * 1000;
    await advanceKmsKey(busy, row.id);
    row = await kmsKeyOf(stage, cloudKey);
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
      const { busy, queue } = await busyContext(t);
      const calls = struckOnce(t, 'CreateKey', kind);
      const cloudKey = await newCloudKey(stage, set);
      const { id } = await kmsKeyOf(stage, cloudKey);
      await advanceKmsKey(busy, id);
      queue('CreateKey');
      // The SDK repeats nothing beside the pace.
      t.is(calls.sent(), 1);
      t.is(problemOf(await kmsKeyOf(stage, cloudKey))?.fault, 'unreachable');
      const looked = await tryFor(stage, { busy, cloudKey, seconds: 6 });
      t.true(
        looked.pauses.every((pause) => pause <= 4),
        looked.pauses.join(' '),
      );
      t.is(problemOf(looked.row)?.code, 'AnswerLost');
      t.is(calls.sent(), 1);
      // In the lane of what is looked at, none of which waits for a quota.
      stage.clock.ahead += 4_000;
      const kindOf = async () => (await dueWork(stage.vaultContext)).find((due) => due.id === id)?.kind;
      t.is(await kindOf(), 'unshown');
      if (kind === 'reset') {
        // What would have shown by now was not done: it takes its turn, before those that were asked for later.
        const { row } = await tryFor(stage, { busy, cloudKey, seconds: 40 });
        t.like(row, { step: 'KEY', problem: null, next_attempt_at: null });
        t.is(await kindOf(), 'key');
        t.is(calls.sent(), 1);
      }
      stage.simulator.settle();
      // AWS has it, or has it made: by a request that waits for no other.
      await advanceKmsKey(kind === 'reset' ? stage.vaultContext : busy, id);
      const row = await kmsKeyOf(stage, cloudKey);
      t.not(row.key_id, '', row.problem ?? '');
      t.is(calls.sent(), kind === 'reset' ? 2 : 1);
      stage.simulator.settle();
      await advanceKmsKey(stage.vaultContext, id);
      t.is((await kmsKeyOf(stage, cloudKey)).step, 'DONE');
      t.deepEqual(await inAwsOf(await kmsOf(stage, set), cloudKey), [row.key_id]);
    },
  );

test.serial(
  'others wait for CreateAlias: one without an answer is looked for, and takes no turn',
  async (t) => {
    const { stage, set } = t.context;
    stage.time.consistencyMs = 0;
    stage.time.aliasDelayMs = 3_600_000;
    const { busy, queue } = await busyContext(t);
    const calls = struckOnce(t, 'CreateAlias', 'answer-lost');
    const cloudKey = await newCloudKey(stage, set);
    const { id } = await kmsKeyOf(stage, cloudKey);
    await advanceKmsKey(busy, id);
    queue('CreateAlias');
    t.is(problemOf(await kmsKeyOf(stage, cloudKey))?.operation, 'CreateAlias');
    const { pauses, row } = await tryFor(stage, { busy, cloudKey, seconds: 6 });
    t.true(
      pauses.every((pause) => pause <= 4),
      pauses.join(' '),
    );
    t.is(problemOf(row)?.code, 'AnswerLost');
    t.is(calls.sent(), 1);
    // Not found for so long: it was not done. It waits for its turn, and holds up none that is looked at.
    stage.clock.ahead += 21_000;
    await advanceKmsKey(busy, id);
    t.like(await kmsKeyOf(stage, cloudKey), { step: 'ALIAS', problem: null, next_attempt_at: null });
    t.is((await dueWork(stage.vaultContext)).find((due) => due.id === id)?.kind, 'rest');
    // AWS says that it has it: it is DONE once AWS shows it, and not before.
    await advanceKmsKey(stage.vaultContext, id);
    t.is(problemOf(await kmsKeyOf(stage, cloudKey))?.code, 'AlreadyExistsException');
    t.is(calls.sent(), 2);
    const waited = await tryFor(stage, { busy, cloudKey, seconds: 30 });
    t.like(waited.row, { step: 'ALIAS' });
    t.is(calls.sent(), 2);
    delete stage.time.aliasDelayMs;
    stage.simulator.settle();
    await tryFor(stage, { busy, cloudKey, seconds: 1 });
    t.is((await kmsKeyOf(stage, cloudKey)).step, 'DONE');
  },
);

test.serial('what AWS shows in part is looked at again, and CreateKey not repeated for it', async (t) => {
  const { stage, set } = t.context;
  stage.simulator.settle();
  delete stage.time.consistencyMs;
  for (const action of ['ListResourceTags', 'GetKeyPolicy', 'ListAliases']) {
    const { busy, queue } = await busyContext(t);
    const calls = struckOnce(t, 'CreateKey', 'answer-lost');
    const cloudKey = await newCloudKey(stage, set);
    const { id } = await kmsKeyOf(stage, cloudKey);
    await advanceKmsKey(busy, id);
    queue('CreateKey');
    const undo = stage.simulator.fault({
      ...{ service: 'kms', action, kind: 'error', times: 1 },
      error: { code: 'NotFoundException', status: 400, message: 'Key does not exist' },
    });
    await advanceKmsKey(busy, id);
    const row = await kmsKeyOf(stage, cloudKey);
    t.like(problemOf(row), { fault: 'settling', code: 'AnswerLost' }, action);
    await advanceKmsKey(busy, id);
    t.is((await kmsKeyOf(stage, cloudKey)).step, 'DONE', action);
    t.is(calls.sent(), 1, action);
    undo();
    calls.undo();
  }
});

test.serial('the look at what waits longest comes first, whatever it waits for', async (t) => {
  const { stage, set } = t.context;
  const { vaultContext } = stage;
  const lost = await kmsKeyOf(stage, await newCloudKey(stage, set));
  const unshown = await kmsKeyOf(stage, await newCloudKey(stage, set));
  const asked = await kmsKeyOf(stage, await newCloudKey(stage, set));
  const ago = (seconds: number) => new Date(vaultContext.now().getTime() - seconds * 1000).toISOString();
  const problem = (fault: string, operation: string) =>
    JSON.stringify({ operation, fault, code: 'x', message: '', remediation: '', at: ago(9), times: 1 });
  const write = async (row: KmsKey, change: object) =>
    vaultContext.store.db.updateTable('kms_keys').set(change).where('id', '=', row.id).execute();
  // The oldest of all, and looked at just now: it is not before those that have waited.
  await write(lost, { create_sent: 1, problem: problem('settling', 'CreateKey'), next_attempt_at: ago(1) });
  await write(unshown, {
    step: 'ALIAS',
    problem: problem('unreachable', 'CreateAlias'),
    next_attempt_at: ago(4),
  });
  const due = (await dueWork(vaultContext)).filter(({ id }) => [lost.id, unshown.id, asked.id].includes(id));
  t.is(due.find(({ id }) => id === asked.id)?.kind, 'key');
  const looks = due.filter(({ kind }) => kind === 'unshown').map(({ id }) => id);
  t.deepEqual(looks, [unshown.id, lost.id]);
  for (const row of [lost, unshown, asked])
    await vaultContext.store.db.deleteFrom('kms_keys').where('id', '=', row.id).execute();
});
