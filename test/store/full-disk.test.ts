import { randomBytes } from 'node:crypto';
import { statSync } from 'node:fs';
import test from 'ava';
import { loadConfig } from '../../src/config/load.ts';
import { hashPassword } from '../../src/identity/passwords.ts';
import { insertUser, newUser } from '../../src/identity/users.ts';
import { reservePath, reserveSize } from '../../src/store/sqlite/space-reserve.ts';
import { password, passwordCost } from '../identity/people.ts';
import { AdminClient, type SignIn } from '../support/admin-client.ts';
import { byHand } from '../../testing/by-hand.ts';
import { bringToLimit } from '../support/limit-rotation.ts';
import { LoopDisk } from '../../testing/loop-disk.ts';
import { waitUntil } from '../support/steady-load.ts';
import { TestNode } from '../../testing/test-node.ts';
import { createSoftHsmToken } from '../../testing/tokens.ts';
import { versionOf } from '../../testing/xks-client.ts';

/* A full disk: keys are served, whoever signs in can read, and what takes power away is done (promise 2). */

test('on a full disk keys are served, people sign in and read, and disable and freeze are done', async (t) => {
  const disk = await LoopDisk.create(48);
  if (typeof disk === 'string') {
    t.log(`not run: ${disk}`);
    return t.pass();
  }
  t.teardown(async () => disk.dispose());
  const fixture = await createSoftHsmToken();
  t.teardown(async () => fixture.dispose());
  const node = await TestNode.start({
    tokens: [{ fixture }],
    admin: true,
    node: { state_directory: disk.directory },
  });
  t.teardown(async () => node.dispose());
  const reserve = reservePath(loadConfig(node.config).storePath);
  t.is(statSync(reserve).size, reserveSize);
  t.is(statSync(reserve).mode & 0o777, 0o600);

  const access = await node.makeKeySet('first', { prefix: 'first' });
  const keys = await Promise.all(
    ['served', 'disabled', 'frozen', 'late', 'limited'].map(async (name) => node.makeKey('first', name)),
  );
  const [served = '', disabled = ''] = keys;
  const xks = node.client(access);
  t.teardown(() => xks.close());
  t.is((await xks.encrypt(served, randomBytes(32))).status, 200);
  const who = await vaultAdministrator(node);
  const before = await new AdminClient(node.admin).signIn(who);
  const at = `/vaults/${who.vaultId}`;
  const { items } = (await before.get(`${at}/cloud-keys`)).body as {
    items: { id: string; externalKeyId: string }[];
  };
  const idOf = (external: string) => items.find(({ externalKeyId }) => externalKeyId === external)?.id ?? '';

  const limited = keys[4] ?? '';
  await node.withStore(async (vault) => bringToLimit(vault.vaultContext, await vault.key(limited)));

  disk.fill();
  // What the log of the database has of its own is used up first.
  let full = await before.post(`${at}/admin-groups`, { name: 'one' });
  for (let more = 0; full.status === 201 && more < 500; more++)
    full = await before.post(`${at}/admin-groups`, { name: `more-${more}` });
  t.is(full.status, 507, full.text);
  t.regex(full.text, /disk of the store is full/);

  const person = await new AdminClient(node.admin).signIn(who);
  t.is((await person.get(`${at}/cloud-keys`)).status, 200);
  const key = `${at}/cloud-keys/${idOf(disabled)}`;
  const disabling = await person.change('POST', `${key}/disable`, undefined, key);
  t.is(disabling.status, 200, disabling.text);
  t.is((await xks.encrypt(disabled, randomBytes(32))).body.errorName, 'InvalidStateException');
  t.is((await xks.encrypt(served, randomBytes(32))).status, 200);
  // Of a key at its limit a new version is made: the XKS worker has it written with what is kept for serving.
  await waitUntil(async () => versionOf((await xks.encrypt(limited, randomBytes(32))).body) === 2);
  const trail = await person.get(`${at}/audit-events?action=cloud-key.disable`);
  t.is((trail.body as { items: object[] }).items.length, 1);
  t.true(statSync(reserve).size < reserveSize);

  // Started again on the full disk it serves, and keys that have no lease yet are leased.
  await node.closeVault();
  await node.stop();
  disk.fill();
  await node.serve();
  const again = node.client(access);
  t.teardown(() => again.close());
  for (const key of [served, keys[3] ?? '']) t.is((await again.encrypt(key, randomBytes(32))).status, 200);
  const back = await new AdminClient(node.admin).signIn(who);
  const keySets = (await back.get(`${at}/key-sets`)).body as { items: { id: string }[] };
  const keySet = `${at}/key-sets/${keySets.items[0]?.id}`;
  const freezing = await back.change('POST', `${keySet}/freeze`, undefined, keySet);
  t.is(freezing.status, 200, freezing.text);
  t.is((await again.encrypt(served, randomBytes(32))).body.errorName, 'InvalidStateException');
  const stopping = await back.change('POST', `${at}/freeze`, undefined, at);
  t.is(stopping.status, 200, stopping.text);
  t.like(stopping.body, { state: 'FROZEN' });
});

async function vaultAdministrator(node: TestNode): Promise<SignIn & { vaultId: string }> {
  return node.withStore(async ({ vaultContext, vaultId, act }) => {
    const row = newUser(vaultContext, vaultId, {
      username: 'vera',
      email: 'vera@example.com',
      role: 'vault-admin',
    });
    const made = {
      ...row,
      password_hash: await hashPassword(password, 'test', passwordCost),
      must_change_password: 0,
    };
    await vaultContext.store.write(byHand, async (trx) => insertUser(trx, act(), made));
    return { username: 'vera', password: password.reveal(), vaultId };
  });
}
