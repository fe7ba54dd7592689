import { setTimeout as pause } from 'node:timers/promises';
import anyTest, { type ExecutionContext, type TestFn } from 'ava';
import type { FaultRule } from '../../simulator/simulator.ts';
import type { Store } from '../../src/store/store.ts';
import type { AwsContext } from '../../src/cloud/controller/context.ts';
import { updateExternalKeyStore } from '../../src/cloud/key-stores/edits.ts';
import { getCredential, withdrawCredential } from '../../src/keys/credentials/credentials.ts';
import type { ExternalKeyStore } from '../../src/cloud/key-stores/records.ts';
import { refreshExternalKeyStore, keyStoreLooks } from '../../src/cloud/key-stores/watch.ts';
import { runDue } from '../../src/cloud/controller/scheduled.ts';
import {
  connectExternalKeyStore,
  createExternalKeyStore,
  deleteExternalKeyStore,
  disconnectExternalKeyStore,
  rotateStoreCredential,
} from '../../src/cloud/key-stores/key-stores.ts';
import type { KeySet } from '../../src/keys/key-sets/key-sets.ts';
import { clientsOf } from '../../testing/aws-vault.ts';
import { fresh } from '../../testing/vault.ts';
import {
  anHourOfWatching,
  endpoint,
  inAws,
  liveCredentials,
  newConnected,
  newKeySetInAws,
  openStage,
  region,
  secondHostName,
  storeOf,
  type KeySetInAws,
  type Stage,
} from '../../testing/external-key-store-stage.ts';

const test = anyTest as TestFn<Stage>;

test.before(async (t) => {
  t.context = await openStage({ kind: 'which of the requests fails is what is tested' });
});
test.after.always(async (t) => t.context.dispose());
// What one test has made is not watched in the next.
test.beforeEach(async (t) => forgetStores(t.context));

/** An act on an external key store, from what it begins with to what must be at its end, whatever happened between. */
interface Play {
  /** Operation of AWS KMS that it is about. */
  operation: string;
  /** How many calls of it go well before. */
  after?: number;
  begin: (stage: Stage) => Promise<KeySetInAws & { store?: ExternalKeyStore }>;
  run: (
    stage: Stage,
    vaultContext: AwsContext,
    made: KeySetInAws & { store?: ExternalKeyStore },
  ) => Promise<unknown>;
  /** Of the record at the end; undefined for none. */
  end: Partial<ExternalKeyStore> | undefined;
}

const on = ({ keySet, store }: KeySetInAws & { store?: ExternalKeyStore }) => ({
  keySet,
  id: store?.id ?? '',
});

const plays: Record<string, Play> = {
  create: {
    operation: 'CreateCustomKeyStore',
    begin: async (stage) => newKeySetInAws(stage),
    run: async ({ act }, vaultContext, { keySet }) => make(vaultContext, act, keySet),
    end: { state: 'DISCONNECTED' },
  },
  connect: {
    operation: 'ConnectCustomKeyStore',
    begin: async (stage) => {
      const made = await newKeySetInAws(stage);
      return { ...made, store: await make(stage.vaultContext, stage.act, made.keySet) };
    },
    run: async ({ act }, vaultContext, made) => connectExternalKeyStore(vaultContext, act(), on(made)),
    end: { state: 'CONNECTED' },
  },
  disconnect: {
    operation: 'DisconnectCustomKeyStore',
    begin: newConnected,
    run: async ({ act }, vaultContext, made) => disconnectExternalKeyStore(vaultContext, act(), on(made)),
    end: { state: 'DISCONNECTED' },
  },
  rename: {
    operation: 'UpdateCustomKeyStore',
    begin: newConnected,
    run: async ({ act }, vaultContext, made) =>
      updateExternalKeyStore(vaultContext, act(), on(made), { name: `new of ${made.keySet.name}` }),
    end: { state: 'CONNECTED' },
  },
  rotate: {
    operation: 'UpdateCustomKeyStore',
    begin: newConnected,
    run: async ({ act }, vaultContext, made) => rotateStoreCredential(vaultContext, act(), on(made), 60),
    end: { state: 'CONNECTED' },
  },
  delete: {
    operation: 'DeleteCustomKeyStore',
    // While it is connected it is only asked for whether there are KMS keys.
    after: 1,
    begin: newConnected,
    run: async ({ act }, vaultContext, made) =>
      deleteExternalKeyStore(vaultContext, act(), on(made), { disconnect: true }),
    end: undefined,
  },
};

async function make(vaultContext: AwsContext, act: Stage['act'], keySet: KeySet) {
  return createExternalKeyStore(vaultContext, act(), keySet, {
    region,
    connectivity: 'PUBLIC_ENDPOINT',
    uriEndpoint: endpoint,
  });
}

async function forgetStores({ vaultContext }: Stage): Promise<void> {
  await vaultContext.store.db.deleteFrom('external_key_stores').execute();
}

/** One store in AWS or none, as the record has it; with one live credential that AWS has, and nothing pending. */
async function assertExactlyOnce(
  t: ExecutionContext<Stage>,
  play: Play,
  made: KeySetInAws & { store?: ExternalKeyStore },
): Promise<void> {
  const row = await storeOf(t.context, made.keySet);
  const there = await inAws(t.context, made);
  const live = await liveCredentials(t.context, made.keySet);
  if (play.end === undefined) {
    t.deepEqual([row, there, live], [undefined, [], []]);
    return;
  }
  t.like(row, { ...play.end, wanted: null, pending_access_key_id: '' });
  t.deepEqual(
    there.map(({ id, accessKeyId, state, name }) => ({ id, accessKeyId, state, name })),
    [{ id: row?.custom_key_store_id, accessKeyId: row?.access_key_id, state: row?.state, name: row?.name }],
  );
  t.true(live.includes(row?.access_key_id ?? ''));
}

/** Those that are live besides the one that AWS has must be on their hint: superseded, to retire once quiet. */
async function orphans(
  { vaultContext }: Stage,
  { keySet }: KeySetInAws,
  accessKeyId: string,
): Promise<number> {
  const live = await vaultContext.store.db
    .selectFrom('xks_credentials')
    .select(['access_key_id', 'successor', 'retire_after_minutes'])
    .where('key_set_id', '=', keySet.id)
    .where('withdrawn_at', 'is', null)
    .execute();
  return live.filter((one) => one.access_key_id !== accessKeyId && one.successor === null).length;
}

const kinds: FaultRule['kind'][] = ['reset', '500', 'throttle', 'denied', 'answer-lost'];

for (const [name, play] of Object.entries(plays))
  for (const kind of kinds)
    test.serial(`${name}: after ${kind} the watch or a repetition completes it, exactly once`, async (t) => {
      const { vaultContext, simulator } = t.context;
      const made = await play.begin(t.context);
      simulator.fault({
        service: 'kms',
        action: play.operation,
        kind,
        times: 1,
        after: play.after ?? 0,
        accessKeyId: made.account.accessKeyId,
      });
      await play.run(t.context, vaultContext, made).catch(() => undefined);
      await anHourOfWatching(t.context);
      const row = await storeOf(t.context, made.keySet);
      // What was refused for certain is wanted no more: it is for a person to ask again.
      if (row?.state !== play.end?.state || kind === 'denied') {
        await play.run(t.context, vaultContext, made);
        await anHourOfWatching(t.context);
      }
      await assertExactlyOnce(t, play, made);
      const after = await storeOf(t.context, made.keySet);
      if (after !== undefined) t.is(await orphans(t.context, made, after.access_key_id), 0);
      if (name === 'rotate') t.not(after?.access_key_id, made.store?.access_key_id);
      if (name === 'rename') t.is(after?.name, `new of ${made.keySet.name}`);
    });

/** A context whose process is killed at the n-th write of the store: before it, or just after. */
function killedAt(
  vaultContext: AwsContext,
  n: number,
  when: 'before' | 'after',
): { vaultContext: AwsContext; wasKilled: () => boolean } {
  let writes = 0;
  let dead = false;
  const dying = new Error('killed');
  const mortal =
    <A extends unknown[], T>(write: (...run: A) => Promise<T>) =>
    async (...run: A): Promise<T> => {
      if (dead) throw dying;
      writes++;
      if (writes < n) return write(...run);
      dead = true;
      if (when === 'after') await write(...run);
      throw dying;
    };
  const { store } = vaultContext;
  const mortalStore = {
    ...{
      db: store.db,
      moment: () => store.moment(),
      revision: () => store.revision(),
      close: async () => store.close(),
    },
    change: mortal(store.change.bind(store)),
    write: mortal(store.write.bind(store)),
    bookkeep: mortal(store.bookkeep.bind(store)),
  } as unknown as Store;
  return { vaultContext: { ...vaultContext, store: mortalStore }, wasKilled: () => dead };
}

for (const [name, play] of Object.entries(plays))
  for (const when of ['before', 'after'] as const)
    test.serial(
      `${name}: killed ${when} each of its writes in turn, it is completed exactly once`,
      async (t) => {
        for (let n = 1; ; n++) {
          await forgetStores(t.context);
          const made = await play.begin(t.context);
          const killed = killedAt(t.context.restarted(), n, when);
          await play.run(t.context, killed.vaultContext, made).catch(() => undefined);
          if (!killed.wasKilled()) {
            t.true(n > 3, `it has ${n} writes`);
            return;
          }
          const vaultContext = t.context.restarted();
          await anHourOfWatching(t.context, vaultContext);
          const row = await storeOf(t.context, made.keySet);
          const isDone = row === undefined ? play.end === undefined : row.state === play.end?.state;
          const isMoved = name !== 'rotate' || row?.access_key_id !== made.store?.access_key_id;
          const isNamed = name !== 'rename' || row?.name !== made.store?.name;
          if (!isDone || !isMoved || !isNamed) {
            await play.run(t.context, vaultContext, made);
            await anHourOfWatching(t.context, vaultContext);
          }
          await assertExactlyOnce(t, play, made);
          const after = await storeOf(t.context, made.keySet);
          if (after !== undefined) t.is(await orphans(t.context, made, after.access_key_id), 0, `write ${n}`);
          if (name === 'rotate') t.not(after?.access_key_id, made.store?.access_key_id);
        }
      },
    );

/** Asked for together with its disconnecting, and refused by AWS once that is done. */
const refusals: Record<string, Pick<Play, 'operation' | 'after' | 'run'> & { code: string }> = {
  'a deletion': {
    operation: 'DeleteCustomKeyStore',
    code: 'CustomKeyStoreHasCMKsException',
    after: 1,
    run: async ({ act }, vaultContext, made) =>
      deleteExternalKeyStore(vaultContext, act(), on(made), { disconnect: true }),
  },
  'another endpoint': {
    operation: 'UpdateCustomKeyStore',
    code: 'XksProxyUriUnreachableException',
    run: async ({ act }, vaultContext, made) =>
      updateExternalKeyStore(vaultContext, act(), on(made), {
        uriEndpoint: `https://${secondHostName}`,
        disconnect: true,
      }),
  },
};

for (const [name, { operation, code, after = 0, run }] of Object.entries(refusals))
  test.serial(
    `${name} that AWS refuses leaves nobody disconnected, killed before whichever of its writes`,
    async (t) => {
      const { simulator } = t.context;
      for (let n = 1; ; n++) {
        await forgetStores(t.context);
        const made = await newConnected(t.context);
        const lift = simulator.fault({
          ...{ service: 'kms', action: operation, kind: 'error', error: { code, status: 400 }, after },
          accessKeyId: made.account.accessKeyId,
        });
        const killed = killedAt(t.context.restarted(), n, 'before');
        await run(t.context, killed.vaultContext, made).catch(() => undefined);
        // As long as nobody is killed the schedule's writes are part of it.
        await watchOnce(t.context, made, killed.vaultContext).catch(() => undefined);
        await anHourOfWatching(t.context, t.context.restarted());
        lift();
        const label = `killed before write ${n}`;
        const [there] = await inAws(t.context, made);
        t.like(there, { state: 'CONNECTED', uriEndpoint: endpoint }, label);
        t.like(await storeOf(t.context, made.keySet), { state: 'CONNECTED', wanted: null }, label);
        if (killed.wasKilled()) continue;
        t.true(n > 6, `it has ${n - 1} writes`);
        return;
      }
    },
  );

test.serial('a deletion that we may not ask for disconnects nobody', async (t) => {
  const { vaultContext, act, simulator } = t.context;
  const made = await newConnected(t.context);
  const lift = simulator.fault({ service: 'kms', action: 'DeleteCustomKeyStore', kind: 'denied' });
  t.teardown(lift);
  const input = { disconnect: true };
  await t.throwsAsync(deleteExternalKeyStore(vaultContext, act(), on(made), input), {
    message: /DeleteCustomKeyStore \(AccessDeniedException\)/,
  });
  t.like(await storeOf(t.context, made.keySet), { state: 'CONNECTED', wanted: null });
  t.is(simulator.kms.state(made.store.custom_key_store_id), 'CONNECTED');
});

test.serial(
  'who repeats a deletion that AWS refuses then has the key store connected again too',
  async (t) => {
    const { vaultContext, act, simulator } = t.context;
    const made = await newConnected(t.context);
    await deleteExternalKeyStore(vaultContext, act(), on(made), { disconnect: true });
    const again = await deleteExternalKeyStore(vaultContext, act(), on(made), {});
    t.like(again, { state: 'DISCONNECTING', wanted: 'DELETE' });
    await simulator.kms.settled(made.store.custom_key_store_id, { now: true });
    simulator.fault({
      ...{ service: 'kms', action: 'DeleteCustomKeyStore', kind: 'error', times: 1 },
      error: { code: 'CustomKeyStoreHasCMKsException', status: 400 },
    });
    await t.throwsAsync(deleteExternalKeyStore(vaultContext, act(), on(made), {}), {
      message: /still contains KMS keys/,
    });
    await anHourOfWatching(t.context);
    const kept = await storeOf(t.context, made.keySet);
    t.like(kept, { state: 'CONNECTED', wanted: null });
    t.regex(kept?.problem ?? '', /still contains KMS keys/, 'why it was not deleted stays told');
  },
);

test.serial(
  'that it be disconnected, or deleted, stays wanted when somebody else wants it changed; so does that it be connected',
  async (t) => {
    const { vaultContext, act, simulator } = t.context;
    const made = await newConnected(t.context);
    const rename = async () =>
      updateExternalKeyStore(vaultContext, act(), on(made), { name: fresh('renamed') });
    const strike = (action: string) => simulator.fault({ service: 'kms', action, kind: 'reset', times: 1 });
    strike('DisconnectCustomKeyStore');
    await t.throwsAsync(disconnectExternalKeyStore(vaultContext, act(), on(made)), {
      message: /cannot be reached/,
    });
    await t.throwsAsync(rename(), { message: /still being asked to disconnect/ });
    await t.throwsAsync(rotateStoreCredential(vaultContext, act(), on(made), 60), {
      message: /still being asked to disconnect/,
    });
    t.like(await storeOf(t.context, made.keySet), { wanted: 'DISCONNECT', pending_access_key_id: '' });
    await anHourOfWatching(t.context);
    t.like(await storeOf(t.context, made.keySet), { state: 'DISCONNECTED', wanted: null });

    strike('ConnectCustomKeyStore');
    await t.throwsAsync(connectExternalKeyStore(vaultContext, act(), on(made)), {
      message: /cannot be reached/,
    });
    const { name } = await rename();
    await anHourOfWatching(t.context);
    t.like(await storeOf(t.context, made.keySet), { state: 'CONNECTED', wanted: null, name });

    await deleteExternalKeyStore(vaultContext, act(), on(made), { disconnect: true });
    await t.throwsAsync(rename(), { message: /still being asked to delete/ });
    await anHourOfWatching(t.context);
    t.is(await storeOf(t.context, made.keySet), undefined);
  },
);

test.serial(
  'that it be connected stays wanted, though AWS refuses a change while it is disconnecting',
  async (t) => {
    const { vaultContext, act, simulator } = t.context;
    const made = await newConnected(t.context);
    await disconnectExternalKeyStore(vaultContext, act(), on(made));
    const asked = await connectExternalKeyStore(vaultContext, act(), on(made));
    t.like(asked, { state: 'DISCONNECTING', wanted: 'CONNECT' });
    simulator.fault({
      ...{ service: 'kms', action: 'UpdateCustomKeyStore', kind: 'error', times: 1 },
      error: { code: 'CustomKeyStoreNameInUseException', status: 400 },
    });
    const renamed = updateExternalKeyStore(vaultContext, act(), on(made), { name: fresh('taken') });
    await t.throwsAsync(renamed, { message: /has this name/ });
    await anHourOfWatching(t.context);
    const kept = await storeOf(t.context, made.keySet);
    t.like(kept, { state: 'CONNECTED', wanted: null, name: made.store?.name });
    t.regex(kept?.problem ?? '', /has this name/, 'why it was not changed stays told');
  },
);

for (const [name, disconnect] of [
  ['while it is connected', false],
  ['once it is disconnected', true],
] as const)
  test.serial(
    `who had it disconnected finds it so, though AWS refuses a later deletion ${name}`,
    async (t) => {
      const { vaultContext, act, simulator } = t.context;
      await forgetStores(t.context);
      const made = await newConnected(t.context);
      simulator.fault({ service: 'kms', action: 'DisconnectCustomKeyStore', kind: 'reset', times: 1 });
      await t.throwsAsync(disconnectExternalKeyStore(vaultContext, act(), on(made)), {
        message: /cannot be reached/,
      });
      const lift = simulator.fault({
        ...{
          service: 'kms',
          action: 'DeleteCustomKeyStore',
          kind: 'error',
          accessKeyId: made.account.accessKeyId,
        },
        ...(disconnect ? { after: 1 } : {}),
        error: { code: 'CustomKeyStoreHasCMKsException', status: 400 },
      });
      await deleteExternalKeyStore(vaultContext, act(), on(made), { disconnect }).catch(() => undefined);
      await anHourOfWatching(t.context);
      lift();
      t.like(await storeOf(t.context, made.keySet), { state: 'DISCONNECTED', wanted: null });
      t.is(simulator.kms.state(made.store.custom_key_store_id), 'DISCONNECTED');
    },
  );

/** AWS is done with what it was asked for, and the watch looks. */
async function watchOnce(
  { simulator, clock }: Stage,
  { store }: { store: ExternalKeyStore },
  vaultContext: AwsContext,
) {
  await simulator.kms.settled(store.custom_key_store_id, { now: true });
  clock.ahead += 6 * 60_000;
  await runDue(keyStoreLooks, vaultContext);
}

test.serial('a creation that the SDK sent twice since its answer was lost is found and kept', async (t) => {
  const { vaultContext, act, simulator } = t.context;
  const made = await newKeySetInAws(t.context);
  const aws = clientsOf(simulator, { maxAttempts: 3 });
  t.teardown(() => aws.close());
  simulator.fault({ service: 'kms', action: 'CreateCustomKeyStore', kind: 'answer-lost', times: 1 });
  const store = await make({ ...vaultContext, aws }, act, made.keySet);
  t.like(store, { state: 'DISCONNECTED', wanted: null, pending_access_key_id: '' });
  t.is((await inAws(t.context, made)).length, 1);
  t.deepEqual(await liveCredentials(t.context, made.keySet), [store.access_key_id]);
});

test.serial(
  'one that AWS makes after its credential was withdrawn is found, and given another credential',
  async (t) => {
    const { vaultContext, act, simulator } = t.context;
    const made = await newKeySetInAws(t.context);
    const { keySet } = made;
    simulator.fault({ service: 'kms', action: 'CreateCustomKeyStore', kind: 'answer-lost', times: 1 });
    simulator.fault({ service: 'kms', action: 'DescribeCustomKeyStores', kind: '500', after: 1, times: 1 });
    await t.throwsAsync(make(vaultContext, act, keySet), { message: /CreateCustomKeyStore/ });
    const row = await storeOf(t.context, keySet);
    t.like(row, { wanted: 'CREATE', state: 'CREATING' });
    // As a repetition does that AWS did not show the key store yet.
    await vaultContext.store.db
      .updateTable('xks_credentials')
      .set({ withdrawn_at: new Date().toISOString(), withdrawn_why: 'WITHDRAWN' })
      .where('access_key_id', '=', row?.pending_access_key_id ?? '')
      .execute();
    // Found, and then killed: that AWS has a credential of no use is written down with it.
    await t.throwsAsync(make(killedAt(vaultContext, 3, 'after').vaultContext, act, keySet), {
      message: 'killed',
    });
    t.like(await storeOf(t.context, keySet), { wanted: 'UPDATE', state: 'DISCONNECTED' });
    await anHourOfWatching(t.context);
    const found = await storeOf(t.context, keySet);
    if (found === undefined) throw new Error('it is gone');
    t.like(found, { wanted: null, pending_access_key_id: '' });
    t.is((await inAws(t.context, made)).length, 1);
    t.deepEqual(await liveCredentials(t.context, keySet), [found.access_key_id]);
    t.not(found.access_key_id, row?.pending_access_key_id);
  },
);

test.serial('two who ask at once do not both act: the second is told', async (t) => {
  const { vaultContext, act, simulator } = t.context;
  const made = await newConnected(t.context);
  const undo = simulator.fault({
    service: 'kms',
    action: 'UpdateCustomKeyStore',
    kind: 'slow',
    delayMs: 300,
  });
  t.teardown(undo);
  const first = rotateStoreCredential(vaultContext, act(), on(made), 60);
  await pause(50);
  await t.throwsAsync(rotateStoreCredential(vaultContext, act(), on(made), 60), { message: /another act/ });
  t.is((await first).pending_access_key_id, '');
});

test.serial(
  'a connection that failed before its lost answer is looked for is told, and not begun again',
  async (t) => {
    const { vaultContext, act, simulator } = t.context;
    const made = await newKeySetInAws(t.context);
    const { keySet, account } = made;
    const { id, access_key_id, custom_key_store_id } = await make(vaultContext, act, keySet);
    await withdrawCredential(vaultContext, act(), keySet, { accessKeyId: access_key_id });
    simulator.fault({ service: 'kms', action: 'ConnectCustomKeyStore', kind: 'answer-lost', times: 1 });
    await t.throwsAsync(connectExternalKeyStore(vaultContext, act(), { keySet, id }));
    await simulator.kms.settled(custom_key_store_id, { now: true });
    await anHourOfWatching(t.context);
    t.like(await storeOf(t.context, keySet), {
      state: 'FAILED',
      connection_error: 'INVALID_CREDENTIALS',
      wanted: null,
    });
    const asked = simulator.trail
      .events()
      .filter(
        ({ eventName, userIdentity }) =>
          eventName === 'ConnectCustomKeyStore' && userIdentity.accountId === account.id,
      );
    t.is(asked.length, 1);
  },
);

test.serial(
  'a credential of which AWS may have been told lives on until that is settled; then it is withdrawn and another given',
  async (t) => {
    const { vaultContext, act, simulator, clock } = t.context;
    const made = await newConnected(t.context);
    const { keySet } = made;
    simulator.fault({ service: 'kms', action: 'UpdateCustomKeyStore', kind: 'reset', times: 1 });
    await t.throwsAsync(rotateStoreCredential(vaultContext, act(), on(made), 60), {
      message: /UpdateCustomKeyStore/,
    });
    const pending = (await storeOf(t.context, keySet))?.pending_access_key_id ?? '';
    for (const minutes of [1, 3]) {
      clock.ahead += minutes * 60_000;
      await refreshExternalKeyStore(vaultContext, act(), on(made));
      t.like(await storeOf(t.context, keySet), { wanted: 'UPDATE', pending_access_key_id: pending });
      t.deepEqual(
        (await liveCredentials(t.context, keySet)).toSorted(),
        [made.store?.access_key_id, pending].toSorted() as never,
      );
    }
    clock.ahead += 2 * 60_000;
    const after = await refreshExternalKeyStore(vaultContext, act(), on(made));
    t.like(after, { wanted: null, pending_access_key_id: '' });
    t.deepEqual(
      (await liveCredentials(t.context, keySet)).toSorted(),
      [made.store?.access_key_id ?? '', after?.access_key_id ?? ''].toSorted(),
    );
    t.not(after?.access_key_id, pending);
  },
);

test.serial(
  'a person who repeats a rotation need not wait: what AWS may have had retires once it is quiet',
  async (t) => {
    const { vaultContext, act, simulator } = t.context;
    const made = await newConnected(t.context);
    const { keySet } = made;
    simulator.fault({ service: 'kms', action: 'UpdateCustomKeyStore', kind: 'reset', times: 1 });
    await t.throwsAsync(rotateStoreCredential(vaultContext, act(), on(made), 60));
    const pending = (await storeOf(t.context, keySet))?.pending_access_key_id ?? '';
    const after = await rotateStoreCredential(vaultContext, act(), on(made), 60);
    t.like(after, { wanted: null, pending_access_key_id: '' });
    t.like(await getCredential(vaultContext, keySet, pending), {
      successor: after.access_key_id,
      retire_after_minutes: 60,
      withdrawn_at: null,
    });
  },
);
