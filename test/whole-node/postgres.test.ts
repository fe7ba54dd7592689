import { readFile, writeFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import test from 'ava';
import { sharedCluster } from '../../testing/postgres.ts';
import { TestNode } from '../../testing/test-node.ts';
import { createSoftHsmToken } from '../../testing/tokens.ts';
import { PostgresStore } from '../../src/store/postgres/postgres.ts';
import { SteadyLoad } from '../support/steady-load.ts';

/* A whole node whose store is a database of PostgreSQL, by TLS with a password. */

const plaintext = Buffer.alloc(32, 7);

test('two nodes on one PostgreSQL serve keys, obey a disable at once, and outlive a restart of the server', async (t) => {
  const cluster = await sharedCluster();
  const settings = await cluster.database('template0', 'tls');
  const fixture = await createSoftHsmToken();
  t.teardown(async () => fixture.dispose());
  const options = {
    tokens: [{ fixture }],
    workers: 1,
    admin: true,
    store: {
      kind: 'postgres',
      address: settings.host,
      port: settings.port,
      database: settings.database,
      user: settings.user,
      password_file: cluster.passwordFile,
      ca: cluster.ca.certificate,
      durability: 'single',
    },
  };
  const node = await TestNode.create(options);
  t.teardown(async () => node.dispose());
  const second = await TestNode.create(options);
  t.teardown(async () => second.dispose());
  t.regex(
    node.output,
    new RegExp(`store ${settings.database} at 127\\.0\\.0\\.1:${settings.port}: up to date`),
  );
  t.regex(await node.cli('serve', '--check'), /: fine/);

  await node.serve();
  // One that cannot start after all ends, and holds no lock of the database.
  const config = await readFile(second.config, 'utf8');
  await writeFile(second.config, config.replace(/(\[xks\][^[]*?\nport = )0\n/, `$1${node.port}\n`));
  await t.throwsAsync(second.serve(), { message: new RegExp(`port ${node.port}`) });
  await writeFile(second.config, config);
  await second.serve();
  const access = await node.makeKeySet('first', { prefix: 'first' });
  const [key, other] = [await node.makeKey('first', 'key'), await node.makeKey('first', 'other')];
  const clients = [node, second, node, second].map((one) => one.client(access, { maxSockets: 1 }));
  t.teardown(() => {
    for (const client of clients) client.close();
  });
  const made = await Promise.all(clients.map(async (client) => client.encrypt(key, plaintext)));
  for (const [index, { status, body, text }] of made.entries()) {
    t.is(status, 200, text);
    const decrypted = await clients[index]?.decrypt(key, body as Record<string, string>);
    t.is(decrypted?.body?.plaintext, plaintext.toString('base64'));
  }

  // Two nodes: nobody serves it after the disable was acknowledged.
  for (let round = 0; round < 5; round++) {
    await node.withStore(async (vault) => vault.disableKey(other));
    for (const answer of await Promise.all(clients.map(async (client) => client.encrypt(other, plaintext))))
      t.is(answer.body?.errorName, 'InvalidStateException', answer.text);
    await node.withStore(async (vault) => vault.enableKey(other));
    for (const answer of await Promise.all(clients.map(async (client) => client.encrypt(other, plaintext))))
      t.is(answer.status, 200, answer.text);
  }

  // The one that looked last has counted both.
  for (let round = 0; ; round++) {
    const sizes = await Promise.all(
      clients.map(async (client) => (await client.health()).body?.xksProxyFleetSize),
    );
    if (sizes.includes(2)) break;
    if (round === 500) throw new Error(`no node sees two: ${sizes.join()}`);
    await delay(50);
  }

  const before = node.processes();
  const load = new SteadyLoad(node, access, key, { connections: 4, every: 100 });
  await load.start();
  await cluster.stop('crash');
  await delay(300);
  await cluster.start();
  // Whoever is on the way meets the server as it was; from now on it is there.
  for (let round = 0; ; round++) {
    if (round === 500) throw new Error(`it does not serve again: ${node.output.slice(-3000)}`);
    const answers = await Promise.all(clients.map(async (client) => client.encrypt(key, plaintext)));
    if (answers.every(({ status }) => status === 200)) break;
    for (const { status } of answers) t.true([200, 500, 503].includes(status));
    await delay(50);
  }
  await load.stop();
  t.deepEqual(load.wrong, []);
  t.true((await load.checkCiphertexts()) > 0);
  t.deepEqual(node.processes().workers, before.workers, 'no process was started anew');
  t.deepEqual(node.processes().management, before.management);

  await node.withStore(async (vault) => vault.disableKey(key));
  for (const client of clients)
    t.is((await client.encrypt(key, plaintext)).body?.errorName, 'InvalidStateException');
  t.deepEqual(await Promise.all([node.stop(), second.stop()]), [0, 0]);
  const store = await PostgresStore.open(settings);
  t.teardown(async () => store.close());
  const counted = await store.db.selectFrom('key_versions').select('encryptions_leased').execute();
  t.true(
    counted.some(({ encryptions_leased: leased }) => leased > 0),
    'encryptions were counted',
  );
  const used = await store.db.selectFrom('uses').select('kind').distinct().orderBy('kind').execute();
  t.deepEqual(
    used.map(({ kind }) => kind),
    ['credential', 'decrypt', 'encrypt'],
  );
});
