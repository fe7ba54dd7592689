import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import anyTest, { type ExecutionContext, type TestFn } from 'ava';
import { sql } from 'kysely';
import type { FaultRule } from '../../simulator/simulator.ts';
import { rotateAccessKey } from '../../src/cloud/accounts/access-key-rotation.ts';
import { createCspAccount, getCspAccount } from '../../src/cloud/accounts/accounts.ts';
import { awsAccountOf } from '../../src/cloud/accounts/context.ts';
import { whoIs } from '../../src/cloud/aws/identity-check.ts';
import type { OnStore } from '../../src/cloud/key-stores/acting.ts';
import {
  connectExternalKeyStore,
  createExternalKeyStore,
  deleteExternalKeyStore,
  disconnectExternalKeyStore,
  rotateStoreCredential,
} from '../../src/cloud/key-stores/key-stores.ts';
import type { ExternalKeyStore } from '../../src/cloud/key-stores/records.ts';
import type { KeySet } from '../../src/keys/key-sets/key-sets.ts';
import { TokenError } from '../../src/token/faults.ts';
import { managementDeadline } from '../../src/vault/tokens.ts';
import {
  anHourOfWatching,
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
import { advanceKmsKey } from '../../src/cloud/kms-keys/attempts.ts';
import { inTheEnd } from '../../testing/kms-key-stage.ts';
import { keyPlays, type Play, type Plays } from './aws-write-plays.ts';
import { fresh } from '../../testing/vault.ts';
import { TestAwsAccount } from '../support/aws-users.ts';
import type { FromDriver, Order, ToDriver } from './stopped-driver.ts';

/*
 * Two management processes. The first is stopped (SIGSTOP) in the middle of a request: AWS has done it, and its answer waits
 * to be read. The second takes over and does what is left; then the first goes on. For each step of each resource AWS has one
 * result in the end, and the first has written nothing any more.
 */

interface Stopped {
  id: string;
  work: Order['work'];
  /** What the second process does. */
  finish: () => Promise<unknown>;
  /** What both leave: AWS has it once, and the record says so. */
  check: (t: ExecutionContext<World>, what: string) => Promise<void>;
}

interface StoppedStep {
  /** The request in which the first process is stopped. */
  request: Pick<FaultRule, 'service' | 'action' | 'after'>;
  /** Before AWS does it, which is then done after what the second process does. */
  isBefore?: boolean;
  begin: (world: World) => Promise<Stopped>;
}

interface World {
  stage: Stage;
  driver: ChildProcess;
  storePath: string;
}

const test = anyTest as TestFn<World>;

const driver = path.join(import.meta.dirname, 'stopped-driver.ts');

test.before(async (t) => {
  const stage = await openStage({ kind: 'which request a process is stopped in is what is tested' });
  const { rows } = await sql<{ file: string }>`SELECT file FROM pragma_database_list`.execute(
    stage.vaultContext.store.db,
  );
  const child = fork(driver, [], { serialization: 'advanced' });
  child.on('message', (message: FromDriver) => void answer(stage, child, message));
  await once(child, 'message');
  t.context = { stage, driver: child, storePath: rows[0]?.file ?? '' };
});
test.after.always(async (t) => {
  t.context?.driver.kill('SIGKILL');
  await t.context?.stage.dispose();
});

/** The token is this process's. */
async function answer({ vaultContext }: Stage, child: ChildProcess, message: FromDriver): Promise<void> {
  if (message.kind !== 'call') return;
  const { id, token, request } = message;
  const reply = (to: { value?: unknown; fault?: { fault: TokenError['fault']; call: string } }) =>
    child.send({ kind: 'answer', id, value: undefined, ...to } satisfies ToDriver);
  try {
    reply({ value: (await vaultContext.tokens.pool(token).call(request, managementDeadline())).value });
  } catch (error) {
    if (!(error instanceof TokenError)) throw error;
    reply({ fault: { fault: error.fault, call: error.call } });
  }
}

async function accessKey({ stage }: World, lost = false): Promise<Stopped> {
  const { vaultContext, act, vaultId, group, simulator } = stage;
  const account = new TestAwsAccount(simulator);
  const user = await account.user();
  const { id } = await createCspAccount(vaultContext, act(), vaultId, 'all', {
    ...{ name: fresh('account'), adminGroupId: group, type: 'access-key', defaultRegion: region },
    ...{ accessKeyId: user.accessKeyId, secretAccessKey: user.secretAccessKey },
  });
  // IAM may not show for minutes what was just made: one that is deleted has been there for long.
  await vaultContext.store.db
    .updateTable('csp_access_keys')
    .set({ created_at: new Date(vaultContext.now().getTime() - 86_400_000).toISOString() })
    .where('csp_account_id', '=', id)
    .execute();
  const rotate = async () =>
    rotateAccessKey(
      vaultContext,
      act(),
      { vaultId, sight: 'all', id },
      { pauses: [1], usedToldAfter: 0, inactiveFor: 0 },
    );
  if (lost) {
    const undo = simulator.fault({
      service: 'iam',
      action: 'CreateAccessKey',
      kind: 'answer-lost',
      times: 1,
    });
    await rotate();
    undo();
  } else
    await vaultContext.store.db
      .updateTable('csp_accounts')
      .set({ next_access_key_rotation_at: new Date(vaultContext.now().getTime() - 1_000).toISOString() })
      .where('id', '=', id)
      .execute();
  const read = async () => getCspAccount(vaultContext, vaultId, 'all', id);
  return {
    ...{ id, work: 'access-key' },
    finish: async () => {
      for (let turns = 0; turns < 6; turns++) {
        const { access_key_rotation: step, access_key_id: current } = await read();
        if (step === null && current !== user.accessKeyId) return;
        await rotate();
      }
    },
    check: async (t, what) => {
      const row = await read();
      t.is(row.access_key_rotation, null, what);
      t.not(row.access_key_id, user.accessKeyId, what);
      t.deepEqual(await account.accessKeyIds(user.name), [row.access_key_id ?? ''], what);
      t.is((await whoIs(await awsAccountOf(vaultContext, row))).arn, user.arn, what);
    },
  };
}

/** What is wanted of a key store, and stopped by an answer that did not come: it is for the schedule to go on with. */
async function keyStore(
  { stage }: World,
  operation: string,
  want: (where: { keySet: KeySet; id: string }) => Promise<unknown>,
  begin: (stage: Stage) => Promise<KeySetInAws & { store?: ExternalKeyStore }> = newConnected,
): Promise<Stopped> {
  const { vaultContext, simulator, clock } = stage;
  await vaultContext.store.db.deleteFrom('external_key_stores').execute();
  const set = await begin(stage);
  const undo = simulator.fault({ service: 'kms', action: operation, kind: 'reset', times: 1 });
  await want({ keySet: set.keySet, id: set.store?.id ?? '' }).catch(() => undefined);
  undo();
  // What AWS may have been given is settled by then, and what was made shows.
  clock.ahead += 11 * 60_000;
  const read = async () => storeOf(stage, set.keySet);
  return {
    ...{ id: (await read())?.id ?? '', work: 'external-key-store' },
    finish: async () => anHourOfWatching(stage),
    check: async (t, what) => {
      const row = await read();
      const there = await inAws(stage, set);
      t.deepEqual(
        there.map(({ id, name, state, accessKeyId }) => ({ id, name, state, accessKeyId })),
        row === undefined
          ? []
          : [
              {
                ...{ id: row.custom_key_store_id, name: row.name, state: row.state },
                accessKeyId: row.access_key_id,
              },
            ],
        what,
      );
      t.is(row === undefined, operation === 'DeleteCustomKeyStore', what);
      if (row !== undefined) t.like(row, { wanted: null, pending_access_key_id: '' }, what);
    },
  };
}

const create = async ({ vaultContext, act }: Stage, keySet: KeySet) =>
  createExternalKeyStore(vaultContext, act(), keySet, {
    ...{ region, connectivity: 'PUBLIC_ENDPOINT', uriEndpoint: endpoint },
  });

async function disconnected(stage: Stage) {
  const set = await newKeySetInAws(stage);
  return { ...set, store: await create(stage, set.keySet) };
}

const keyStoreSteps: Readonly<Record<string, (world: World) => Promise<Stopped>>> = {
  CreateCustomKeyStore: async (world) => {
    const { stage } = world;
    const making = async ({ keySet }: { keySet: KeySet }) => create(stage, keySet);
    return keyStore(world, 'CreateCustomKeyStore', making, newKeySetInAws);
  },
  ConnectCustomKeyStore: async (world) => {
    const { vaultContext, act } = world.stage;
    const connecting = async (where: OnStore) => connectExternalKeyStore(vaultContext, act(), where);
    return keyStore(world, 'ConnectCustomKeyStore', connecting, disconnected);
  },
  UpdateCustomKeyStore: async (world) => {
    const { vaultContext, act } = world.stage;
    const rotating = async (where: OnStore) => rotateStoreCredential(vaultContext, act(), where, 60);
    return keyStore(world, 'UpdateCustomKeyStore', rotating);
  },
  DisconnectCustomKeyStore: async (world) => {
    const { vaultContext, act } = world.stage;
    const disconnecting = async (where: OnStore) => disconnectExternalKeyStore(vaultContext, act(), where);
    return keyStore(world, 'DisconnectCustomKeyStore', disconnecting);
  },
  DeleteCustomKeyStore: async (world) => {
    const { vaultContext, act, clock } = world.stage;
    const deleting = async (where: OnStore) => {
      clock.ahead += 11 * 60_000;
      return deleteExternalKeyStore(vaultContext, act(), where, {});
    };
    return keyStore(world, 'DeleteCustomKeyStore', deleting, disconnected);
  },
};

const steps: Readonly<Record<string, StoppedStep>> = {
  'access key, begun': { request: { service: 'iam', action: 'ListAccessKeys' }, begin: accessKey },
  'access key, made': { request: { service: 'iam', action: 'CreateAccessKey' }, begin: accessKey },
  'access key, tried': { request: { service: 'kms', action: 'ListAliases', after: 1 }, begin: accessKey },
  'access key, the old one deleted': {
    request: { service: 'iam', action: 'DeleteAccessKey' },
    begin: accessKey,
  },
  'access key, one that an answer was lost of made inactive': {
    request: { service: 'iam', action: 'UpdateAccessKey' },
    begin: async (world) => accessKey(world, true),
  },
  'access key, one that an answer was lost of deleted': {
    request: { service: 'iam', action: 'DeleteAccessKey' },
    begin: async (world) => accessKey(world, true),
  },
  ...Object.fromEntries(
    Object.entries(keyStoreSteps).map(([action, begin]) => [
      `key store, ${action}`,
      { request: { service: 'kms' as const, action }, begin },
    ]),
  ),
};

/** What a KMS key may be stopped in, in an order in which one may follow another: aws-write-plays.ts. */
const kmsKeyChanges = [
  ...['CreateKey', 'DisableKey', 'EnableKey', 'ScheduleKeyDeletion', 'CancelKeyDeletion', 'PutKeyPolicy'],
  ...['UpdateKeyDescription', 'TagResource', 'UntagResource', 'CreateAlias', 'DeleteAlias', 'UpdateAlias'],
];

for (const [what, step] of Object.entries({ ...steps, ...kmsKeySteps(false), ...kmsKeySteps(true) }))
  test.serial(
    `${what}: a process that is stopped in it writes nothing once another has taken over`,
    async (t) => {
      const { stage, driver: child, storePath } = t.context;
      const { id, work, finish, check } = await step.begin(t.context);
      const stopped = await stopIn(t.context, step, { id, work, storePath });
      const { db } = stage.vaultContext.store;
      // Nobody else takes it before its time is over.
      await db
        .updateTable('leases')
        .set({ until: new Date(stage.vaultContext.now().getTime() - 1).toISOString() })
        .where('name', '=', `${work} ${id}`)
        .execute();
      await finish();
      await check(t, what);
      const before = await traces(t.context, id);
      process.kill(child.pid ?? Number.NaN, 'SIGCONT');
      stopped.release();
      const { lost, problem } = await stopped.done;
      t.true(lost, problem);
      t.deepEqual(await traces(t.context, id), before);
      await check(t, `${what}, and the first goes on`);
    },
  );

/** In one of the two moments: each play follows the one before it. */
function kmsKeySteps(isBefore: boolean): Record<string, StoppedStep> {
  let opened: Promise<Plays> | undefined;
  const playOf = async ({ stage }: World, operation: string): Promise<Play> => {
    opened ??= newConnected(stage).then(async (set) => keyPlays(stage, set));
    const [, begin] = (await opened).find(([one]) => one === operation) ?? [];
    if (begin === undefined) throw new Error(`there is no play of ${operation}`);
    return begin();
  };
  const change = (action: string): StoppedStep => ({
    ...{ request: { service: 'kms', action }, isBefore },
    begin: async (world) => {
      const play = await playOf(world, action);
      // What is wanted is written; that a KMS key is to be made its record says.
      if (action !== 'CreateKey') await play.ask();
      world.stage.simulator.settle();
      return stoppedPlay(world, play);
    },
  });
  const moment = isBefore ? ', not done yet' : '';
  return {
    ...Object.fromEntries(kmsKeyChanges.map((action) => [`KMS key, ${action}${moment}`, change(action)])),
    ...(isBefore ? {} : kmsKeyLooks(playOf)),
  };
}

function kmsKeyLooks(
  playOf: (world: World, operation: string) => Promise<Play>,
): Record<string, StoppedStep> {
  return {
    'KMS key, its first alias': {
      request: { service: 'kms', action: 'CreateAlias' },
      begin: async (world) => stoppedPlay(world, await playOf(world, 'CreateKey')),
    },
    'KMS key, one that an answer was lost of looked for': {
      ...{ request: { service: 'kms', action: 'ListResourceTags' } },
      begin: async (world) => {
        const play = await playOf(world, 'CreateKey');
        const { stage } = world;
        const lost = { service: 'kms', action: 'CreateKey', kind: 'answer-lost', times: 1 } as const;
        const undo = stage.simulator.fault(lost);
        await advanceKmsKey(stage.vaultContext, (await play.id?.()) ?? '');
        undo();
        stage.simulator.settle();
        return stoppedPlay(world, play);
      },
    },
  };
}

async function stoppedPlay({ stage }: World, play: Play): Promise<Stopped> {
  const id = (await play.id?.()) ?? '';
  return {
    ...{ id, work: 'kms-key' },
    finish: async () => inTheEnd(stage, id),
    check: async (t, what) => {
      t.true((await play.told()).isDone, what);
      const [actual, expected] = await play.inAws();
      t.deepEqual(actual, expected, what);
    },
  };
}

/** The first process is at work, and stopped once AWS has its request; ends when AWS has done it. */
async function stopIn(
  { stage, driver: child }: World,
  { request, isBefore = false }: StoppedStep,
  order: Pick<Order, 'id' | 'work' | 'storePath'>,
): Promise<{ done: Promise<Extract<FromDriver, { kind: 'done' }>>; release: () => void }> {
  const { simulator, clock } = stage;
  const there = Promise.withResolvers<void>();
  const { promise: released, resolve: release } = Promise.withResolvers<void>();
  const until = async () => {
    there.resolve();
    await released;
  };
  const undo = simulator.fault({ ...request, kind: 'slow', times: 1, isDone: !isBefore, until });
  const done = ended(child);
  const aws = { url: simulator.url, ca: simulator.ca };
  child.send({ kind: 'order', order: { ...order, aws, ahead: clock.ahead } } satisfies ToDriver);
  const over = done.then(({ problem }) => {
    throw new Error(`it ended without ${request.action}: ${problem}`);
  });
  over.catch(() => undefined);
  await Promise.race([there.promise, over]);
  process.kill(child.pid ?? Number.NaN, 'SIGSTOP');
  const stat = async () => readFile(`/proc/${child.pid}/stat`, 'utf8');
  while (!/\) T /.test(await stat())) await delay(5);
  undo();
  return { done, release };
}

async function ended(child: ChildProcess): Promise<Extract<FromDriver, { kind: 'done' }>> {
  for (;;) {
    const [message] = (await once(child, 'message')) as [FromDriver];
    if (message.kind === 'done') return message;
  }
}

/** All that the record of it is: what it says, and what was put on record of it. */
async function traces({ stage }: World, id: string): Promise<unknown> {
  const { db } = stage.vaultContext.store;
  const [account, keys, stores, kmsKeys, events] = await Promise.all([
    db.selectFrom('csp_accounts').selectAll().where('id', '=', id).execute(),
    db.selectFrom('csp_access_keys').selectAll().where('csp_account_id', '=', id).execute(),
    db.selectFrom('external_key_stores').selectAll().where('id', '=', id).execute(),
    db.selectFrom('kms_keys').selectAll().where('id', '=', id).execute(),
    db.selectFrom('audit_events').select(['sequence', 'action']).where('target_id', '=', id).execute(),
  ]);
  return { account, keys, stores, kmsKeys, events };
}
