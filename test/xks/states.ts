import test, { type ExecutionContext } from 'ava';
import {
  cancelDeletion,
  enableCloudKey,
  scheduleDeletion,
  updateCloudKey,
} from '../../src/keys/cloud-keys.ts';
import { updateCredential } from '../../src/keys/credentials/credentials.ts';
import { freezeKeySet, thawKeySet, updateKeySet } from '../../src/keys/key-sets/key-sets.ts';
import type { XksResponse } from '../../testing/xks-client.ts';
import {
  assertError,
  authenticationFailed,
  base64,
  disabled,
  keyNotFound,
  clientOf,
  useFileNode,
} from './file-node.ts';
import { byHand } from '../../testing/by-hand.ts';

/* What AWS sees of each state of a key, of its key set and of its credential. */

const file = useFileNode();

const invalidState = (message: string) => [400, 'InvalidStateException', message] as const;
const frozen = invalidState('The key set of the external key is frozen.');
const expired = invalidState('The external key has expired.');
const pendingDeletion = invalidState('The external key is pending deletion.');

/** Every answer that has come before `then` is good; a busy machine may have none. */
async function untilThen(t: ExecutionContext, then: Date, ask: () => Promise<XksResponse>): Promise<void> {
  while (Date.now() < then.getTime()) {
    const { status, text } = await ask();
    if (Date.now() < then.getTime()) t.is(status, 200, text);
  }
}

/** A key that has encrypted something, and what each operation answers about it. */
async function newKey(name: string) {
  const { node, client } = file();
  const key = await node.makeKey('first', name);
  const made = (await client.encrypt(key, 'x')).body;
  return {
    key,
    encrypt: async () => client.encrypt(key, 'y'),
    decrypt: async () => client.decrypt(key, made),
    /** keyStatus of GetKeyMetadata. */
    status: async () => (await client.metadata(key)).body.keyStatus as unknown,
  };
}

test.serial(
  'a key pending deletion says so, is DISABLED to AWS, and is disabled when that is cancelled',
  async (t) => {
    const { node } = file();
    const { key, encrypt, decrypt, status } = await newKey('pending');
    await node.withStore(async (vault) => {
      const { id } = await vault.key(key);
      const acts = () =>
        [vault.vaultContext, vault.act(), { vaultId: vault.vaultId, sight: 'all', id }] as const;
      await scheduleDeletion(...acts(), 7);
      assertError(t, await encrypt(), ...pendingDeletion);
      assertError(t, await decrypt(), ...pendingDeletion);
      t.is(await status(), 'DISABLED');
      await cancelDeletion(...acts());
      assertError(t, await encrypt(), ...disabled);
      await enableCloudKey(...acts());
      t.is((await decrypt()).body.plaintext, base64('x'));
      t.is(await status(), 'ENABLED');
    });
  },
);

test.serial(
  'an expired key says so and is DISABLED to AWS until it is given a later time and enabled',
  async (t) => {
    const { node } = file();
    const { key, encrypt, decrypt, status } = await newKey('expiring');
    await node.withStore(async (vault) => {
      const { id } = await vault.key(key);
      const acts = () =>
        [vault.vaultContext, vault.act(), { vaultId: vault.vaultId, sight: 'all', id }] as const;
      const expiresAt = new Date(Date.now() + 300);
      await updateCloudKey(...acts(), { expiresAt });
      await untilThen(t, expiresAt, encrypt);
      assertError(t, await encrypt(), ...expired);
      assertError(t, await decrypt(), ...expired);
      t.is(await status(), 'DISABLED');
      t.is((await vault.key(key)).state, 'AVAILABLE', 'nobody has written it: the clock alone decides');
      await updateCloudKey(...acts(), { expiresAt: null });
      assertError(t, await encrypt(), ...disabled);
      await enableCloudKey(...acts());
      t.is((await decrypt()).body.plaintext, base64('x'));
    });
  },
);

test.serial(
  'the keys of a frozen key set say so, whatever their own state is, and no key is still no key',
  async (t) => {
    const { node, client } = file();
    const { key, encrypt, decrypt, status } = await newKey('freezing');
    await node.withStore(async (vault) => {
      const { id } = await vault.keySet('first');
      const acts = () =>
        [vault.vaultContext, vault.act(), { vaultId: vault.vaultId, sight: 'all', id }] as const;
      await freezeKeySet(...acts());
      assertError(t, await encrypt(), ...frozen);
      assertError(t, await decrypt(), ...frozen);
      t.is(await status(), 'DISABLED');
      await vault.disableKey(key);
      assertError(t, await encrypt(), ...frozen);
      assertError(t, await client.encrypt('no-such-key', 'x'), ...keyNotFound);
      t.is((await client.health()).status, 200, 'the key store itself is well');
      await thawKeySet(...acts());
      assertError(t, await encrypt(), ...disabled);
      await vault.enableKey(key);
      t.is((await decrypt()).body.plaintext, base64('x'));
    });
  },
);

test.serial('a key that is deleted or not made yet is not found', async (t) => {
  const { node, client } = file();
  const { key, encrypt, decrypt } = await newKey('leaving');
  await node.withStore(async ({ vaultContext }) => {
    for (const state of ['DELETED', 'CREATING'] as const) {
      await vaultContext.store.change(byHand, async (trx) =>
        trx.updateTable('cloud_keys').set({ state }).where('external_key_id', '=', key).execute(),
      );
      assertError(t, await encrypt(), ...keyNotFound);
      assertError(t, await decrypt(), ...keyNotFound);
      assertError(t, await client.metadata(key), ...keyNotFound);
    }
  });
});

test.serial('an expired credential fails authentication at its moment, and another goes on', async (t) => {
  const { node, client, key } = file();
  const leaving = clientOf(node, await node.issueCredential('first'));
  await node.withStore(async (vault) => {
    const expiresAt = new Date(Date.now() + 300);
    const keySet = await vault.keySet('first');
    await updateCredential(
      vault.vaultContext,
      vault.act(),
      keySet,
      { accessKeyId: leaving.access.accessKeyId },
      { expiresAt },
    );
    await untilThen(t, expiresAt, async () => leaving.metadata(key));
    assertError(t, await leaving.metadata(key), ...authenticationFailed);
    assertError(t, await leaving.health(), ...authenticationFailed);
    t.is((await client.metadata(key)).status, 200);
  });
  leaving.close();
});

test.serial('a key set that is no external key store has no path and opens to no credential', async (t) => {
  const { node, client, key } = file();
  const bare = clientOf(node, await node.makeKeySet('bare'));
  const other = clientOf(node, await node.makeKeySet('other-bare'));
  await node.withStore(async (vault) => {
    const setTo = async (name: string, externalKeyStore: boolean) => {
      const { id } = await vault.keySet(name);
      await updateKeySet(
        vault.vaultContext,
        vault.act(),
        { vaultId: vault.vaultId, sight: 'all', id },
        { externalKeyStore },
      );
    };
    await setTo('first', false);
    await setTo('bare', false);
    const nowhere = [404, 'InvalidUriPathException', 'There is no key store at this URI path.'] as const;
    assertError(t, await client.metadata(key), ...nowhere);
    assertError(t, await client.health(), ...nowhere);
    assertError(t, await bare.health(), ...authenticationFailed);
    t.is((await other.health()).status, 200);
    await setTo('first', true);
    await setTo('bare', true);
    t.is((await client.metadata(key)).status, 200);
    t.is((await bare.health()).status, 200);
  });
  bare.close();
  other.close();
});
