import { readFile, writeFile } from 'node:fs/promises';
import test from 'ava';
import { ownKeys } from '../../src/token/own-keys.ts';
import { freePort } from '../../testing/free-port.ts';
import { inToken } from '../../testing/in-token.ts';
import { TestNode } from '../../testing/test-node.ts';
import { waitUntil } from '../support/steady-load.ts';
import { createSoftHsmToken } from '../../testing/tokens.ts';

test('a node with another token of a name does not use it, serves its others, and begins anew only when told', async (t) => {
  const ours = await createSoftHsmToken();
  const [other, beside] = [await createSoftHsmToken({ label: ours.label }), await createSoftHsmToken()];
  const port = await freePort();
  const node = await TestNode.create({
    tokens: [{ fixture: ours }, { fixture: beside, name: 'beside' }],
    xks: { port },
    admin: true,
  });
  t.teardown(async () => {
    await node.dispose();
    await Promise.all([ours, other, beside].map(async (fixture) => fixture.dispose()));
  });
  const access = await node.makeKeySet('beside', { token: 'beside' });
  const key = await node.makeKey('beside', 'key');
  await node.makeKeySet('ours', { token: 'token' });
  await node.makeKey('ours', 'left');
  await node.closeVault();

  // As on a second node, whose HSM has another partition of that label.
  const text = await readFile(node.config, 'utf8');
  const [there = '', here = ''] = [ours, other].map(({ environment }) => environment['SOFTHSM2_CONF']);
  await writeFile(node.config, text.replace(there, here).replace(ours.pinFile, other.pinFile));
  const refused = await t.throwsAsync(node.cli('init'));
  t.regex(refused.message, /token token: token \\"[^"]+" \(serial [0-9a-f]+\) does not hold the keys/);
  t.regex(refused.message, /holdfast init --replace-token/);
  const has = async () =>
    inToken(
      other,
      Object.values(ownKeys).map(({ id }) => ({ do: 'has', id: id.toString('hex') })),
    );
  t.deepEqual(await has(), [false, false], 'no key of our own was made in it');

  // It is not ready, and serves what it can.
  const served = node.serve().catch(() => undefined);
  await node.waitForLog(
    ({ msg, problem }) =>
      msg.includes('could not start') &&
      String(problem).includes('does not hold the keys that the store has'),
  );
  node.port = port;
  const client = node.client(access);
  t.teardown(() => client.close());
  await waitUntil(async () => {
    const answer = await client.encrypt(key, Buffer.alloc(32, 1)).catch(() => undefined);
    return answer?.status === 200;
  });
  const locked = await t.throwsAsync(node.cli('init', '--replace-token', 'token'));
  t.regex(locked.message, /holdfast serve/, 'not while a node runs');
  await node.stop();
  await served;

  await node.cli('init', '--replace-token', 'token');
  t.deepEqual(await has(), [true, true]);
  await node.withStore(async ({ vaultContext: { store } }) => {
    const rows = await store.db
      .selectFrom('own_key_proofs')
      .selectAll()
      .where('token', '=', 'token')
      .execute();
    t.is(new Set(rows.map(({ serial }) => serial)).size, 1, 'the one before is forgotten');
    const events = await store.db.selectFrom('audit_events').select('action').execute();
    t.true(events.some(({ action }) => action === 'token.replace'));
    const left = await store.db
      .selectFrom('key_versions')
      .innerJoin('replaced_tokens', 'replaced_tokens.id', 'key_versions.left_in')
      .innerJoin('cloud_keys', 'cloud_keys.id', 'key_versions.cloud_key_id')
      .select(['cloud_keys.name', 'replaced_tokens.serials', 'replaced_tokens.token'])
      .execute();
    t.is(left.length, 1, 'what was made in the other token is not in this one');
    t.like(left[0], { name: 'left', token: 'token' });
    t.false(left[0]?.serials.includes(rows[0]?.serial ?? ''));
  });
});
