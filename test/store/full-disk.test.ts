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
import { CoreWaits } from '../support/core-waits.ts';
import { fared, hindered, SteadyLoad, waitUntil } from '../support/steady-load.ts';
import { TestNode } from '../../testing/test-node.ts';
import { createSoftHsmToken } from '../../testing/tokens.ts';
import { versionOf } from '../../testing/xks-client.ts';

/*
 * A full disk: keys are served, whoever signs in can read, and what takes power away is done (promise 2). A disk that becomes
 * read-only: keys are served, and whoever changes something is told why it was not done.
 */

test('on a full or read-only disk keys are served as ever, and on a full one people sign in, read, disable and freeze', async (t) => {
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

  const load = new SteadyLoad(node, access, served, { connections: 4, every: 50 });
  t.teardown(() => load.close());
  const { workers, hosts } = node.processes();
  const waits = new CoreWaits(() => [[process.pid], workers, hosts]);
  t.teardown(() => waits.stop());
  await load.start();
  await waitUntil(() => load.answers.length >= 400);
  const undisturbed = fared(waits, load.answers);
  const filled = performance.now();

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
  await load.stop();
  t.is(hindered(undisturbed, fared(waits, load.since(filled))), undefined);
  t.deepEqual(load.wrong, []);

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

  // Thawed, since what is frozen shows nothing; and then the disk fails.
  disk.makeRoom();
  for (const frozen of [at, keySet])
    t.is((await back.change('POST', `${frozen}/thaw`, undefined, frozen)).status, 200);
  const second = new SteadyLoad(node, access, served, { connections: 4, every: 50 });
  t.teardown(() => second.close());
  const now = node.processes();
  const later = new CoreWaits(() => [[process.pid], now.workers, now.hosts]);
  t.teardown(() => later.stop());
  await second.start();
  await waitUntil(() => second.answers.length >= 400);
  const calm = fared(later, second.answers);
  const said = node.output.length;
  disk.becomeReadOnly();
  const failing = performance.now();
  const late = `${at}/cloud-keys/${idOf(keys[3] ?? '')}`;
  const refused = await back.change('POST', `${late}/disable`, undefined, late);
  t.is(refused.status, 503, refused.text);
  t.regex(refused.text, /store cannot be written: it, or its file system, is read-only .*dmesg/s);
  t.is((await back.get(`${at}/cloud-keys`)).status, 200);
  // What workers have written beside their answers has failed too, by then.
  await waitUntil(() => node.output.slice(said).includes('uses of keys and credentials could not'));
  await second.stop();
  t.is(hindered(calm, fared(later, second.since(failing))), undefined);
  t.deepEqual(second.wrong, []);
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
