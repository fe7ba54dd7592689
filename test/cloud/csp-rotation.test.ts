import anyTest, { type ExecutionContext, type TestFn } from 'ava';
import type { Transaction } from 'kysely';
import type { FaultRule } from '../../simulator/simulator.ts';
import type { Logger } from '../../src/log.ts';
import { callAws } from '../../src/cloud/aws/aws-error.ts';
import { whoIs } from '../../src/cloud/aws/identity-check.ts';
import { Secret } from '../../src/secret.ts';
import { SeenVersion } from '../../src/store/act-transaction.ts';
import type { Moment } from '../../src/store/revision-log.ts';
import type { Tables } from '../../src/store/schema.ts';
import type { Acting, ActTransaction, ChangeTransaction, Store } from '../../src/store/store.ts';
import type { Unrecorded } from '../../src/store/unrecorded.ts';
import { accessKeyRotations, rotateAccessKey } from '../../src/cloud/accounts/access-key-rotation.ts';
import { runDue } from '../../src/cloud/controller/scheduled.ts';
import { awsAccountOf } from '../../src/cloud/accounts/context.ts';
import type { AwsContext } from '../../src/cloud/controller/context.ts';
import {
  createCspAccount,
  getCspAccount,
  updateCspAccount,
  type CspAccountRecord,
} from '../../src/cloud/accounts/accounts.ts';
import { VaultError } from '../../src/vault/vault-error.ts';
import { TestAwsAccount, type TestUser } from '../support/aws-users.ts';
import { clientsOf, openAwsVault, type AwsVault } from '../../testing/aws-vault.ts';
import { eventsOf, fresh } from '../../testing/vault.ts';

interface Context extends AwsVault {
  account: TestAwsAccount;
}

const test = anyTest as TestFn<Context>;

const quick = { pauses: [1, 1], usedToldAfter: 0, inactiveFor: 0 };

// One after another: a fault of the simulator's strikes whoever comes first.
test.before(async (t) => {
  // One attempt: that a request fails is what is tried here; that the SDK repeats it has a test of its own.
  const vault = await openAwsVault({
    kind: 'which of the requests fails, and that the next one is obeyed, is what is tested',
    settings: { maxAttempts: 1 },
  });
  t.context = { ...vault, account: new TestAwsAccount(vault.simulator) };
});
test.after.always(async (t) => t.context.dispose());

interface Case {
  user: TestUser;
  /** As it was before the rotation. */
  row: CspAccountRecord;
  /** Rotations that it has behind it. */
  rotations: number;
}

async function newCase(t: ExecutionContext<Context>, days: number | null = null): Promise<Case> {
  const { vaultContext, act, vault, group, account } = t.context;
  const user = await account.user();
  const row = await createCspAccount(vaultContext, act(), vault.id, 'all', {
    name: fresh('account'),
    adminGroupId: group,
    type: 'access-key',
    defaultRegion: 'eu-central-1',
    accessKeyId: user.accessKeyId,
    secretAccessKey: user.secretAccessKey,
    accessKeyRotationDays: days,
  });
  await inUseForLong(t, row.id);
  return { user, row, rotations: 0 };
}

/** The same account for the next rotation. */
async function nextCase(t: ExecutionContext<Context>, { user, row }: Case): Promise<Case> {
  await inUseForLong(t, row.id);
  return { user, row: await read(t, row.id), rotations: await rotationsOf(t, row.id) };
}

/** IAM may not show for minutes what was just made: a key that is rotated has been there for long. */
async function inUseForLong({ context }: ExecutionContext<Context>, id: string): Promise<void> {
  await context.store.db
    .updateTable('csp_access_keys')
    .set({ created_at: new Date(Date.now() - 86_400_000).toISOString() })
    .where('csp_account_id', '=', id)
    .execute();
}

async function rotationsOf(t: ExecutionContext<Context>, id: string): Promise<number> {
  return (await actions(t, id)).filter((action) => action === 'rotate-access-key').length;
}

async function rotate(
  { context }: ExecutionContext<Context>,
  id: string,
  vaultContext: AwsContext = context.vaultContext,
) {
  return rotateAccessKey(vaultContext, context.act(), { vaultId: context.vault.id, sight: 'all', id }, quick);
}

/** Again and again, as the schedule does, until it is done. */
async function finish(t: ExecutionContext<Context>, { row }: Case): Promise<void> {
  for (let run = 0; run < 6; run++) {
    const { access_key_rotation: step } = await read(t, row.id);
    if (step === null) return;
    await rotate(t, row.id);
  }
}

async function read({ context }: ExecutionContext<Context>, id: string): Promise<CspAccountRecord> {
  return getCspAccount(context.vaultContext, context.vault.id, 'all', id);
}

async function sealedKeys({ context }: ExecutionContext<Context>, id: string) {
  return context.store.db
    .selectFrom('csp_access_keys')
    .select(['access_key_id', 'state', 'origin'])
    .where('csp_account_id', '=', id)
    .execute();
}

async function statesOf({ context }: ExecutionContext<Context>, { user }: Case): Promise<string[]> {
  const iam = await context.account.iam();
  const { ListAccessKeysCommand } = await import('@aws-sdk/client-iam');
  const { AccessKeyMetadata: keys = [] } = await iam.send(new ListAccessKeysCommand({ UserName: user.name }));
  return keys.map(({ Status: status = '' }) => status).toSorted();
}

async function actions(t: ExecutionContext<Context>, id: string): Promise<string[]> {
  return (await eventsOf(t.context, id)).map(({ action }) => action.replace('csp-account.', ''));
}

/** One access key in IAM, ours, another than at first, and AWS takes it. */
async function checkRotated(
  t: ExecutionContext<Context>,
  { user, row, rotations }: Case,
  what = '',
): Promise<void> {
  const now = await read(t, row.id);
  t.is(now.access_key_rotation, null, what);
  t.is(now.access_key_rotation_problem, null, what);
  t.not(now.access_key_id, row.access_key_id, what);
  t.deepEqual(await t.context.account.accessKeyIds(user.name), [now.access_key_id ?? ''], what);
  t.deepEqual(
    await sealedKeys(t, row.id),
    [{ access_key_id: now.access_key_id ?? '', state: 'CURRENT', origin: 'rotation' }],
    what,
  );
  t.is((await whoIs(await awsAccountOf(t.context.vaultContext, now))).arn, user.arn, what);
  t.is(await rotationsOf(t, row.id), rotations + 1, what);
}

test.serial(
  'a rotation makes a second access key, switches to it and deletes the first, each on the record',
  async (t) => {
    const one = await newCase(t);
    await rotate(t, one.row.id);
    await checkRotated(t, one);
    t.deepEqual(await actions(t, one.row.id), [
      'create',
      'begin-access-key-rotation',
      'rotate-access-key',
      'delete-old-access-key',
    ]);
    const [, , switched] = await eventsOf(t.context, one.row.id);
    t.is(switched?.before, JSON.stringify({ accessKeyId: one.user.accessKeyId }));
  },
);

/** A process that is killed at the n-th point: before a transaction, within it but for the commit, after it. */
class MortalStore implements Store {
  readonly db: Store['db'];
  readonly #store: Store;
  points = 0;
  #killAt: number;

  constructor(store: Store, killAt: number) {
    this.db = store.db;
    this.#store = store;
    this.#killAt = killAt;
  }

  revision() {
    return this.#store.revision();
  }

  moment() {
    return this.#store.moment();
  }

  changesSince(since: Moment) {
    return this.#store.changesSince(since);
  }

  async change<T>(act: Acting, run: (trx: ChangeTransaction) => Promise<T>): Promise<T> {
    return this.#around(run, async (within) => this.#store.change(act, within));
  }

  async write<T>(act: Acting, run: (trx: ActTransaction) => Promise<T>): Promise<T> {
    return this.#around(run, async (within) => this.#store.write(act, within));
  }

  async bookkeep<T>(why: Unrecorded, run: (trx: Transaction<Tables>) => Promise<T>): Promise<T> {
    return this.#around(run, async (within) => this.#store.bookkeep(why, within));
  }

  async #around<Trx, T>(
    run: (trx: Trx) => Promise<T>,
    transact: (within: (trx: Trx) => Promise<T>) => Promise<T>,
  ): Promise<T> {
    this.#pass();
    const result = await transact(async (trx) => {
      const done = await run(trx);
      this.#pass();
      return done;
    });
    this.#pass();
    return result;
  }

  async close() {
    await this.#store.close();
  }

  /** From that point on nothing is written: the dead do not tidy up. */
  #pass(): void {
    if (++this.points >= this.#killAt) throw new KilledError();
  }
}

class KilledError extends Error {}

/*
 * A kill is played by an error that nothing catches, and by a store that takes nothing any more. That is the same as the
 * end of the process, for all that a rotation leaves behind is in the store and in IAM: each run reads both anew, and
 * between two transactions nothing is done but requests to AWS and the token, of which the test of faults has every one
 * fail before it was done and after.
 */
test.serial('killed at any point, a second run completes the rotation, exactly once', async (t) => {
  let one = await newCase(t);
  for (let killAt = 1; ; killAt++) {
    one = await nextCase(t, one);
    const store = new MortalStore(t.context.store, killAt);
    const killed = await rotate(t, one.row.id, { ...t.context.vaultContext, store }).then(
      () => false,
      (error: unknown) => {
        if (error instanceof KilledError) return true;
        throw error;
      },
    );
    if (!killed) {
      t.true(store.points >= 15, `${store.points} points`);
      break;
    }
    const { access_key_rotation: step } = await read(t, one.row.id);
    // Before it was begun, or with all done but the lease: nothing is under way.
    if (step === null && (await rotationsOf(t, one.row.id)) === one.rotations) await rotate(t, one.row.id);
    await finish(t, one);
    await checkRotated(t, one, `killed at ${killAt}`);
  }
});

const calls = [
  { service: 'sts', action: 'GetCallerIdentity' },
  { service: 'iam', action: 'ListAccessKeys' },
  { service: 'iam', action: 'CreateAccessKey' },
  { service: 'iam', action: 'DeleteAccessKey' },
  { service: 'kms', action: 'ListAliases' },
] as const;

const kinds = ['reset', 'answer-lost', '500', 'throttle', 'denied'] as const satisfies FaultRule['kind'][];

for (const { service, action } of calls)
  test.serial(
    `whichever ${action} fails, before or after it was done, a second run completes the rotation`,
    async (t) => {
      const one = await newCase(t);
      const before = t.context.simulator.trail.events().length;
      await rotate(t, one.row.id);
      const times = t.context.simulator.trail
        .events()
        .slice(before)
        .filter(({ eventName }) => eventName === action).length;
      t.true(times > 0);
      for (const kind of kinds)
        for (let after = 0; after < times; after++)
          await failOnce(t, await nextCase(t, one), { service, action, kind, after });
    },
  );

async function failOnce(t: ExecutionContext<Context>, one: Case, rule: FaultRule): Promise<void> {
  const undo = t.context.simulator.fault({ ...rule, times: 1 });
  const refused = await rotate(t, one.row.id).then(
    ({ access_key_rotation_problem: problem }) => problem !== null,
    () => true,
  );
  undo();
  const what = `${rule.kind}, call ${(rule.after ?? 0) + 1}`;
  // That nothing is allowed in KMS says that the access key is known there.
  t.is(refused, !(rule.service === 'kms' && rule.kind === 'denied'), what);
  t.true((await t.context.account.accessKeyIds(one.user.name)).length > 0, 'never without an access key');
  const { access_key_rotation: step } = await read(t, one.row.id);
  if (step === null && (await rotationsOf(t, one.row.id)) === one.rotations) await rotate(t, one.row.id);
  await finish(t, one);
  await checkRotated(t, one, what);
}

test.serial(
  'CreateAccessKey repeated by the SDK after a lost answer leaves one access key too',
  async (t) => {
    const vaultContext = {
      ...t.context.vaultContext,
      aws: clientsOf(t.context.simulator, { maxAttempts: 3 }),
    };
    const one = await newCase(t);
    const undo = t.context.simulator.fault({
      ...{ service: 'iam', action: 'CreateAccessKey', kind: 'answer-lost' },
      times: 1,
    });
    await rotate(t, one.row.id, vaultContext);
    undo();
    await checkRotated(t, one);
    t.true((await actions(t, one.row.id)).includes('delete-lost-access-key'));
    vaultContext.aws.close();
  },
);

test.serial(
  'an access key that somebody made by hand is never deleted: the rotation says so and stops',
  async (t) => {
    const { account } = t.context;
    const before = await newCase(t);
    const foreign = await account.accessKey(before.user.name);
    await t.throwsAsync(rotate(t, before.row.id), {
      message: /has another access key, \w+, that Holdfast has not made/,
    });
    t.is((await read(t, before.row.id)).access_key_rotation, null);
    t.deepEqual(await account.accessKeyIds(before.user.name), [before.user.accessKeyId, foreign.accessKeyId]);

    // Made by hand while an answer was outstanding, and used since.
    const during = await newCase(t);
    const undo = t.context.simulator.fault({ service: 'iam', action: 'CreateAccessKey', kind: 'reset' });
    await rotate(t, during.row.id);
    undo();
    const used = await account.accessKey(during.user.name);
    await whoIs(
      t.context.aws.once({
        ...{ accountKey: '', partition: 'aws', region: 'eu-central-1', fips: false, kind: 'access-key' },
        ...{ accessKeyId: used.accessKeyId, secret: used.secretAccessKey },
      }),
    );
    const stopped = await rotate(t, during.row.id);
    t.is(stopped.access_key_rotation, 'CREATING');
    t.regex(stopped.access_key_rotation_problem ?? '', /that Holdfast has not made/);
    t.true((await account.accessKeyIds(during.user.name)).includes(used.accessKeyId));
  },
);

test.serial(
  'what an answer was lost of is made inactive once IAM would have told of its use, and deleted after days',
  async (t) => {
    const { account, act, clock, vaultContext, simulator, time, vault } = t.context;
    time.lastUsedDelayMs = 4 * 60 * 60_000;
    t.teardown(() => {
      delete time.lastUsedDelayMs;
      clock.ahead = 0;
    });
    const turn = async ({ row }: Case) =>
      rotateAccessKey(
        vaultContext,
        act(),
        { vaultId: vault.id, sight: 'all', id: row.id },
        { pauses: [1, 1] },
      );
    const strike = (kind: 'reset' | 'answer-lost') =>
      simulator.fault({ service: 'iam', action: 'CreateAccessKey', kind, times: 1 });

    // Made by hand while an answer was outstanding, and used since.
    const byHand = await newCase(t);
    strike('reset');
    await turn(byHand);
    const used = await account.accessKey(byHand.user.name);
    await whoIs(
      t.context.aws.once({
        ...{ accountKey: '', partition: 'aws', region: 'eu-central-1', fips: false, kind: 'access-key' },
        ...{ accessKeyId: used.accessKeyId, secret: used.secretAccessKey },
      }),
    );
    const lost = await newCase(t);
    strike('answer-lost');
    await turn(lost);
    for (const one of [byHand, lost]) {
      const before = await account.accessKeyIds(one.user.name);
      t.is(before.length, 2);
      const waiting = await turn(one);
      t.is(waiting.access_key_rotation, 'CREATING');
      t.regex(waiting.access_key_rotation_problem ?? '', /the answer was lost .* most likely AKIA\w+/);
      const pause = Date.parse(waiting.access_key_rotation_retry_at ?? '') - vaultContext.now().getTime();
      t.true(pause > 4.9 * 60 * 60_000, `${pause} ms`);
      t.deepEqual(await account.accessKeyIds(one.user.name), before);
    }

    clock.ahead += 5 * 60 * 60_000 + 60_000;
    t.regex((await turn(byHand)).access_key_rotation_problem ?? '', /that Holdfast has not made/);
    t.true((await account.accessKeyIds(byHand.user.name)).includes(used.accessKeyId));
    const inactive = await turn(lost);
    t.regex(inactive.access_key_rotation_problem ?? '', /Holdfast made it inactive in IAM at /);
    const pause = Date.parse(inactive.access_key_rotation_retry_at ?? '') - vaultContext.now().getTime();
    t.true(pause > 5.9 * 60 * 60_000 && pause <= 6 * 60 * 60_000, `${pause} ms`);
    t.deepEqual(await statesOf(t, lost), ['Active', 'Inactive']);
    clock.ahead += 7 * 86_400_000;
    await turn(lost);
    t.deepEqual(await statesOf(t, lost), ['Active', 'Inactive'], 'what runs once a week has not run');
    clock.ahead += 86_400_000;
    await turn(lost);
    await checkRotated(t, lost);
    t.true((await actions(t, lost.row.id)).includes('deactivate-lost-access-key'));
    t.true((await actions(t, lost.row.id)).includes('delete-lost-access-key'));
  },
);

test.serial('what an answer was lost of and IAM does not list yet is awaited by the second', async (t) => {
  const { clock, simulator, time, vaultContext } = t.context;
  const one = await newCase(t);
  time.consistencyMs = 3_600_000;
  t.teardown(() => {
    delete time.consistencyMs;
    simulator.settle();
    clock.ahead = 0;
  });
  simulator.fault({ service: 'iam', action: 'CreateAccessKey', kind: 'answer-lost', times: 1 });
  await rotate(t, one.row.id);
  const { access_key_rotation_known: known } = await read(t, one.row.id);
  for (let times = 0; times < 3; times++) {
    const waiting = await rotate(t, one.row.id);
    t.regex(waiting.access_key_rotation_problem ?? '', /"fault":"settling"/);
    t.is(waiting.access_key_rotation_known, known, 'what is refused for certain makes nothing');
    const pause = Date.parse(waiting.access_key_rotation_retry_at ?? '') - vaultContext.now().getTime();
    t.true(pause <= 5_000, `${pause} ms`);
  }
  // What has not come by then is somebody else's.
  clock.ahead += 11 * 60_000;
  t.regex((await rotate(t, one.row.id)).access_key_rotation_problem ?? '', /"fault":"limit"/);
  clock.ahead = 0;
  delete time.consistencyMs;
  simulator.settle();
  await finish(t, one);
  await checkRotated(t, one);
});

test.serial(
  'what an answer was lost of is deleted after days too where IAM does not let Holdfast make it inactive',
  async (t) => {
    const { account, act, clock, vaultContext, simulator, vault } = t.context;
    const one = await newCase(t);
    const turn = async () =>
      rotateAccessKey(
        vaultContext,
        act(),
        { vaultId: vault.id, sight: 'all', id: one.row.id },
        { pauses: [] },
      );
    const undo = simulator.fault({ service: 'iam', action: 'UpdateAccessKey', kind: 'denied' });
    t.teardown(() => {
      undo();
      clock.ahead = 0;
    });
    simulator.fault({ service: 'iam', action: 'CreateAccessKey', kind: 'answer-lost', times: 1 });
    await turn();
    clock.ahead += 5 * 60 * 60_000 + 60_000;
    for (const days of [0, 7]) {
      clock.ahead += days * 86_400_000;
      t.regex((await turn()).access_key_rotation_problem ?? '', /iam:UpdateAccessKey/);
      t.is((await account.accessKeyIds(one.user.name)).length, 2);
    }
    clock.ahead += 86_400_000;
    await turn();
    await checkRotated(t, one);
    t.true((await actions(t, one.row.id)).includes('delete-lost-access-key'));
    t.false((await actions(t, one.row.id)).includes('deactivate-lost-access-key'));
  },
);

test.serial(
  'one that was made by hand in the minutes of a lost answer, and is first needed days later, is never deleted',
  async (t) => {
    const { account, act, clock, vaultContext, simulator, vault } = t.context;
    t.teardown(() => void (clock.ahead = 0));
    const one = await newCase(t);
    const turn = async () =>
      rotateAccessKey(
        vaultContext,
        act(),
        { vaultId: vault.id, sight: 'all', id: one.row.id },
        { pauses: [] },
      );
    const undo = simulator.fault({ service: 'iam', action: 'CreateAccessKey', kind: 'reset', times: 1 });
    await turn();
    undo();
    const { accessKeyId } = await account.accessKey(one.user.name);
    clock.ahead += 6 * 60 * 60_000;
    await turn();
    t.deepEqual(await statesOf(t, one), ['Active', 'Inactive']);
    // Who finds it so activates it.
    clock.ahead += 86_400_000;
    const iam = await account.iam();
    const { UpdateAccessKeyCommand } = await import('@aws-sdk/client-iam');
    await iam.send(
      new UpdateAccessKeyCommand({ UserName: one.user.name, AccessKeyId: accessKeyId, Status: 'Active' }),
    );
    for (const days of [0, 30]) {
      clock.ahead += days * 86_400_000;
      t.regex((await turn()).access_key_rotation_problem ?? '', /that Holdfast has not made/);
      t.deepEqual(await statesOf(t, one), ['Active', 'Active']);
    }
  },
);

test.serial(
  'where IAM does not let Holdfast make an access key, one that is made by hand then is not deleted',
  async (t) => {
    const { account, simulator } = t.context;
    const one = await newCase(t);
    const undo = simulator.fault({ service: 'iam', action: 'CreateAccessKey', kind: 'denied', times: 1 });
    t.regex((await rotate(t, one.row.id)).access_key_rotation_problem ?? '', /AWS denied the request/);
    undo();
    const { accessKeyId } = await account.accessKey(one.user.name);
    const stopped = await rotate(t, one.row.id);
    t.regex(stopped.access_key_rotation_problem ?? '', /that Holdfast has not made/);
    t.deepEqual(await account.accessKeyIds(one.user.name), [one.user.accessKeyId, accessKeyId]);
  },
);

test.serial(
  'one that was made by hand and that IAM does not list yet when the rotation begins is not deleted later',
  async (t) => {
    const { account, simulator, time } = t.context;
    const one = await newCase(t);
    const aws = clientsOf(simulator);
    t.teardown(() => aws.close());
    const { accessKeyId, secretAccessKey } = account.account;
    const iam = await aws
      .once({
        ...{ accountKey: '', partition: 'aws', region: 'us-east-1', fips: false, kind: 'access-key' },
        ...{ accessKeyId, secret: new Secret(secretAccessKey) },
      })
      .iam();
    time.consistencyMs = 3_600_000;
    t.teardown(() => {
      delete time.consistencyMs;
      simulator.settle();
    });
    const { CreateAccessKeyCommand } = await import('@aws-sdk/client-iam');
    const { AccessKey: foreign } = await iam.send(new CreateAccessKeyCommand({ UserName: one.user.name }));
    t.regex((await rotate(t, one.row.id)).access_key_rotation_problem ?? '', /LimitExceeded/);
    simulator.settle();
    t.regex((await rotate(t, one.row.id)).access_key_rotation_problem ?? '', /that Holdfast has not made/);
    t.true((await account.accessKeyIds(one.user.name)).includes(foreign?.AccessKeyId ?? ''));
  },
);

/** Has something happen before each transaction, or after it. */
class EventfulStore extends MortalStore {
  readonly #happens: (when: 'before' | 'after') => Promise<void>;

  constructor(store: Store, happens: (when: 'before' | 'after') => Promise<void>) {
    super(store, Infinity);
    this.#happens = happens;
  }

  override async write<T>(act: Acting, run: (trx: ActTransaction) => Promise<T>): Promise<T> {
    await this.#happens('before');
    const done = await super.write(act, run);
    await this.#happens('after');
    return done;
  }
}

test.serial(
  'one that was made by hand and that IAM lists once it has refused another is not deleted later',
  async (t) => {
    const { account } = t.context;
    const one = await newCase(t);
    let foreign: string | undefined;
    const store = new EventfulStore(t.context.store, async (when) => {
      if (when === 'before') return;
      const { access_key_rotation_known: known } = await read(t, one.row.id);
      // The request is about to be sent.
      if (foreign === undefined && known?.includes('"to":"') === true)
        foreign = (await account.accessKey(one.user.name)).accessKeyId;
    });
    const stopped = await rotate(t, one.row.id, { ...t.context.vaultContext, store });
    t.regex(stopped.access_key_rotation_problem ?? '', /that Holdfast has not made/);
    t.deepEqual(await account.accessKeyIds(one.user.name), [one.user.accessKeyId, foreign ?? '']);
    t.deepEqual(await statesOf(t, one), ['Active', 'Active']);
  },
);

test.serial(
  'a new access key that a part of AWS does not know yet is awaited, and nobody is told to enter another',
  async (t) => {
    const one = await newCase(t);
    const undo = t.context.simulator.fault({
      ...{ service: 'iam', action: 'DeleteAccessKey', kind: 'error' },
      error: { code: 'InvalidClientTokenId', status: 403 },
    });
    const waiting = await rotate(t, one.row.id);
    undo();
    t.like(waiting, { access_key_rotation: 'SWITCHED', access_key_rotation_problem: null });
    const pause =
      Date.parse(waiting.access_key_rotation_retry_at ?? '') - t.context.vaultContext.now().getTime();
    t.true(pause <= 5_000, `${pause} ms`);
    await rotate(t, one.row.id);
    await checkRotated(t, one);
  },
);

test.serial('a new access key that is deleted in IAM before it was tried is made once more', async (t) => {
  const one = await newCase(t);
  const undo = t.context.simulator.fault({ service: 'kms', action: 'ListAliases', kind: '500', after: 1 });
  await rotate(t, one.row.id);
  undo();
  const next = (await sealedKeys(t, one.row.id)).find(({ state }) => state === 'NEXT')?.access_key_id ?? '';
  const iam = await t.context.account.iam();
  const { DeleteAccessKeyCommand } = await import('@aws-sdk/client-iam');
  await iam.send(new DeleteAccessKeyCommand({ UserName: one.user.name, AccessKeyId: next }));
  // So young it may only be that AWS does not know it everywhere.
  t.is((await rotate(t, one.row.id)).access_key_rotation, 'VERIFYING');
  await t.context.store.db
    .updateTable('csp_access_keys')
    .set({ created_at: new Date(Date.now() - 11 * 60_000).toISOString() })
    .where('access_key_id', '=', next)
    .execute();
  await rotate(t, one.row.id);
  await checkRotated(t, one);
});

test.serial(
  'a schedule rotates what is due, once, and what failed again when its pause is over',
  async (t) => {
    const { vaultContext, clock } = t.context;
    const one = await newCase(t, 30);
    const rotations = accessKeyRotations(quick);
    t.is((await runDue(rotations, vaultContext)).done, 0);
    await t.context.store.db
      .updateTable('csp_accounts')
      .set({ next_access_key_rotation_at: new Date(Date.now() - 1000).toISOString() })
      .where('id', '=', one.row.id)
      .execute();
    t.is((await runDue(rotations, vaultContext, { mayGoOn: async () => false })).done, 0);
    const undo = t.context.simulator.fault({ service: 'iam', action: 'CreateAccessKey', kind: 'throttle' });
    const told: unknown[] = [];
    const log = { error: (fields: object) => void told.push(fields) } as Pick<Logger, 'error'>;
    t.like(await runDue(rotations, { ...vaultContext, log }), { done: 0, failed: 1 });
    undo();
    t.like(told, [{ cspAccount: one.row.id }]);
    t.is((await runDue(rotations, vaultContext)).done, 0, 'its pause is not over');
    clock.ahead = 5 * 60_000 + 1000;
    t.is((await runDue(rotations, vaultContext)).done, 1);
    clock.ahead = 0;
    await checkRotated(t, one);
    const { next_access_key_rotation_at: next } = await read(t, one.row.id);
    t.true(Date.parse(next ?? '') > Date.now() + 29 * 86_400_000);
  },
);

test.serial('whose account is deleted or changed by somebody else meanwhile is told so', async (t) => {
  const { act, simulator, store, vault, vaultContext } = t.context;
  const rotateSeen = async ({ row }: Case, happens: (when: 'before' | 'after') => Promise<void>) => {
    const seen = new SeenVersion((await read(t, row.id)).row_version);
    const target = { vaultId: vault.id, sight: 'all', id: row.id, expected: seen } as const;
    const context = { ...vaultContext, store: new EventfulStore(store, happens) };
    return rotateAccessKey(context, { ...act(), seen }, target, quick);
  };
  // When IAM has been asked, and nothing is written yet.
  const deleted = await newCase(t);
  const error = await t.throwsAsync(
    rotateSeen(deleted, async () => {
      await store.db.deleteFrom('csp_access_keys').where('csp_account_id', '=', deleted.row.id).execute();
      await store.db.deleteFrom('csp_accounts').where('id', '=', deleted.row.id).execute();
    }),
    { instanceOf: VaultError },
  );
  t.is(error.problem, 'precondition');
  // One that is under way: once its version was compared it goes on, whoever changes the account.
  const changed = await newCase(t);
  const undo = simulator.fault({ service: 'iam', action: 'CreateAccessKey', kind: 'reset', times: 1 });
  await rotate(t, changed.row.id);
  undo();
  let times = 0;
  await rotateSeen(changed, async (when) => {
    if (when === 'after' && times++ === 0)
      await store.db
        .updateTable('csp_accounts')
        .set((eb) => ({ description: 'changed', row_version: eb('row_version', '+', 1) }))
        .where('id', '=', changed.row.id)
        .execute();
  });
  await checkRotated(t, changed);
});

test.serial('two at once rotate once', async (t) => {
  const one = await newCase(t);
  const [first, second] = await Promise.allSettled([rotate(t, one.row.id), rotate(t, one.row.id)]);
  t.deepEqual([first?.status, second?.status].toSorted(), ['fulfilled', 'rejected']);
  await checkRotated(t, one);
});

test.serial(
  'an access key that two CSP accounts sign in with is not rotated: the other would lose it',
  async (t) => {
    const { vaultContext, act, vault, group } = t.context;
    const { user, row } = await newCase(t);
    await createCspAccount(vaultContext, act(), vault.id, 'all', {
      ...{ name: fresh('account'), adminGroupId: group, type: 'access-key' },
      ...{ accessKeyId: user.accessKeyId, secretAccessKey: user.secretAccessKey },
    });
    await t.throwsAsync(rotate(t, row.id), {
      message: 'another CSP account signs in with the same access key',
    });
  },
);

test.serial('an access key that is being rotated is given to no other CSP account', async (t) => {
  const { vaultContext, act, vault, group } = t.context;
  const [one, another] = [await newCase(t), await newCase(t)];
  const undo = t.context.simulator.fault({ service: 'kms', action: 'ListAliases', kind: '500', after: 1 });
  t.is((await rotate(t, one.row.id)).access_key_rotation, 'VERIFYING');
  undo();
  const { accessKeyId, secretAccessKey } = one.user;
  const refused = {
    instanceOf: VaultError,
    message:
      'another CSP account signs in with this access key, and is rotating it: it will be deleted in IAM',
  };
  await t.throwsAsync(
    createCspAccount(vaultContext, act(), vault.id, 'all', {
      ...{ name: fresh('account'), adminGroupId: group, type: 'access-key', accessKeyId, secretAccessKey },
    }),
    refused,
  );
  await t.throwsAsync(
    updateCspAccount(
      vaultContext,
      act(),
      { vaultId: vault.id, sight: 'all', id: another.row.id },
      { accessKeyId, secretAccessKey },
    ),
    refused,
  );
  await rotate(t, one.row.id);
  await checkRotated(t, one);
});

test.serial(
  'an old access key is not deleted in IAM while another CSP account signs in with it',
  async (t) => {
    const [one, another] = [await newCase(t), await newCase(t)];
    const undo = t.context.simulator.fault({
      ...{ service: 'iam', action: 'DeleteAccessKey', kind: 'error' },
      error: { code: 'ServiceFailure', status: 500 },
    });
    t.is((await rotate(t, one.row.id)).access_key_rotation, 'SWITCHED');
    undo();
    const entered = async (from: string, to: string) =>
      t.context.store.db
        .updateTable('csp_access_keys')
        .set({ access_key_id: to })
        .where('csp_account_id', '=', another.row.id)
        .where('access_key_id', '=', from)
        .execute();
    // As by two acts in the same moment, of which neither saw the other.
    await entered(another.user.accessKeyId, one.user.accessKeyId);
    const kept = await rotate(t, one.row.id);
    t.is(kept.access_key_rotation, 'SWITCHED');
    t.regex(kept.access_key_rotation_problem ?? '', /another CSP account signs in with the access key/);
    t.true((await t.context.account.accessKeyIds(one.user.name)).includes(one.user.accessKeyId));
    await entered(one.user.accessKeyId, another.user.accessKeyId);
    await rotate(t, one.row.id);
    await checkRotated(t, one);
  },
);

test.serial(
  'another access key entered while one is rotated ends the rotation and names what is left in IAM',
  async (t) => {
    const { vaultContext, act, vault, account } = t.context;
    const one = await newCase(t);
    const undo = t.context.simulator.fault({ service: 'kms', action: 'ListAliases', kind: '500', after: 1 });
    await rotate(t, one.row.id);
    undo();
    const next = (await sealedKeys(t, one.row.id)).find(({ state }) => state === 'NEXT')?.access_key_id ?? '';
    const other = await account.user();
    const edited = await updateCspAccount(
      vaultContext,
      act(),
      { vaultId: vault.id, sight: 'all', id: one.row.id },
      {
        accessKeyId: other.accessKeyId,
        secretAccessKey: other.secretAccessKey,
      },
    );
    t.is(edited.access_key_rotation, null);
    t.true(edited.access_key_rotation_problem?.includes(next));
    t.deepEqual(await sealedKeys(t, one.row.id), [
      { access_key_id: other.accessKeyId, state: 'CURRENT', origin: 'operator' },
    ]);
    await callAws('ListAccessKeys', async () => account.accessKeyIds(one.user.name));
  },
);
