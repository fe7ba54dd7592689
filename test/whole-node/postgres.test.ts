import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { sharedCluster, type PostgresCluster } from '../../testing/postgres.ts';
import { childrenOf, TestNode } from '../../testing/test-node.ts';
import { createSoftHsmToken } from '../../testing/tokens.ts';
import { PostgresStore } from '../../src/store/postgres/postgres.ts';
import { disableCloudKey } from '../../src/keys/cloud-keys.ts';
import { blockSize } from '../../src/keys/encryption-limits.ts';
import { shownOf } from '../../src/fleet/shown-node.ts';
import { hasExited, knownNodeId } from '../../src/node/node-id.ts';
import { loadConfig } from '../../src/config/load.ts';
import { keptHistoryFile, readKeptHistory } from '../../src/store/kept-history-file.ts';
import { freePort } from '../../testing/free-port.ts';
import { Haproxy } from '../../testing/haproxy.ts';
import { memoryDirectory } from '../../testing/memory-directory.ts';
import { encryptBody, XksClient, type KeySetAccess } from '../../testing/xks-client.ts';
import { made } from '../admin/two-vaults.ts';
import { AdminClient } from '../support/admin-client.ts';
import { Http2Load } from '../support/http2-load.ts';
import { newerVersion } from '../support/newer-version.ts';
import { readScrape } from '../../testing/exposition.ts';
import { SteadyLoad, waitUntil } from '../support/steady-load.ts';

/* A whole node whose store is a database of PostgreSQL, by TLS with a password. */

const plaintext = Buffer.alloc(32, 7);

const haproxyAddress = '127.0.0.2';

/** Each is stopped, and started again of the code that is given, while requests come by HAProxy, and not one of them fails. */
async function rollingRestart(
  t: ExecutionContext,
  nodes: readonly (readonly [TestNode, { code?: string }])[],
  access: KeySetAccess,
  key: string,
): Promise<void> {
  const directory = await mkdtemp(path.join(memoryDirectory(), 'holdfast-rolling-'));
  t.teardown(async () => rm(directory, { recursive: true, force: true }));
  const ca = path.join(directory, 'ca.pem');
  await writeFile(ca, (await Promise.all(nodes.map(async ([{ ca }]) => readFile(ca.certificate)))).join(''));
  const haproxy = await Haproxy.start({
    ...{ directory, ca, port: await freePort(), nodes: nodes.map(([{ port }]) => port) },
    // A check may take as long as that, and two that fail take a node out: one that stands still for a moment is not.
    ...{ source: haproxyAddress, interval: 600 },
  });
  t.teardown(async () => haproxy.stop());
  const client = () => new XksClient(haproxy.port, access, { ca, maxSockets: 1 });
  const load = new SteadyLoad({ client }, access, key, { connections: 6, every: 50 });
  const signer = client();
  const body = encryptBody(plaintext);
  const http2 = new Http2Load(haproxy.port, ca, async () =>
    signer.sign(`${access.uriPath}/keys/${key}/encrypt`, body),
  );
  t.teardown(() => signer.close());
  http2.start();
  await load.start();
  for (const [node, version] of nodes) {
    t.is(await node.stop(), 0);
    await haproxy.sees(nodes.length - 1);
    await node.serve({}, version);
    await haproxy.sees(nodes.length);
  }
  await load.stop();
  await http2.stop();
  load.close();
  t.deepEqual(
    http2.answers.filter((answer) => answer !== 200),
    [],
    'over HTTP/2',
  );
  t.true(http2.connections > 1, 'it was asked to go elsewhere');
  t.deepEqual(load.wrong, []);
  t.deepEqual(
    load.answers.filter(({ status }) => status !== 200),
    [],
  );
  t.true(load.answers.length > 100, `${load.answers.length} requests`);
}

/** A later version brings the database up to date, while a node of this one works with it. */
async function upgradedBy(t: ExecutionContext, version: string, config: string): Promise<void> {
  const { stdout } = await promisify(execFile)(process.execPath, [
    ...[path.join(version, 'src/main.ts'), '--config', config],
    'init',
  ]);
  t.regex(stdout, /: brought up to date; nodes of the release that it was of go on working with it/);
}

test('two nodes on one PostgreSQL serve keys, obey a disable at once, and outlive a restart of the server', async (t) => {
  const cluster = await sharedCluster();
  const settings = await cluster.database('template0', 'tls');
  const newer = await newerVersion(t);
  const fixture = await createSoftHsmToken();
  t.teardown(async () => fixture.dispose());
  const options = {
    tokens: [{ fixture }],
    workers: 1,
    admin: true,
    // A worker is stopped here for as long as a lease lasts, and is not to be ended for it.
    node: { worker_silent_ms: 60_000 },
    store: {
      kind: 'postgres',
      address: settings.host,
      port: settings.port,
      database: settings.database,
      user: settings.user,
      password_file: cluster.passwordFile,
      ca: cluster.ca.certificate,
      durability: 'single',
      lease: 10,
    },
  };
  // Long enough for the health checks of HAProxy, which comes from an address of its own.
  const behind = async () => ({
    ...options,
    xks: { port: await freePort(), drain_ms: 4000, proxy_protocol_from: [haproxyAddress] },
  });
  // It outlives a restart of the database, however busy the machine; whoever waits for a lease waits for the other's.
  const node = await TestNode.create({ ...(await behind()), store: { ...options.store, lease: 30 } });
  t.teardown(async () => node.dispose());
  // Without the management API it shows itself and is counted all the same.
  const second = await TestNode.create({ ...(await behind()), admin: false });
  t.teardown(async () => second.dispose());
  t.regex(
    node.output,
    new RegExp(`store ${settings.database} at 127\\.0\\.0\\.1:${settings.port}: up to date`),
  );
  t.regex(await node.cli('serve', '--check'), /: fine/);

  await node.serve();
  // One that cannot start after all ends, and holds no lock of the database.
  const config = await readFile(second.config, 'utf8');
  await writeFile(second.config, config.replace(/(\[xks\][^[]*?\nport = )\d+\n/, `$1${node.port}\n`));
  await t.throwsAsync(second.serve(), { message: new RegExp(`port ${node.port}`) });
  await writeFile(second.config, config);
  await upgradedBy(t, newer, second.config);
  // From here on this version is older than the tables, and two versions serve side by side.
  await second.serve({}, { code: newer });
  const access = await node.makeKeySet('first', { prefix: 'first' });
  const [key, other] = [await node.makeKey('first', 'key'), await node.makeKey('first', 'other')];
  const clients = [node, second, node, second].map((one) => one.client(access, { maxSockets: 1 }));
  t.teardown(() => {
    for (const client of clients) client.close();
  });
  const made = await Promise.all(clients.map(async (client) => client.encrypt(key, plaintext)));
  for (const [index, { status, body, text }] of made.entries()) {
    t.is(status, 200, text);
    // By the other node.
    const decrypted = await clients[(index + 1) % clients.length]?.decrypt(
      key,
      body as Record<string, string>,
    );
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

  const admin = await new AdminClient(node.admin).firstSignIn(node.admin, 'seven herons over the weir');
  const scrape = async () => readScrape((await admin.get('/metrics')).text);
  // The last change was given back, and nobody has waited until each worker has confirmed it.
  await waitUntil(async () => (await scrape()).value('holdfast_workers_unconfirmed') === 0);
  const { samples, value } = await scrape();
  t.true(value('holdfast_worker_lease_remaining_seconds', { worker: '0' }) > 0);
  t.is(value('holdfast_worker_lease_length_seconds'), 30);
  t.true(value('holdfast_worker_asks_total', { why: 'refusal' }) >= 5, 'each that found the key disabled');
  t.true(value('holdfast_worker_revision') <= value('holdfast_store_revision'));
  t.like(
    samples.find(({ name }) => name === 'holdfast_workers_unconfirmed'),
    { value: 0 },
  );
  t.like((await admin.get('/status')).body, { workerLeases: { workers: 1, held: 1, seconds: 30 } });

  await stoppedWorker(t, [node, second], access, other);
  await killedWorker(t, [node, second], access, other);
  await killedNode(t, node, admin, { access, key, other });
  // Each version reads what the other says of itself.
  await waitUntil(async () => {
    const shown = await node.withStore(async ({ vaultContext }) =>
      vaultContext.store.db.selectFrom('nodes').selectAll().execute(),
    );
    const told = await Promise.all(clients.slice(0, 2).map(async (client) => client.health()));
    return (
      new Set(shown.map(({ version }) => version)).size === 2 &&
      shown.every((row) => shownOf(row)?.serves === true) &&
      told.every(({ body }) => body.xksProxyFleetSize === 2)
    );
  });
  // One becomes the later version, and the other goes back to this one.
  await rollingRestart(
    t,
    [
      [node, { code: newer }],
      [second, {}],
    ],
    access,
    key,
  );

  // The one that was started last has counted both.
  const { body: health } = await (clients[1] as XksClient).health();
  t.like(health, { xksProxyFleetSize: 2, ekmFleetDetails: [{ id: 'token' }] });
  const serials = new Set<string | null | undefined>();
  await waitUntil(async () => {
    const shown = await node.withStore(async ({ vaultContext }) =>
      vaultContext.store.db.selectFrom('nodes').selectAll().execute(),
    );
    const tokens = shown.map((row) => shownOf(row)?.tokens[0]);
    for (const token of tokens) serials.add(token?.serial);
    return (
      tokens.length === 2 &&
      tokens.every((token) => token?.health === 'ACTIVE') &&
      shown.every((row) => shownOf(row)?.serves === true) &&
      shown.filter((row) => shownOf(row)?.manages === true).length === 1 &&
      shown.every((row) => Math.abs(shownOf(row)?.clockOffset ?? Infinity) < 2_000) &&
      // What each has claimed of the quotas.
      shown.every((row) => (shownOf(row)?.quotas?.each ?? 0) > 0)
    );
  });
  serials.delete(null);
  t.is(serials.size, 1, 'it is one HSM');

  // Started again it listens elsewhere, and the session is still one.
  const whileAway = await scrapedWithout(t, cluster, new AdminClient(node.admin, admin.token));
  const fresh = await node.makeKey('first', 'fresh');
  await waitUntil(async () =>
    node.withStore(async (vault) => {
      const { id } = await vault.key(fresh);
      const { store } = vault.vaultContext;
      const leased = await store.db
        .selectFrom('key_versions')
        .select('encryptions_leased')
        .where('cloud_key_id', '=', id)
        .executeTakeFirstOrThrow();
      return leased.encryptions_leased >= 2 * blockSize;
    }),
  );
  const before = node.processes();
  const load = new SteadyLoad(node, access, key, { connections: 4, every: 100 });
  await load.start();
  await cluster.stop('crash');
  // Nobody has asked for it before, and the database is away. First of all: the other's lease is short.
  for (const { status, text } of await Promise.all(
    clients.map(async (client) => client.encrypt(fresh, plaintext)),
  ))
    t.is(status, 200, text);
  await whileAway();
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
  // The outage was shorter than the lease.
  t.deepEqual(
    load.answers.filter(({ status }) => status !== 200),
    [],
  );
  t.true((await load.checkCiphertexts()) > 0);
  t.deepEqual(node.processes().workers, before.workers, 'no process was started anew');
  t.deepEqual(node.processes().management, before.management);

  await node.withStore(async (vault) => vault.disableKey(key));
  for (const client of clients)
    t.is((await client.encrypt(key, plaintext)).body?.errorName, 'InvalidStateException');
  t.deepEqual(await movedAway(t, [node, second], cluster, settings.database), [0, 78]);
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

/**
 * A database that hangs, and one that is away, are told to an API key that the node has looked up, and to nobody else. What is answered
 * looks once it is away.
 */
async function scrapedWithout(
  t: ExecutionContext,
  cluster: PostgresCluster,
  admin: AdminClient,
): Promise<() => Promise<void>> {
  const expiresAt = new Date(Date.now() + 86_400_000).toISOString();
  const apiKey = async (name: string) =>
    made(admin, '/user/api-keys', { name, scope: ['metrics.read'], expiresAt });
  const [prometheus, revoked, unused] = [
    await apiKey('prometheus'),
    await apiKey('revoked'),
    await apiKey('unused'),
  ];
  const [scraper, other, stranger] = [prometheus, revoked, unused].map(({ secret }) => admin.as(secret)) as [
    AdminClient,
    AdminClient,
    AdminClient,
  ];
  // On a busy machine the database may take longer than a scrape waits for it.
  const answered = async (client: AdminClient) =>
    waitUntil(async () => (await client.get('/metrics')).status === 200);
  await answered(scraper);
  let whole = readScrape('').value;
  await waitUntil(async () => {
    whole = readScrape((await scraper.get('/metrics')).text).value;
    return whole('holdfast_store_up') === 1;
  });
  t.true(whole('holdfast_store_answer_seconds') > 0);
  t.true(whole('holdfast_store_connections') > 0);
  await answered(other);
  t.is((await admin.request('DELETE', `/user/api-keys/${revoked.id}`)).status, 204);
  await answered(scraper);

  const told = async () => {
    const answer = await scraper.get('/metrics');
    t.is(answer.status, 200, answer.text);
    const { value, samples } = readScrape(answer.text);
    const has = (name: string) => samples.some((one) => one.name === name);
    t.is(value('holdfast_store_up'), 0);
    t.true(value('holdfast_worker_lease_remaining_seconds') > 0);
    t.true(value('holdfast_xks_requests_total', { operation: 'Encrypt', error: 'none' }) > 0);
    t.is(value('holdfast_token_health', { token: 'token', health: 'ACTIVE' }), 1);
    t.true(has('holdfast_store_connections'));
    t.true(value('holdfast_certificate_expiry_timestamp_seconds') > 0);
    for (const name of ['holdfast_findings', 'holdfast_store_revision', 'holdfast_store_writable'])
      t.false(has(name), `${name} is not known`);
  };
  process.kill(cluster.pid, 'SIGSTOP');
  // It starts none any more.
  const pids = [cluster.pid, ...childrenOf(cluster.pid)];
  for (const pid of pids) process.kill(pid, 'SIGSTOP');
  try {
    await told();
  } finally {
    for (const pid of pids) process.kill(pid, 'SIGCONT');
  }
  return async () => {
    await told();
    for (const [who, client] of [
      ['was revoked here', other],
      ['was never looked up', stranger],
      ['has a session', admin],
    ] as const) {
      const { status, body } = await client.get('/metrics');
      t.is(status, 503, who);
      t.is((body as { type: string }).type, 'urn:holdfast:problem:store-unavailable', who);
    }
    t.is((await scraper.get('/status')).status, 503, 'nothing but the metrics');
  };
}

/** A worker that is stopped is waited for, by name, and answers no success once it goes on. */
async function stoppedWorker(
  t: ExecutionContext,
  [node, second]: [TestNode, TestNode],
  access: KeySetAccess,
  key: string,
): Promise<void> {
  const pid = second.processes().workers[0] as number;
  const client = second.client(access, { maxSockets: 1 });
  t.teardown(() => client.close());
  t.is((await client.encrypt(key, plaintext)).status, 200);
  process.kill(pid, 'SIGSTOP');
  await node.withStore(async (vault) => {
    const { id } = await vault.key(key);
    await disableCloudKey(vault.vaultContext, vault.act(), { vaultId: vault.vaultId, sight: 'all', id });
    let states: string[] = [];
    await waitUntil(async () => {
      states = (await vault.inForce(0)).nodes.map(({ state }) => state).toSorted();
      return states.includes('confirmed');
    });
    t.deepEqual(states, ['confirmed', 'waiting']);
  });
  const sent = client.encrypt(key, plaintext);
  const ended = await node.withStore(async (vault) => vault.inForce());
  // Another process may have removed the row of a worker whose lease has ended before it was looked at again.
  t.deepEqual(
    ended.nodes
      .map(({ state }) => state)
      .filter((state) => state !== 'ended')
      .toSorted(),
    ['confirmed'],
  );
  process.kill(pid, 'SIGCONT');
  t.is((await sent).body?.errorName, 'InvalidStateException');
  await node.withStore(async (vault) => vault.enableKey(key));
  t.is((await client.encrypt(key, plaintext)).status, 200, 'what is given holds at once');
}

/** Nobody waits for the lease of a worker that was killed: its supervisor saw it exit, and has removed its row. */
async function killedWorker(
  t: ExecutionContext,
  [node, second]: [TestNode, TestNode],
  access: KeySetAccess,
  key: string,
): Promise<void> {
  let holders: { id: string }[] = [];
  // One that was stopped joins anew.
  await waitUntil(async () => {
    holders = await node.withStore(async ({ vaultContext }) =>
      vaultContext.store.db.selectFrom('snapshot_holders').select('id').execute(),
    );
    return holders.length === 2;
  });
  const exited = () => holders.filter(({ id }) => hasExited(id.split('/')[1] ?? '')).length;
  t.is(exited(), 0);
  process.kill(second.processes().workers[0] as number, 'SIGKILL');
  await node.withStore(async (vault) => {
    const { id } = await vault.key(key);
    await disableCloudKey(vault.vaultContext, vault.act(), { vaultId: vault.vaultId, sight: 'all', id });
    const states = new Set((await vault.inForce()).nodes.map(({ state }) => state));
    t.deepEqual([...states], ['confirmed'], 'no lease has to end');
    t.is(exited(), 1, 'the id of the row names the process');
    await vault.enableKey(key);
  });
  const client = second.client(access, { maxSockets: 1 });
  t.teardown(() => client.close());
  await waitUntil(async () => {
    const answer = await client.encrypt(key, plaintext).catch(() => undefined);
    return answer?.status === 200;
  });
}

/**
 * A node whose lock was lost while the store was moved ends as soon as it can connect again, and no service manager starts it anew. The
 * other keeps its lock, and is stopped meanwhile. Resolves with their exit codes; the store is no longer marked then.
 */
async function movedAway(
  t: ExecutionContext,
  [node, second]: [TestNode, TestNode],
  cluster: PostgresCluster,
  database: string,
): Promise<(number | null)[]> {
  const ask = async (statement: string) => cluster.asSuperuser(statement, database);
  const sessionOf = ({ pid }: TestNode) =>
    `FROM pg_stat_activity WHERE application_name LIKE 'holdfast serve, process ${pid} on %'`;
  // The server was started again, and nodes serve by their leases before they have the lock again: with the mark there they would not take it.
  for (const one of [node, second])
    await waitUntil(async () => (await ask(`SELECT pid ${sessionOf(one)}`)).length === 1);
  await ask("INSERT INTO store_moves VALUES ('move', '/elsewhere', '2031-05-05', '2031-05-06')");
  t.is((await ask(`SELECT pg_terminate_backend(pid) ${sessionOf(second)}`)).length, 1);
  const stopped = node.stop();
  await waitUntil(() => !second.running);
  t.regex(
    second.output,
    /cannot serve: the store at .+ was moved to \/elsewhere at 2031-05-06: .+; start the node/,
  );
  const codes = [await stopped, await second.stop()];
  await ask('DELETE FROM store_moves');
  return codes;
}

/**
 * A node that is killed as a whole, in the middle of requests and acts, and is started again on the same state directory, has lost nothing
 * that it had acknowledged.
 */
async function killedNode(
  t: ExecutionContext,
  node: TestNode,
  admin: AdminClient,
  { access, key, other }: { access: KeySetAccess; key: string; other: string },
): Promise<void> {
  const { state_directory: state } = loadConfig(node.config).node;
  const id = knownNodeId(state);
  const leased = async () =>
    node.withStore(async (vault) => {
      const row = await vault.vaultContext.store.db
        .selectFrom('key_versions')
        .select('encryptions_leased')
        .where('cloud_key_id', '=', (await vault.key(key)).id)
        .executeTakeFirstOrThrow();
      return row.encryptions_leased;
    });
  const load = new SteadyLoad(node, access, key, { connections: 4 });
  t.teardown(() => load.close());
  await load.start();
  await node.withStore(async (vault) => {
    await vault.disableKey(other);
    t.deepEqual([...new Set((await vault.inForce()).nodes.map(({ state: one }) => one))], ['confirmed']);
  });
  const acknowledged: string[] = [];
  const acts = (async () => {
    for (;;) {
      const user = { username: `person-${acknowledged.length}`, email: 'person@example.com' };
      const made = await admin.post('/users', { ...user, role: 'appliance-auditor' }).catch(() => undefined);
      if (made?.status !== 201) return;
      acknowledged.push(user.username);
    }
  })();
  await waitUntil(() => acknowledged.length >= 2 && load.answers.length > 20);
  await node.stop('SIGKILL');
  await Promise.all([acts, load.stop()]);
  t.true(load.wrong.every((text) => text.startsWith('no answer')));
  load.wrong.length = 0;
  const { kept, problem } = readKeptHistory(keptHistoryFile(state));
  t.is(problem, undefined);
  t.like(
    kept.changes.findLast(({ name }) => name === other),
    { taken: '{"refused":"DISABLED"}' },
    'what it has confirmed it keeps beside the store',
  );
  const before = await leased();

  await node.serve();
  t.is(knownNodeId(state), id);
  // Nobody has to wait for the workers that were killed: it has removed their rows.
  await waitUntil(async () =>
    node.withStore(async ({ vaultContext }) => {
      const rows = await vaultContext.store.db.selectFrom('snapshot_holders').select('id').execute();
      return rows.length === 2 && !rows.some((row) => hasExited(row.id.split('/')[1] ?? ''));
    }),
  );
  t.true((await load.checkCiphertexts()) > 0);
  t.deepEqual(load.wrong, []);
  const [client] = load.clients;
  t.is((await client?.encrypt(other, plaintext))?.body?.errorName, 'InvalidStateException');
  t.is((await client?.encrypt(key, plaintext))?.status, 200);
  t.true((await leased()) >= before + blockSize, 'what the killed worker had left is never used');
  const { body } = await new AdminClient(node.admin, admin.token).get('/users?limit=200');
  const users = new Set((body as { items: { username: string }[] }).items.map(({ username }) => username));
  t.deepEqual(
    acknowledged.filter((username) => !users.has(username)),
    [],
  );
  await node.withStore(async (vault) => {
    const nodes = await vault.vaultContext.store.db.selectFrom('nodes').select('id').execute();
    t.is(nodes.length, 2, 'it is the same node');
    await vault.enableKey(other);
  });
}
