import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import anyTest, { type TestFn } from 'ava';
import { SqliteStore } from '../../src/store/sqlite.ts';
import { TokenError } from '../../src/token/faults.ts';
import { versionLabel } from '../../src/token/own-keys.ts';
import {
  createCloudKey,
  findCloudKey,
  listVersions,
  rotateCloudKey,
  setCloudKeyState,
  type Usage,
} from '../../src/vault/cloud-keys.ts';
import {
  consoleFile,
  issueCredential,
  listCredentials,
  withdrawCredential,
} from '../../src/vault/credentials.ts';
import { Directory } from '../../src/vault/directory.ts';
import { createKeySet, findKeySet } from '../../src/vault/key-sets.ts';
import { managementDeadline } from '../../src/vault/token-rooms.ts';
import { VaultError } from '../../src/vault/vault-error.ts';
import { openVault, type TestVault } from '../support/vault.ts';

const test = anyTest as TestFn<TestVault>;
const both: Usage = { encrypt: true, decrypt: true };

test.before(async (t) => {
  t.context = await openVault();
});
test.after.always(async (t) => t.context.dispose());

let count = 0;
const fresh = (word: string) => `${word}-${++count}`;

async function newKeySet({ store }: TestVault, pathPrefix = fresh('prefix')) {
  return createKeySet(store, { name: fresh('set'), token: 'token', pathPrefix });
}

test('a path prefix belongs to one key set, no prefix to any number', async (t) => {
  const { store } = t.context;
  await createKeySet(store, { name: 'a', token: 'token', pathPrefix: '/taken/' });
  await t.throwsAsync(createKeySet(store, { name: 'b', token: 'token', pathPrefix: 'taken' }), {
    instanceOf: VaultError,
    message: 'another key set has this path prefix',
  });
  await t.throwsAsync(createKeySet(store, { name: 'a', token: 'token', pathPrefix: 'other' }), {
    message: 'another key set has this name',
  });
  await createKeySet(store, { name: 'c', token: 'token', pathPrefix: '' });
  await t.notThrowsAsync(createKeySet(store, { name: 'd', token: 'token', pathPrefix: '' }));
});

test('a path prefix that AWS would not take is refused whole', async (t) => {
  const { store } = t.context;
  for (const pathPrefix of ['a b', 'ä', 'a//b', 'a.b', 'x'.repeat(117), 'kms/xks/v1', 'a?b'])
    await t.throwsAsync(createKeySet(store, { name: 'refused', token: 'token', pathPrefix }), {
      name: 'NameError',
    });
  await t.throwsAsync(findKeySet(store, 'refused'), { instanceOf: VaultError });
});

test('a CloudKey is made in the token with a label and an id from which the vault could be rebuilt', async (t) => {
  const { store, tokens } = t.context;
  const keySet = await newKeySet(t.context);
  const key = await createCloudKey(store, tokens, keySet, { name: 'rebuild', usage: both });
  t.is(key.state, 'AVAILABLE');
  const [version] = await listVersions(store, key);
  const { value } = await tokens
    .pool('token')
    .call({ kind: 'inspectKey', key: version?.object_id ?? Buffer.alloc(0) }, managementDeadline());
  t.is(value.label, versionLabel(keySet.id, key.external_key_id, 1));
  t.is(Buffer.from(value.id).subarray(0, 16).toString('hex'), key.id.replaceAll('-', ''));
  t.is(Buffer.from(value.id).readUInt32BE(16), 1);
  t.true(value.fit && value.bornInToken);
  t.deepEqual(value.complaints, []);
});

test('the usages of a CloudKey are the usages of its key object', async (t) => {
  const { store, tokens } = t.context;
  const keySet = await newKeySet(t.context);
  for (const usage of [
    both,
    { encrypt: true, decrypt: false },
    { encrypt: false, decrypt: true },
    { encrypt: false, decrypt: false },
  ]) {
    const key = await createCloudKey(store, tokens, keySet, { name: fresh('usage'), usage });
    const [version] = await listVersions(store, key);
    const { value } = await tokens
      .pool('token')
      .call({ kind: 'inspectKey', key: version?.object_id ?? Buffer.alloc(0) }, managementDeadline());
    t.deepEqual({ encrypt: value.encrypt, decrypt: value.decrypt }, usage);
  }
});

test('an external key id is unique in the whole store', async (t) => {
  const { store, tokens } = t.context;
  const [one, other] = [await newKeySet(t.context), await newKeySet(t.context)];
  await createCloudKey(store, tokens, one, { name: 'k', externalKeyId: 'same', usage: both });
  await t.throwsAsync(
    createCloudKey(store, tokens, other, { name: 'k', externalKeyId: 'same', usage: both }),
    {
      message: 'another CloudKey has this external key id',
    },
  );
  await t.throwsAsync(createCloudKey(store, tokens, one, { name: 'k', usage: both }), {
    message: 'another CloudKey of the key set has this name',
  });
});

test('rotation makes a new version, keeps the old one, and is counted on', async (t) => {
  const { store, tokens } = t.context;
  const keySet = await newKeySet(t.context);
  const key = await createCloudKey(store, tokens, keySet, { name: 'rotated', usage: both });
  const rotated = await rotateCloudKey(store, tokens, keySet, key);
  t.is(rotated.current_version, 2);
  t.deepEqual(
    (await listVersions(store, key)).map(({ version, state }) => [version, state]),
    [
      [1, 'ACTIVE'],
      [2, 'ACTIVE'],
    ],
  );
});

test('rotations at once each make their own version, and the last is current', async (t) => {
  const { store, tokens } = t.context;
  const keySet = await newKeySet(t.context);
  const key = await createCloudKey(store, tokens, keySet, { name: 'raced', usage: both });
  await Promise.all(Array.from({ length: 4 }, async () => rotateCloudKey(store, tokens, keySet, key)));
  t.is((await findCloudKey(store, key.id)).current_version, 5);
});

test('a disabled key stays disabled when it is rotated', async (t) => {
  const { store, tokens } = t.context;
  const keySet = await newKeySet(t.context);
  const key = await createCloudKey(store, tokens, keySet, { name: 'off', usage: both });
  await setCloudKeyState(store, key, 'DISABLED');
  t.is((await rotateCloudKey(store, tokens, keySet, key)).state, 'DISABLED');
});

test('when the token cannot make the key, nothing is left behind', async (t) => {
  const { store, tokens } = t.context;
  const keySet = await newKeySet(t.context);
  // A token that is not configured: the call fails before anything was sent.
  await t.throwsAsync(
    createCloudKey(store, tokens, { ...keySet, token: 'gone' }, { name: 'failed', usage: both }),
    {
      instanceOf: TokenError,
    },
  );
  const left = await store.db.selectFrom('cloud_keys').select('state').where('name', '=', 'failed').execute();
  // The token could not be asked whether it has the key: the record stays, and says that it is not ready.
  t.deepEqual(left, [{ state: 'CREATING' }]);
  t.is(await new Directory(store, tokens).cloudKey(keySet, 'failed'), undefined);
});

test('credentials have the alphabet and lengths of the XKS spec, and differ', async (t) => {
  const { store, tokens } = t.context;
  const keySet = await newKeySet(t.context);
  const seen = new Set<string>();
  for (let i = 0; i < 5; i++) {
    const { accessKeyId, secret } = await issueCredential(store, tokens, keySet);
    t.regex(accessKeyId, /^[A-Z2-7]{20,30}$/);
    t.regex(secret.reveal(), /^[A-Za-z0-9+/=]{43,64}$/);
    t.is(Buffer.from(secret.reveal(), 'base64').length, 32);
    seen.add(accessKeyId).add(secret.reveal());
  }
  t.is(seen.size, 10);
});

test('the console file has the names that AWS takes', async (t) => {
  const { store, tokens } = t.context;
  const keySet = await newKeySet(t.context, 'console');
  const { accessKeyId, secret } = await issueCredential(store, tokens, keySet);
  t.deepEqual(JSON.parse(consoleFile(keySet, accessKeyId, secret)), {
    XksProxyUriPath: '/console/kms/xks/v1',
    XksProxyAuthenticationCredential: { AccessKeyId: accessKeyId, RawSecretAccessKey: secret.reveal() },
  });
});

test('a secret at rest is only under the protecting key: no file of the store holds it', async (t) => {
  const { store, tokens, storePath } = t.context;
  const keySet = await newKeySet(t.context);
  const { secret } = await issueCredential(store, tokens, keySet);
  for (const file of [storePath, `${storePath}-wal`]) {
    const bytes = await readFile(file);
    t.false(bytes.includes(secret.reveal()));
    t.false(bytes.includes(Buffer.from(secret.reveal(), 'base64')));
  }
});

test('a sealed secret moved to another record, or altered, does not open', async (t) => {
  const { store, tokens } = t.context;
  const keySet = await newKeySet(t.context);
  const [one, other] = [
    await issueCredential(store, tokens, keySet),
    await issueCredential(store, tokens, keySet),
  ];
  const sealedOf = async (id: string) =>
    (
      await store.db
        .selectFrom('xks_credentials')
        .select('sealed_secret')
        .where('access_key_id', '=', id)
        .executeTakeFirstOrThrow()
    ).sealed_secret;
  const altered = Buffer.from(await sealedOf(other.accessKeyId));
  altered[altered.length - 1] = (altered.at(-1) ?? 0) ^ 1;
  for (const sealed_secret of [await sealedOf(one.accessKeyId), altered, Buffer.alloc(0), randomBytes(80)]) {
    await store.change(async (trx) => {
      await trx
        .updateTable('xks_credentials')
        .set({ sealed_secret })
        .where('access_key_id', '=', other.accessKeyId)
        .execute();
    });
    const directory = new Directory(store, tokens);
    await directory.refresh();
    const credential = await directory.credential(other.accessKeyId);
    if (credential === undefined) return t.fail();
    const error = await t.throwsAsync(directory.secret(credential, managementDeadline().deadline), {
      instanceOf: TokenError,
    });
    t.is(error?.fault, 'seal-broken');
  }
  return undefined;
});

test('a withdrawn credential is gone for a directory that knew it, at its next look', async (t) => {
  const { store, tokens, storePath } = t.context;
  const keySet = await newKeySet(t.context);
  const { accessKeyId, secret } = await issueCredential(store, tokens, keySet);
  const directory = new Directory(store, tokens);
  await directory.refresh();
  const credential = await directory.credential(accessKeyId);
  t.is(credential?.keySet.id, keySet.id);
  if (credential !== undefined)
    t.is((await directory.secret(credential, managementDeadline().deadline)).reveal(), secret.reveal());
  const elsewhere = await SqliteStore.open(storePath);
  t.teardown(async () => elsewhere.close());
  await withdrawCredential(elsewhere, accessKeyId);
  await directory.refresh();
  t.is(await directory.credential(accessKeyId), undefined);
  await t.throwsAsync(withdrawCredential(elsewhere, accessKeyId), { instanceOf: VaultError });
  t.is((await listCredentials(store, keySet))[0]?.access_key_id, accessKeyId);
});

test('a key that was disabled elsewhere is disabled for a directory that knew it, at its next look', async (t) => {
  const { store, tokens, storePath } = t.context;
  const keySet = await newKeySet(t.context);
  const key = await createCloudKey(store, tokens, keySet, { name: 'pulled', usage: both });
  const elsewhere = await SqliteStore.open(storePath);
  t.teardown(async () => elsewhere.close());
  const directory = new Directory(store, tokens);
  for (const state of ['DISABLED', 'AVAILABLE', 'DISABLED', 'AVAILABLE'] as const) {
    await directory.refresh();
    await directory.cloudKey(keySet, key.external_key_id);
    await setCloudKeyState(elsewhere, key, state);
    await directory.refresh();
    t.is((await directory.cloudKey(keySet, key.external_key_id))?.enabled, state === 'AVAILABLE');
  }
});

test('a look-up that began before a change does not bring the old state back afterwards', async (t) => {
  const { store, tokens } = t.context;
  const keySet = await newKeySet(t.context);
  const key = await createCloudKey(store, tokens, keySet, { name: 'late', usage: both });
  const directory = new Directory(store, tokens);
  await directory.refresh();
  const early = directory.cloudKey(keySet, key.external_key_id);
  await setCloudKeyState(store, key, 'DISABLED');
  await directory.refresh();
  await early;
  t.is((await directory.cloudKey(keySet, key.external_key_id))?.enabled, false);
});

test('a key of another key set is not found', async (t) => {
  const { store, tokens } = t.context;
  const [one, other] = [await newKeySet(t.context), await newKeySet(t.context)];
  const key = await createCloudKey(store, tokens, one, { name: 'mine', usage: both });
  const directory = new Directory(store, tokens);
  await directory.refresh();
  t.is(await directory.cloudKey(other, key.external_key_id), undefined);
  t.is((await directory.cloudKey(one, key.external_key_id))?.id, key.id);
});
