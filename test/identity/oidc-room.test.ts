import { createHash, randomUUID } from 'node:crypto';
import anyTest, { type TestFn } from 'ava';
import { makeRoom, maxUnderWay } from '../../src/identity/oidc/under-way.ts';
import { openPeople, type People } from './people.ts';

const test = anyTest as TestFn<People>;
test.beforeEach(async (t) => {
  t.context = await openPeople();
});
test.afterEach.always(async (t) => t.context.dispose());

let count = 0;

async function begin({ store }: People, vaultId: string, share: string, fields: { code_hash?: Buffer } = {}) {
  const state_hash = createHash('sha256').update(randomUUID()).digest();
  await store.bookkeep('by hand', async (trx) => {
    await makeRoom(trx, vaultId, share);
    await trx
      .insertInto('oidc_sign_ins')
      .values({
        ...{ state_hash, vault_id: vaultId, share, nonce: '', code_verifier: '', binding_hash: state_hash },
        ...{ return_to: '/', code_hash: null, user_id: null, expires_at: '9999' },
        created_at: String(++count).padStart(9, '0'),
        ...fields,
      })
      .execute();
  });
  return state_hash;
}

async function isThere({ store }: People, state: Buffer) {
  const row = await store.db
    .selectFrom('oidc_sign_ins')
    .select('share')
    .where('state_hash', '=', state)
    .executeTakeFirst();
  return row !== undefined;
}

async function howMany({ store }: People, vaultId: string) {
  const rows = await store.db
    .selectFrom('oidc_sign_ins')
    .select('share')
    .where('vault_id', '=', vaultId)
    .execute();
  return rows.length;
}

test('who begins ever more sign-ins from one address drops their own', async (t) => {
  const { vaultId } = t.context;
  const guest = await begin(t.context, vaultId, '192.0.2.1');
  const first = await begin(t.context, vaultId, '198.51.100.1');
  const answered = await begin(t.context, vaultId, '198.51.100.1', { code_hash: Buffer.from('code') });
  for (let i = 0; i < maxUnderWay.ofShare; i++) await begin(t.context, vaultId, '198.51.100.1');
  t.true(await isThere(t.context, guest));
  t.false(await isThere(t.context, first));
  t.true(await isThere(t.context, answered), 'one whose provider has answered stays');
  t.is(await howMany(t.context, vaultId), 2 + maxUnderWay.ofShare);
});

test('a vault that is flooded shuts neither its own people out nor those of another vault', async (t) => {
  const { vaultId } = t.context;
  const other = await begin(t.context, 'another vault', '192.0.2.1');
  const guest = await begin(t.context, vaultId, '192.0.2.1');
  for (let i = 0; i < maxUnderWay.ofVault + 200; i++) await begin(t.context, vaultId, `198.51.100.${i % 20}`);
  t.is(await howMany(t.context, vaultId), maxUnderWay.ofVault);
  const late = await begin(t.context, vaultId, '192.0.2.2');
  for (let i = 0; i < 200; i++) await begin(t.context, vaultId, `198.51.100.${i % 20}`);
  for (const state of [other, guest, late]) t.true(await isThere(t.context, state));
});
