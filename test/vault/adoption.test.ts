import anyTest, { type TestFn } from 'ava';
import { adoptCloudKey } from '../../src/vault/cloud-keys.ts';
import { VaultError } from '../../src/vault/vault-error.ts';
import { insertVault, newKeySet, openVault, type TestVault } from '../support/vault.ts';
import { inToken } from '../token/in-token.ts';

const test = anyTest as TestFn<TestVault>;
test.before(async (t) => {
  t.context = await openVault();
});
test.after.always(async (t) => t.context.dispose());

test.serial(
  'nothing is taken over from a token that another vault may use: it might be theirs',
  async (t) => {
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
  },
);

test.serial(
  'a key of AWS’s sample Dockerfile is refused for wrapping, with a way out that works; one that could leave has none',
  async (t) => {
    const { house, act, vault, fixture } = t.context;
    const keySet = await newKeySet(t.context);
    const adopt = async (label: string) =>
      adoptCloudKey(house, act(), vault.id, 'all', {
        keySetId: keySet.id,
        name: label,
        label,
        externalKeyId: label,
      });
    await inToken(fixture, [
      { do: 'generate', id: '01', label: 'sample-key', wraps: true },
      { do: 'generate', id: '02', label: 'loose-key', extractable: true, wraps: true },
    ]);
    const wraps = await t.throwsAsync(adopt('sample-key'), {
      instanceOf: VaultError,
      message: /not fit: CKA_WRAP, CKA_UNWRAP/,
    });
    t.regex(wraps?.wayOut ?? '', /have CKA_WRAP, CKA_UNWRAP set to false .*docs\/migration\.md/);
    await inToken(fixture, [{ do: 'restrict', id: '01' }]);
    t.is((await adopt('sample-key')).external_key_id, 'sample-key');

    const loose = await t.throwsAsync(adopt('loose-key'), { instanceOf: VaultError });
    t.regex(loose?.wayOut ?? '', /what CKA_SENSITIVE, CKA_EXTRACTABLE says cannot be undone/);
  },
);
