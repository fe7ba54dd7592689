import anyTest, { type TestFn } from 'ava';
import { createCloudKey } from '../../src/keys/cloud-keys.ts';
import { issueCredential } from '../../src/keys/credentials/credentials.ts';
import { Directory } from '../../src/serving/directory.ts';
import { createKeySet, type KeySet } from '../../src/keys/key-sets/key-sets.ts';
import { TokenPools } from '../../src/vault/tokens.ts';
import { TokenError } from '../../src/token/faults.ts';
import { monotonicNow } from '../../src/clock.ts';
import { insertVault, openVault, type TestVault } from '../../testing/vault.ts';
import { byHand } from '../../testing/by-hand.ts';

/* What an XKS worker finds at which moment. The rows are set as the acts and the schedule leave them. */

interface Context extends TestVault {
  keySet: KeySet;
  /** Opens the key set for ever. */
  accessKeyId: string;
  directory: Directory;
  /** The clock of the directory, milliseconds since the epoch. */
  at: { now: number };
}

const test = anyTest as TestFn<Context>;
const noon = Date.parse('2031-05-05T12:00:00.000Z');
let count = 0;

test.before(async (t) => {
  const vault = await openVault();
  const at = { now: noon };
  const keySet = await createKeySet(vault.vaultContext, vault.act(), vault.vault.id, 'all', {
    name: 'first',
    token: 'token',
    pathPrefix: 'first',
  });
  const directory = new Directory(vault.store, vault.tokens, () => at.now);
  const { accessKeyId } = await issueCredential(vault.vaultContext, vault.act(), keySet);
  t.context = { ...vault, keySet, accessKeyId, directory, at };
});
test.beforeEach((t) => {
  t.context.at.now = noon;
});
test.after.always(async (t) => t.context.dispose());

async function makeKey({
  vaultContext,
  act,
  vault,
  keySet,
}: Context): Promise<{ id: string; externalKeyId: string }> {
  const key = await createCloudKey(vaultContext, act(), vault.id, 'all', {
    keySetId: keySet.id,
    name: `key-${++count}`,
    usage: { encrypt: true, decrypt: true },
  });
  return { id: key.id, externalKeyId: key.external_key_id };
}

/** The state that a request finds: undefined for no key. */
async function found({ directory, keySet, accessKeyId }: Context, externalKeyId: string) {
  await directory.refresh();
  const served = (await directory.credential(accessKeyId))?.keySet;
  const key = await directory.cloudKey(keySet, externalKeyId);
  return key === undefined || served === undefined ? undefined : directory.stateOf(served, key);
}

test.serial('keys in use, and those that change, are told of once they are looked up ahead', async (t) => {
  const { store, tokens } = t.context;
  const [used, unused, late] = [await makeKey(t.context), await makeKey(t.context), await makeKey(t.context)];
  const days = (n: number) => new Date(noon - n * 86_400_000).toISOString();
  for (const [id, kind, at] of [
    [used.id, 'encrypt', days(29)],
    [unused.id, 'encrypt', days(31)],
    [late.id, 'decrypt', days(0)],
  ] as const)
    await store.bookkeep('by hand', async (trx) =>
      trx.insertInto('uses').values({ kind, id, count: 1, last_at: at, last_address: '' }).execute(),
    );
  const directory = new Directory(store, tokens, () => noon);
  const warmed: string[][] = [];
  directory.onWarm = (keys) => warmed.push(keys.map(({ id }) => id));
  await directory.refresh();
  // It is known already, and told of all the same.
  await directory.cloudKey(t.context.keySet, used.externalKeyId);
  await directory.keepWarm();
  t.deepEqual(warmed.splice(0), [[used.id]]);
  const told = Promise.withResolvers<void>();
  directory.onWarm = (keys) => {
    warmed.push(keys.map(({ id }) => id));
    told.resolve();
  };
  const made = await makeKey(t.context);
  await directory.refresh();
  await told.promise;
  t.deepEqual(warmed, [[made.id]]);
});

test.serial('thousands of key sets and credentials are looked up ahead, many at once', async (t) => {
  const { store, tokens, keySet, accessKeyId } = t.context;
  const count = 1_250;
  const numbers = Array.from({ length: count }, (_, n) => String(n).padStart(5, '0'));
  await store.change(byHand, async (trx) => {
    const set = await trx
      .selectFrom('key_sets')
      .selectAll()
      .where('id', '=', keySet.id)
      .executeTakeFirstOrThrow();
    const credential = await trx
      .selectFrom('xks_credentials')
      .selectAll()
      .where('access_key_id', '=', accessKeyId)
      .executeTakeFirstOrThrow();
    for (const n of numbers) {
      const id = `many-${n}`;
      await trx
        .insertInto('key_sets')
        .values({ ...set, id, name: id, path_prefix: id })
        .execute();
      await trx
        .insertInto('xks_credentials')
        .values({ ...credential, access_key_id: `MANY${n}`, key_set_id: id })
        .execute();
    }
  });
  let reads = 0;
  let away = false;
  const db: typeof store.db = Object.create(store.db);
  Object.assign(db, {
    selectFrom: (table: 'key_sets') => {
      reads++;
      if (away) throw new Error('the database is away');
      return store.db.selectFrom(table);
    },
  });
  const reading = {
    db,
    moment: () => store.moment(),
    revision: () => store.revision(),
    changesSince: (since: Parameters<typeof store.changesSince>[0]) => store.changesSince(since),
    close: async () => Promise.resolve(),
  };
  const directory = new Directory(reading, tokens, () => noon);
  await directory.refresh();
  await directory.keepWarm();
  t.true(reads < 100, `${reads} reads`);
  away = true;
  for (const n of numbers) {
    t.true(await directory.hasPrefix(`many-${n}`));
    t.is((await directory.credential(`MANY${n}`))?.keySet.id, `many-${n}`);
  }
  t.true(await directory.hasPrefix('first'));
  await t.throwsAsync(
    directory.hasPrefix('never-there'),
    { message: /away/ },
    'what is not known is asked for',
  );
  await store.change(byHand, async (trx) => {
    await trx.deleteFrom('xks_credentials').where('access_key_id', 'like', 'MANY%').execute();
    await trx.deleteFrom('key_sets').where('id', 'like', 'many-%').execute();
  });
});

test.serial(
  'every state of a key is found as what it is; CREATING and DELETED are no key at all',
  async (t) => {
    const { store } = t.context;
    const { id, externalKeyId } = await makeKey(t.context);
    for (const [state, expected] of [
      ['AVAILABLE', 'AVAILABLE'],
      ['DISABLED', 'DISABLED'],
      ['EXPIRED', 'EXPIRED'],
      ['PENDING_DELETION', 'PENDING_DELETION'],
      ['DELETED', undefined],
      ['CREATING', undefined],
      ['AVAILABLE', 'AVAILABLE'],
    ] as const) {
      await store.change(byHand, async (trx) =>
        trx.updateTable('cloud_keys').set({ state }).where('id', '=', id).execute(),
      );
      t.is(await found(t.context, externalKeyId), expected, state);
    }
  },
);

test.serial(
  'a key expires at its moment by the clock of the request, with no change in the store',
  async (t) => {
    const { store, at } = t.context;
    const { id, externalKeyId } = await makeKey(t.context);
    const set = async (values: {
      state?: 'AVAILABLE' | 'DISABLED' | 'PENDING_DELETION';
      expires_at?: string;
    }) =>
      store.change(byHand, async (trx) =>
        trx.updateTable('cloud_keys').set(values).where('id', '=', id).execute(),
      );
    await set({ expires_at: '2031-05-05T12:00:01.000Z' });
    const revision = await store.revision();
    for (const [ms, expected] of [
      [0, 'AVAILABLE'],
      [999, 'AVAILABLE'],
      [1000, 'EXPIRED'],
      [86_400_000, 'EXPIRED'],
      // A clock that was set back: the schedule may have written EXPIRED meanwhile, but here it has not.
      [999, 'AVAILABLE'],
    ] as const) {
      at.now = noon + ms;
      t.is(await found(t.context, externalKeyId), expected, String(ms));
    }
    t.is(await store.revision(), revision);
    at.now = noon + 1000;
    await set({ state: 'DISABLED' });
    t.is(await found(t.context, externalKeyId), 'EXPIRED');
    await set({ state: 'PENDING_DELETION' });
    t.is(await found(t.context, externalKeyId), 'PENDING_DELETION');
    await set({ state: 'AVAILABLE', expires_at: 'not a time' });
    t.is(await found(t.context, externalKeyId), 'EXPIRED', 'what is no time opens nothing');
  },
);

test.serial('versions that are being made or destroyed are not there', async (t) => {
  const { store, directory, keySet } = t.context;
  const { id, externalKeyId } = await makeKey(t.context);
  for (const [state, expected] of [
    ['ACTIVE', 1],
    ['PENDING', 0],
    ['DESTROYING', 0],
    ['DESTROYED', 0],
  ] as const) {
    await store.change(byHand, async (trx) =>
      trx.updateTable('key_versions').set({ state }).where('cloud_key_id', '=', id).execute(),
    );
    await directory.refresh();
    t.is((await directory.cloudKey(keySet, externalKeyId))?.versions.size, expected, state);
  }
});

test.serial('a frozen key set is found before the state of its keys', async (t) => {
  const { store, keySet } = t.context;
  const { externalKeyId } = await makeKey(t.context);
  const freeze = async (frozen_at: string | null) =>
    store.change(byHand, async (trx) =>
      trx.updateTable('key_sets').set({ frozen_at }).where('id', '=', keySet.id).execute(),
    );
  await freeze(new Date().toISOString());
  t.is(await found(t.context, externalKeyId), 'FROZEN');
  await freeze(null);
  t.is(await found(t.context, externalKeyId), 'AVAILABLE');
});

test.serial(
  'a credential opens nothing once it has expired, by the clock of the request, or is withdrawn',
  async (t) => {
    const { store, directory, keySet, vaultContext, act, at } = t.context;
    const { accessKeyId } = await issueCredential(vaultContext, act(), keySet);
    const opens = async () => {
      await directory.refresh();
      return (await directory.credential(accessKeyId)) !== undefined;
    };
    const set = async (values: { expires_at?: string | null; withdrawn_at?: string }) =>
      store.change(byHand, async (trx) =>
        trx.updateTable('xks_credentials').set(values).where('access_key_id', '=', accessKeyId).execute(),
      );
    t.true(await opens());
    await set({ expires_at: '2031-05-05T12:00:01.000Z' });
    at.now = noon + 999;
    t.true(await opens());
    at.now = noon + 1000;
    t.false(await opens());
    await set({ expires_at: null });
    t.true(await opens());
    await set({ withdrawn_at: '2031-05-05T11:00:00.000Z' });
    t.false(await opens());
  },
);

test.serial(
  'credentials of a key set that is no external key store open nothing, and its path is unknown',
  async (t) => {
    const { store, directory, keySet, vaultContext, act } = t.context;
    const { accessKeyId } = await issueCredential(vaultContext, act(), keySet);
    const set = async (external_key_store: number) => {
      await store.change(byHand, async (trx) =>
        trx.updateTable('key_sets').set({ external_key_store }).where('id', '=', keySet.id).execute(),
      );
      await directory.refresh();
      return [await directory.hasPrefix('first'), (await directory.credential(accessKeyId))?.accessKeyId];
    };
    t.deepEqual(await set(0), [false, undefined]);
    t.deepEqual(await set(1), [true, accessKeyId]);
  },
);

test.serial('a key set is served with its quota and with the tokens that its vault may use', async (t) => {
  const { store, directory, keySet, vaultContext, act, vault } = t.context;
  const { accessKeyId } = await issueCredential(vaultContext, act(), keySet);
  const { id, externalKeyId } = await makeKey(t.context);
  await store.change(byHand, async (trx) => {
    const quota = { quota_rate: 50, quota_burst: 70 };
    await trx.updateTable('key_sets').set(quota).where('id', '=', keySet.id).execute();
    await trx.updateTable('cloud_keys').set({ quota_rate: 5 }).where('id', '=', id).execute();
    const tokens = JSON.stringify(['token', 'another']);
    await trx.updateTable('vaults').set({ tokens }).where('id', '=', vault.id).execute();
  });
  await directory.refresh();
  const served = (await directory.credential(accessKeyId))?.keySet;
  const revision = await store.revision();
  t.deepEqual(served?.quota, {
    bucket: `key-set:${keySet.id}`,
    vaultId: vault.id,
    rate: 50,
    burst: 70,
    revision,
  });
  t.deepEqual(served?.vaultTokens, ['token', 'another']);
  const key = await directory.cloudKey(keySet, externalKeyId);
  t.deepEqual(key?.quota, { bucket: `cloud-key:${id}`, vaultId: vault.id, rate: 5, burst: 5, revision });
});

/** What the secret of a credential comes to: `open`, or the fault. */
async function opens({ directory }: Context, accessKeyId: string): Promise<string> {
  await directory.refresh();
  const credential = await directory.credential(accessKeyId);
  if (credential === undefined) return 'no credential';
  try {
    await directory.secret(credential, monotonicNow() + 10_000);
    return 'open';
  } catch (error) {
    if (error instanceof TokenError) return error.fault;
    throw error;
  }
}

test.serial('a remembered secret opens nothing once its record names another key set or vault', async (t) => {
  const { store, vaultContext, act, vault, keySet } = t.context;
  const { accessKeyId } = await issueCredential(vaultContext, act(), keySet);
  const other = await createKeySet(vaultContext, act(), vault.id, 'all', {
    name: 'moved-to',
    token: 'token',
    pathPrefix: 'moved-to',
  });
  t.is(await opens(t.context, accessKeyId), 'open');
  const move = async (key_set_id: string) =>
    store.change(byHand, async (trx) =>
      trx
        .updateTable('xks_credentials')
        .set({ key_set_id })
        .where('access_key_id', '=', accessKeyId)
        .execute(),
    );
  await move(other.id);
  t.is(await opens(t.context, accessKeyId), 'seal-broken');
  await move(keySet.id);
  t.is(await opens(t.context, accessKeyId), 'open');
  const thief = await insertVault(store, 'thief');
  const give = async (vault_id: string) =>
    store.change(byHand, async (trx) =>
      trx.updateTable('key_sets').set({ vault_id }).where('id', '=', keySet.id).execute(),
    );
  await give(thief.id);
  t.is(await opens(t.context, accessKeyId), 'seal-broken');
  await give(vault.id);
  t.is(await opens(t.context, accessKeyId), 'open');
});

test.serial(
  'a credential that does not open is named, and all others are fetched ahead of use',
  async (t) => {
    const { store, vaultContext, act, vault, tokens } = t.context;
    const keySet = await createKeySet(vaultContext, act(), vault.id, 'all', {
      name: 'warm',
      token: 'token',
      pathPrefix: 'warm',
    });
    const ids: string[] = [];
    for (let n = 0; n < 3; n++) ids.push((await issueCredential(vaultContext, act(), keySet)).accessKeyId);
    const [broken] = ids.toSorted();
    await store.change(byHand, async (trx) =>
      trx
        .updateTable('xks_credentials')
        .set({ sealed_secret: Buffer.from('not a sealed secret') })
        .where('access_key_id', '=', broken ?? '')
        .execute(),
    );
    const asked: string[] = [];
    const pool = tokens.pool('token');
    const counted = new TokenPools([
      {
        name: 'token',
        members: ['token'],
        usable: true,
        health: 'ACTIVE',
        healthOf: () => 'ACTIVE',
        serialOf: () => undefined,
        hosts: [],
        call: async (request, options) => {
          asked.push(request.kind);
          return pool.call(request, options);
        },
      },
    ]);
    const directory = new Directory(store, counted);
    const failed = await directory.warmUp('token', monotonicNow() + 10_000);
    t.deepEqual(
      failed.map(({ accessKeyId, error }) => [accessKeyId, error.fault]),
      [[broken, 'seal-broken']],
    );
    const before = asked.length;
    for (const id of ids.filter((one) => one !== broken)) {
      const credential = await directory.credential(id);
      if (credential === undefined) return t.fail('a credential is gone');
      await directory.secret(credential, monotonicNow() + 10_000);
    }
    t.is(asked.length, before, 'nothing had to be asked for');
    return undefined;
  },
);
