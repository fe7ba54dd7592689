import anyTest, { type TestFn } from 'ava';
import { versionLabel, versionObjectId } from '../../src/token/own-keys.ts';
import { rotateCloudKey } from '../../src/keys/cloud-keys.ts';
import { listVersions } from '../support/versions.ts';
import { managementDeadline } from '../../src/vault/tokens.ts';
import { newKey, newKeySet, openVault, type TestVault } from '../../testing/vault.ts';

const test = anyTest as TestFn<TestVault>;
test.before(async (t) => {
  t.context = await openVault();
});
test.after.always(async (t) => t.context.dispose());

test('a rotation that meets the key object of a version which a restored store forgot leaves it in the token', async (t) => {
  const { vaultContext, act, tokens } = t.context;
  const keySet = await newKeySet(t.context);
  const key = await newKey(t.context, keySet);
  const pool = tokens.pool('token');
  const forgotten = versionObjectId(key.id, 2);
  const label = versionLabel(keySet.id, key.external_key_id, 2);
  await pool.call(
    { kind: 'generateKey', key: forgotten, binding: Buffer.alloc(0), label, encrypt: true, decrypt: true },
    managementDeadline(),
  );
  await t.throwsAsync(rotateCloudKey(vaultContext, act(), key, 'asked'), { message: /key-duplicate/ });
  const { value } = await pool.call({ kind: 'inspectKey', key: forgotten }, managementDeadline());
  t.is(value.label, label);
  t.deepEqual(
    (await listVersions(vaultContext, key)).map(({ version, state }) => [version, state]),
    [[1, 'ACTIVE']],
  );
});
