import anyTest, { type TestFn } from 'ava';
import { SqliteStore } from '../../src/store/sqlite/sqlite.ts';
import { disableCloudKey, enableCloudKey } from '../../src/keys/cloud-keys.ts';
import {
  getCredential,
  issueCredential,
  withdrawCredential,
} from '../../src/keys/credentials/credentials.ts';
import { Directory } from '../../src/serving/directory.ts';
import { freezeKeySet, thawKeySet } from '../../src/keys/key-sets/key-sets.ts';
import { managementDeadline } from '../../src/vault/tokens.ts';
import { newKey, newKeySet, openVault, type TestVault } from '../../testing/vault.ts';

/* What was done in one process is seen by a Directory of another, at its next look (promise 2). */

const test = anyTest as TestFn<TestVault>;

test.before(async (t) => {
  t.context = await openVault();
});
test.after.always(async (t) => t.context.dispose());

/** The same store as another process has it. */
async function elsewhere(t: {
  context: TestVault;
  teardown: (run: () => Promise<void>) => void;
}): Promise<TestVault['vaultContext']> {
  const store = await SqliteStore.open(t.context.storePath);
  t.teardown(async () => store.close());
  return { ...t.context.vaultContext, store };
}

test('a withdrawn credential is gone for a directory that knew it, at its next look', async (t) => {
  const { vaultContext, act, store, tokens } = t.context;
  const keySet = await newKeySet(t.context);
  const { accessKeyId, secret } = await issueCredential(vaultContext, act(), keySet);
  const directory = new Directory(store, tokens);
  await directory.refresh();
  const credential = await directory.credential(accessKeyId);
  t.is(credential?.keySet.id, keySet.id);
  if (credential !== undefined)
    t.is((await directory.secret(credential, managementDeadline().deadline)).reveal(), secret.reveal());
  await withdrawCredential(await elsewhere(t), act(), keySet, { accessKeyId });
  await directory.refresh();
  t.is(await directory.credential(accessKeyId), undefined);
  t.is((await getCredential(vaultContext, keySet, accessKeyId)).withdrawn_why, 'WITHDRAWN');
});

test('a key that was disabled elsewhere is disabled for a directory that knew it, at its next look', async (t) => {
  const { act, store, tokens, vault } = t.context;
  const keySet = await newKeySet(t.context);
  const { id, external_key_id } = await newKey(t.context, keySet);
  const there = await elsewhere(t);
  const directory = new Directory(store, tokens);
  for (const [change, state] of [
    [disableCloudKey, 'DISABLED'],
    [enableCloudKey, 'AVAILABLE'],
    [disableCloudKey, 'DISABLED'],
    [enableCloudKey, 'AVAILABLE'],
  ] as const) {
    await directory.refresh();
    await directory.cloudKey(keySet, external_key_id);
    await change(there, act(), { vaultId: vault.id, sight: 'all', id });
    await directory.refresh();
    t.is((await directory.cloudKey(keySet, external_key_id))?.state, state);
  }
});

test('a key set that was frozen elsewhere is frozen for a directory that knew it, at its next look', async (t) => {
  const { vaultContext, act, store, tokens, vault } = t.context;
  const keySet = await newKeySet(t.context);
  const { accessKeyId } = await issueCredential(vaultContext, act(), keySet);
  const there = await elsewhere(t);
  const directory = new Directory(store, tokens);
  for (const [change, frozen] of [
    [freezeKeySet, true],
    [thawKeySet, false],
  ] as const) {
    await directory.refresh();
    await directory.credential(accessKeyId);
    await change(there, act(), { vaultId: vault.id, sight: 'all', id: keySet.id });
    await directory.refresh();
    t.is((await directory.credential(accessKeyId))?.keySet.frozen, frozen);
  }
});

test('a look-up that began before a change does not bring the old state back afterwards', async (t) => {
  const { vaultContext, act, store, tokens, vault } = t.context;
  const keySet = await newKeySet(t.context);
  const key = await newKey(t.context, keySet);
  const directory = new Directory(store, tokens);
  await directory.refresh();
  const early = directory.cloudKey(keySet, key.external_key_id);
  await disableCloudKey(vaultContext, act(), { vaultId: vault.id, sight: 'all', id: key.id });
  await directory.refresh();
  await early;
  t.is((await directory.cloudKey(keySet, key.external_key_id))?.state, 'DISABLED');
});

test('a key of another key set is not found', async (t) => {
  const { store, tokens } = t.context;
  const [one, other] = [await newKeySet(t.context), await newKeySet(t.context)];
  const key = await newKey(t.context, one);
  const directory = new Directory(store, tokens);
  await directory.refresh();
  t.is(await directory.cloudKey(other, key.external_key_id), undefined);
  t.is((await directory.cloudKey(one, key.external_key_id))?.id, key.id);
});
