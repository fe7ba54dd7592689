import anyTest, { type TestFn } from 'ava';
import { adoptCloudKey } from '../../src/vault/cloud-keys.ts';
import { VaultError } from '../../src/vault/vault-error.ts';
import { insertVault, newKeySet, openVault, type TestVault } from '../support/vault.ts';

const test = anyTest as TestFn<TestVault>;
test.before(async (t) => {
  t.context = await openVault();
});
test.after.always(async (t) => t.context.dispose());

test('nothing is taken over from a token that another vault may use: it might be theirs', async (t) => {
  const { house, act, vault, store } = t.context;
  const keySet = await newKeySet(t.context);
  const adopt = async () =>
    adoptCloudKey(house, act(), vault.id, 'all', {
      keySetId: keySet.id,
      name: 'adopted',
      label: 'nowhere',
      externalKeyId: 'adopted',
    });
  const other = await insertVault(store, 'other');
  const refused = await t.throwsAsync(adopt(), { instanceOf: VaultError, message: /might be theirs/ });
  t.is(refused?.problem, 'forbidden');
  // Once the other vault may not use it any more, the token is asked.
  await store.db.updateTable('vaults').set({ tokens: '[]' }).where('id', '=', other.id).execute();
  await t.throwsAsync(adopt(), { message: /key-missing/ });
});
