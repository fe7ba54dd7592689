import anyTest, { type TestFn } from 'ava';
import fc from '../../testing/properties.ts';
import { Directory, type CloudKey } from '../../src/serving/directory.ts';
import { EncryptionCount, EncryptionLimitError } from '../../src/serving/encryption-count.ts';
import { leaseBlocks } from '../../src/keys/encryption-leases.ts';
import { blockSize, refuseAt, rotateAt } from '../../src/keys/encryption-limits.ts';
import { monotonicNow } from '../../src/clock.ts';
import { TokenError } from '../../src/token/faults.ts';
import { tokenWords } from '../../src/token/remediations.ts';
import { newKey as newCloudKey, newKeySet, openVault, type TestVault } from '../../testing/vault.ts';
import { leasesOf } from '../../testing/leases.ts';

const test = anyTest as TestFn<TestVault>;

test.before(async (t) => {
  t.context = await openVault();
});
test.after.always(async (t) => t.context.dispose());

async function newKey(context: TestVault): Promise<CloudKey> {
  const { store, tokens } = context;
  const keySet = await newKeySet(context);
  const { external_key_id } = await newCloudKey(context, keySet);
  const directory = new Directory(store, tokens);
  await directory.refresh();
  const key = await directory.cloudKey(keySet, external_key_id);
  if (key === undefined) throw new Error('the key was not made');
  return key;
}

async function leased({ store }: TestVault, key: CloudKey): Promise<number> {
  const row = await store.db
    .selectFrom('key_versions')
    .select('encryptions_leased')
    .where('cloud_key_id', '=', key.id)
    .where('version', '=', key.currentVersion)
    .executeTakeFirstOrThrow();
  return row.encryptions_leased;
}

async function setLeased({ store }: TestVault, key: CloudKey, encryptions_leased: number): Promise<void> {
  await store.db
    .updateTable('key_versions')
    .set({ encryptions_leased })
    .where('cloud_key_id', '=', key.id)
    .execute();
}

test('encryptions are leased before they are done, also by several workers at once', async (t) => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.integer({ min: 1, max: 40_000 }), { minLength: 1, maxLength: 4 }),
      async (shares) => {
        const key = await newKey(t.context);
        let done = 0;
        await Promise.all(
          shares.map(async (share) => {
            const counter = new EncryptionCount(leasesOf(t.context.store), () => undefined);
            for (let i = 0; i < share; i++) {
              await counter.take(key);
              done++;
              if (i % 4096 === 0) t.true((await leased(t.context, key)) >= done);
            }
          }),
        );
        t.true((await leased(t.context, key)) >= done);
      },
    ),
    { numRuns: 8 },
  );
});

test('a block that is had ahead lets a key encrypt while the store is away; what may not encrypt has none', async (t) => {
  const [key, disabled, decrypting] = [
    await newKey(t.context),
    await newKey(t.context),
    await newKey(t.context),
  ];
  const [made, ...others] = await Promise.all(
    [key, disabled, decrypting].map(async (one) => leased(t.context, one)),
  );
  const lease = leasesOf(t.context.store);
  let away = true;
  let tries = 0;
  const counter = new EncryptionCount(
    async (ask) => {
      tries++;
      return away ? Promise.reject(new Error('away')) : lease(ask);
    },
    () => undefined,
  );
  const ahead = counter.keepAhead([
    key,
    { ...disabled, state: 'DISABLED' },
    { ...decrypting, canEncrypt: false },
  ]);
  await t.throwsAsync(counter.take(key), { message: 'away' });
  away = false;
  await ahead;
  t.is(tries, 2, 'the first was one for both who waited, and it is tried again by itself');
  t.is(await leased(t.context, key), (made ?? 0) + blockSize);
  away = true;
  await counter.take(key);
  await counter.keepAhead([key]);
  t.is(await leased(t.context, key), (made ?? 0) + blockSize, 'who has a block gets no other');
  t.deepEqual([await leased(t.context, disabled), await leased(t.context, decrypting)], others);
});

test('the faster a key is used, the more it has ahead for when the store is away', async (t) => {
  const key = await newKey(t.context);
  // No test is fast enough for more than a week of it to be a few blocks.
  const counter = new EncryptionCount(leasesOf(t.context.store), () => undefined, 7 * 86_400_000);
  await counter.keepAhead([key]);
  for (let done = 0; done < blockSize / 4; done++) await counter.take(key);
  await counter.take(key);
  t.true((await leased(t.context, key)) >= 2 * blockSize, 'of the first block three quarters are left');
});

test('each ask gets a block of its own, and those of many keys leave room for others between them', async (t) => {
  const { store } = t.context;
  const [one, two, spent] = [await newKey(t.context), await newKey(t.context), await newKey(t.context)];
  await setLeased(t.context, spent, refuseAt - blockSize + 1);
  const before = await leased(t.context, one);
  const ask = ({ id, currentVersion }: CloudKey) => ({ cloudKeyId: id, version: currentVersion });
  const gone = Array.from({ length: 60 }, (_, i) => ({ cloudKeyId: `gone-${i}`, version: 1 }));
  let transactions = 0;
  const bookkeep: typeof store.bookkeep = async (why, run) => {
    transactions++;
    return store.bookkeep(why, run);
  };
  const asks = [...gone, ask(one), ask(spent), ask(one), { ...ask(two), version: 9 }];
  const got = await leaseBlocks({ bookkeep }, asks);
  t.deepEqual(
    got.slice(0, 60),
    gone.map(() => null),
  );
  t.deepEqual(got.slice(60), [before + blockSize, null, before + 2 * blockSize, null]);
  t.is(await leased(t.context, one), before + 2 * blockSize);
  t.is(transactions, 4, 'three of 25 at the most, and one for the version that was asked for again');
});

test('ahead of need no more is asked for at once than goes into one transaction', async (t) => {
  const key = await newKey(t.context);
  const keys = Array.from({ length: 60 }, (_, i) => ({ ...key, id: `k-${i}` }));
  let asked = 0;
  let atOnce = 0;
  const counter = new EncryptionCount(
    async () => {
      atOnce = Math.max(atOnce, ++asked);
      await new Promise(setImmediate);
      asked--;
      return blockSize;
    },
    () => undefined,
  );
  await counter.keepAhead(keys);
  t.is(atOnce, 25);
});

test('rotation is due when half of the limit is leased, and encryption goes on', async (t) => {
  const key = await newKey(t.context);
  await setLeased(t.context, key, rotateAt - 2 * blockSize);
  const due: string[] = [];
  const counter = new EncryptionCount(leasesOf(t.context.store), ({ id }) => due.push(id));
  await counter.take(key);
  t.deepEqual(due, [key.id]);
});

test('at the limit no further encryption is given out', async (t) => {
  const key = await newKey(t.context);
  await setLeased(t.context, key, refuseAt - blockSize);
  const counter = new EncryptionCount(leasesOf(t.context.store), () => undefined);
  for (let i = 0; i < blockSize; i++) await counter.take(key);
  await t.throwsAsync(counter.take(key), { instanceOf: EncryptionLimitError });
  t.false(counter.takeAnother(key));
  t.is(await leased(t.context, key), refuseAt);
  await t.throwsAsync(new EncryptionCount(leasesOf(t.context.store), () => undefined).take(key), {
    instanceOf: EncryptionLimitError,
  });
});

test('another attempt of a request counts as another encryption', async (t) => {
  const key = await newKey(t.context);
  await setLeased(t.context, key, refuseAt - blockSize);
  const counter = new EncryptionCount(leasesOf(t.context.store), () => undefined);
  await counter.take(key);
  for (let i = 1; i < blockSize; i++) t.true(counter.takeAnother(key));
  t.false(counter.takeAnother(key));
});

test('a block that cannot be had is not asked for with every request', async (t) => {
  const key = await newKey(t.context);
  let asked = 0;
  const counter = new EncryptionCount(
    async () => {
      if (asked++ > 0) throw new Error('the disk of the store is full');
      return blockSize;
    },
    () => undefined,
  );
  for (let i = 0; i < blockSize; i++) await counter.take(key);
  t.true(asked > 1 && asked < 500, `asked ${asked} times`);
  await t.throwsAsync(counter.take(key), { message: 'the disk of the store is full' });
});

test('a count that is late is told as such, and not as the token’s failure', async (t) => {
  const key = await newKey(t.context);
  const never = new EncryptionCount(
    async () => new Promise(() => undefined),
    () => t.fail(),
  );
  const error = await t.throwsAsync(never.take(key, monotonicNow() + 5), { instanceOf: TokenError });
  t.is(error.fault, 'timeout');
  const { problem, remediation } = tokenWords(error);
  t.is(problem, 'the encryptions of the key were not counted in time, so none was done');
  t.regex(remediation, /the store’s disk, at who locks the store/);
});
