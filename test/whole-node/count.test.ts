import { randomBytes } from 'node:crypto';
import { realpathSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import Database from 'better-sqlite3';
import test from 'ava';
import { loadConfig } from '../../src/config/load.ts';
import { SqliteStore } from '../../src/store/sqlite/sqlite.ts';
import { EncryptionCount, EncryptionLimitError } from '../../src/serving/encryption-count.ts';
import { blockSize, refuseAt, rotateAt } from '../../src/keys/encryption-limits.ts';
import type { CloudKey } from '../../src/serving/directory.ts';
import { CoreWaits } from '../support/core-waits.ts';
import { FrozenDisk } from '../support/frozen-disk.ts';
import { LoopDisk } from '../../testing/loop-disk.ts';
import { Shim } from '../../testing/shim.ts';
import { createSoftHsmToken } from '../../testing/tokens.ts';
import { TestNode } from '../../testing/test-node.ts';
import { versionOf, type XksClient } from '../../testing/xks-client.ts';
import { fared, hindered, retryable, SteadyLoad, waitUntil } from '../support/steady-load.ts';
import { openToWrite } from '../support/process-facts.ts';
import { leasesOf } from '../../testing/leases.ts';

/* Encryptions per key version are counted ahead of their use: rotation before 2³¹, refusal before 2³² (promise 5). */

/** How long nothing can be written, milliseconds. */
const hinderedFor = { locked: 10_000, frozen: 10_000 };

interface Bench {
  node: TestNode;
  shim: Shim;
  key: string;
  clients: XksClient[];
  store: Database.Database;
}

type Step = (() => Promise<void>) | (() => void);
type Undo = (step: Step) => void;

async function setUp(
  undo: Undo,
  xks: Record<string, number> = {},
  { disk, admin = false }: { disk?: LoopDisk | FrozenDisk; admin?: boolean } = {},
): Promise<Bench> {
  const fixture = await createSoftHsmToken();
  undo(async () => fixture.dispose());
  const shim = await Shim.create(fixture.module);
  undo(async () => shim.dispose());
  const node = await TestNode.create({
    tokens: [{ fixture, shim }],
    workers: 2,
    xks,
    admin,
    ...(disk instanceof LoopDisk ? { node: { state_directory: disk.directory } } : {}),
  });
  undo(async () => node.dispose());
  await node.serve(disk?.environment);
  const access = await node.makeKeySet('first', { prefix: 'first' });
  const key = await node.makeKey('first', 'key');
  const clients = Array.from({ length: 12 }, () => node.client(access, { maxSockets: 1 }));
  undo(() => {
    for (const client of clients) client.close();
  });
  await Promise.all(clients.map(async (client) => client.health()));
  const store = new Database(storePath(node));
  undo(() => store.close());
  return { node, shim, key, clients, store };
}

/** Most tests share a node, and each has a key of its own. */
let shared: Bench;
const undone: Step[] = [];

test.before(async () => {
  shared = await setUp((step) => undone.push(step), {}, { admin: true });
});
test.after.always(async () => {
  for (const step of undone.toReversed()) await step();
});

async function ownKey(name: string): Promise<Bench> {
  return { ...shared, key: await shared.node.makeKey('first', name) };
}

function storePath(node: TestNode): string {
  return loadConfig(node.config).storePath;
}

const ofKey = 'cloud_key_id = (SELECT id FROM cloud_keys WHERE name = ?)';

function setLeased(store: Database.Database, leased: number, key = 'key'): void {
  store
    .prepare(`UPDATE key_versions SET encryptions_leased = ? WHERE version = 1 AND ${ofKey}`)
    .run(leased, key);
}

function versions(
  store: Database.Database,
  key = 'key',
): { version: number; state: string; encryptions_leased: number }[] {
  return store
    .prepare(`SELECT version, state, encryptions_leased FROM key_versions WHERE ${ofKey} ORDER BY version`)
    .all(key) as never;
}

async function generated(shim: Shim): Promise<number> {
  return (await shim.counts())['C_GenerateKey'] ?? 0;
}

test.serial(
  'just below 2^31 encryptions the key rotates by itself; old and new ciphertext stay readable',
  async (t) => {
    const { node, key, clients, store } = shared;
    setLeased(store, rotateAt - 2 * blockSize);
    const plaintext = randomBytes(32);
    const first = await clients[0]?.encrypt(key, plaintext, { cdiv: true });
    t.is(first?.status, 200);
    t.is(versionOf(first?.body), 1);
    await node.waitForLog((line) => line.msg.startsWith('CloudKey rotated'));
    await waitUntil(() => versions(store).some(({ version, state }) => version === 2 && state === 'ACTIVE'));
    const answers = await Promise.all(
      clients.map(async (client) => client.encrypt(key, plaintext, { cdiv: true })),
    );
    for (const { status, body } of answers) {
      t.is(status, 200);
      t.is(versionOf(body), 2);
    }
    for (const { body } of [first, ...answers].filter((answer) => answer !== undefined)) {
      const decrypted = await clients[1]?.decrypt(key, body);
      t.deepEqual(Buffer.from(decrypted?.body.plaintext, 'base64'), plaintext);
    }
    const [one, two, more] = versions(store);
    t.true((one?.encryptions_leased ?? 0) <= rotateAt);
    t.true((two?.encryptions_leased ?? 0) >= answers.length);
    t.is(more, undefined, 'two workers made one new version, not two');
  },
);

test.serial('at 2^32 encryptions, where no new key can be made, no further one is done', async (t) => {
  const { node, shim, key, clients, store } = await ownKey('full');
  await shim.set([{ call: 'C_GenerateKey', rv: 0x54 }]);
  setLeased(store, refuseAt - blockSize + 1, 'full');
  const before = (await shim.counts())['C_Encrypt'] ?? 0;
  const began = performance.now();
  let refused = 0;
  while (refused < 300)
    for (const { status, body } of await Promise.all(
      clients.map(async (client) => client.encrypt(key, randomBytes(32))),
    )) {
      t.is(status, 400);
      t.is(body.errorName, 'InvalidStateException');
      refused++;
    }
  // What C_Encrypt still does is each host's own health check, once in ten seconds; that of the vault's host here too.
  const checks = (node.processes().hosts.length + 1) * Math.ceil((performance.now() - began) / 10_000);
  t.true(((await shim.counts())['C_Encrypt'] ?? 0) - before <= checks);
  await node.waitForLog((line) => line.msg.startsWith('CloudKey could not be rotated'));
  const [one, ...others] = versions(store, 'full');
  t.is(one?.encryptions_leased, refuseAt - blockSize + 1);
  t.log(`${others.length} versions were begun in ${refused} refused requests`);
  t.true(others.length <= 4, `${others.length} versions were begun and never made`);

  // What nobody made is no obstacle once the token can make keys again: an operator need not wait for the next try.
  await shim.clear();
  await node.withVault(async (vault) => vault.rotateKey(key));
  await waitUntil(async () => {
    const answer = await clients[0]?.encrypt(key, randomBytes(32));
    return answer?.status === 200 && (versionOf(answer.body) ?? 0) > 1;
  });
});

// On a node without a management process: whoever writes, it is not that one.
test.serial('while the store is locked or its disk stands still, keys with a lease are served', async (t) => {
  const real = await LoopDisk.create();
  if (typeof real === 'string') t.log(`the disk is a stand-in: ${real}`);
  const disk = typeof real === 'string' ? await FrozenDisk.create() : real;
  t.teardown(async () => disk.dispose());
  const { node, shim, key, clients, store } = await setUp(
    (step) => t.teardown(step),
    { answer_within_ms: 500 },
    { disk },
  );
  const [client] = clients;
  if (client === undefined) throw new Error('no client');
  const load = new SteadyLoad(node, client.access, key, { connections: 8, every: 50 });
  t.teardown(() => load.close());
  const { workers, hosts } = node.processes();
  const waits = new CoreWaits(() => [[process.pid], workers, hosts]);
  t.teardown(() => waits.stop());
  const hindrances = {
    locked: [() => store.exec('BEGIN IMMEDIATE'), () => store.exec('ROLLBACK')],
    frozen: [() => disk.freeze(), () => disk.thaw()],
  } as const;
  for (const [hindrance, [begin, end]] of Object.entries(hindrances)) {
    const milliseconds = hinderedFor[hindrance as keyof typeof hindrances];
    const fresh = await node.withVault(async (vault) =>
      Promise.all(clients.map(async (_, index) => vault.makeKey('first', `${hindrance}-${index}`))),
    );
    await load.start();
    // A rate, which only time tells.
    await delay(4_000);
    const before = fared(waits, load.answers);
    await load.stop();
    // A rotation at the limit is under way: once its key object is made, nothing can be written.
    const name = `${hindrance}-limited`;
    const limited = await node.withVault(async (vault) => vault.makeKey('first', name));
    const made = await generated(shim);
    const making = await shim.barrier();
    await shim.set([{ call: 'C_GenerateKey', wait: making.path }]);
    setLeased(store, rotateAt - 2 * blockSize, name);
    await client.encrypt(limited, randomBytes(32));
    // Not by the store: that it was begun is to be a commit of the node's that nobody has read after. The first reader then
    // is not to wait for the disk.
    while ((await generated(shim)) === made) await delay(5);
    begin();
    await making.lift();
    const over = new AbortController();
    const starting = load.start();
    const waited: string[] = [];
    const asking = clients.slice(1).map(async (fellow, index) => {
      while (!over.signal.aborted) {
        const { status, body } = await fellow.encrypt(fresh[index + 1] ?? '', randomBytes(32));
        if (!over.signal.aborted) waited.push(status === 200 ? 'done' : body.errorName);
      }
    });
    const half = performance.now() + milliseconds / 2;
    await delay(milliseconds);
    const during = load.answers.filter(({ sent, took }) => sent + took < half + milliseconds / 2);
    const later = during.filter(({ sent }) => sent > half);
    over.abort();
    end();
    await Promise.all([starting, ...asking]);
    await load.stop();
    const meanwhile = fared(waits, during);
    const told = `${hindrance}: in four seconds before ${JSON.stringify(before)}, meanwhile ${JSON.stringify(meanwhile)}`;
    t.log(told);
    t.true(during.length > (before.answers * milliseconds) / 12_000, told);
    // On no worker of the two did it stand still.
    t.is(new Set(later.map(({ connection }) => connection)).size, load.clients.length, told);
    t.is(hindered(before, meanwhile), undefined);
    // Without a lease: not done, but told so by the deadline, as what KMS tries again.
    t.true(waited.length >= clients.length, `${waited.length} answers without a lease`);
    t.false(waited.includes('done'));
    for (const answer of waited) t.true(retryable.has(answer), answer);
    await waitUntil(async () => {
      const answers = await Promise.all(fresh.map(async (id) => client.encrypt(id, randomBytes(32))));
      return answers.every(({ status }) => status === 200);
    });
    await waitUntil(() => versions(store, name).every(({ state }) => state === 'ACTIVE'));
    t.is(versions(store, name).length, 2, `${hindrance}: one new version`);
    await waitUntil(async () => versionOf((await client.encrypt(limited, randomBytes(32))).body) === 2);
    await shim.clear();
  }
  t.deepEqual(load.wrong, []);
  // Whoever cannot write to a disk does not wait for it either.
  const file = realpathSync(storePath(node));
  for (const pid of node.processes().workers) t.deepEqual(openToWrite(pid, [file]), []);
});

test.serial('more is always leased than done, also when a worker is killed', async (t) => {
  const { node, shim, key, clients, store } = await ownKey('killed');
  let done = 0;
  const encryptSome = async (rounds: number) => {
    for (let round = 0; round < rounds; round++)
      await Promise.all(
        clients.map(async (client) => {
          const answer = await client.encrypt(key, randomBytes(32)).catch(() => undefined);
          if (answer?.status === 200) done++;
        }),
      );
  };
  await encryptSome(20);
  const leased = () => versions(store, 'killed')[0]?.encryptions_leased ?? 0;
  const before = leased();
  t.true(before >= done);
  // One is the key's own proof.
  t.is((before - 1) % blockSize, 0);
  const { workers } = node.processes();
  for (const pid of workers) {
    const lines = node.log.length;
    process.kill(pid, 'SIGKILL');
    await waitUntil(() => node.log.slice(lines).some(({ msg }) => msg.startsWith('XKS worker gone')));
    await waitUntil(() => node.processes().workers.length === 2 && !node.processes().workers.includes(pid));
    await delay(100);
  }
  // Until their hosts are ready the new ones can do nothing.
  const lately = done;
  await waitUntil(async () => {
    await encryptSome(1);
    return done >= lately + clients.length;
  });
  await encryptSome(20);
  t.log(`${done} encryptions, ${leased()} leased`);
  // What a killed worker had left is lost, never used again: the new ones began with blocks of their own.
  t.true(leased() >= before + blockSize, 'a new worker took a block of its own');
  t.true(leased() >= ((await shim.counts())['C_Encrypt'] ?? 0) - 100);
});

test.serial('of several workers at the limit, together they do what was left and not one more', async (t) => {
  const node = await (async () => {
    const fixture = await createSoftHsmToken();
    t.teardown(async () => fixture.dispose());
    return TestNode.create({ tokens: [{ fixture }] });
  })();
  t.teardown(async () => node.dispose());
  await node.withVault(async (vault) => vault.makeKeySet('first'));
  await node.makeKey('first', 'key');
  const direct = new Database(storePath(node));
  t.teardown(() => direct.close());
  const left = 2 * blockSize;
  setLeased(direct, refuseAt - left);
  const { cloud_key_id: id } = direct.prepare('SELECT cloud_key_id FROM key_versions').get() as never;
  const key = { id, currentVersion: 1 } as unknown as CloudKey;
  let rotations = 0;
  let taken = 0;
  await Promise.all(
    Array.from({ length: 3 }, async () => {
      const store = await SqliteStore.open(storePath(node));
      t.teardown(async () => store.close());
      const count = new EncryptionCount(leasesOf(store), () => rotations++);
      for (;;) {
        const error = await count.take(key).then(
          () => undefined,
          (cause: unknown) => cause,
        );
        if (error !== undefined) {
          t.true(error instanceof EncryptionLimitError);
          t.false(count.takeAnother(key));
          return;
        }
        taken++;
      }
    }),
  );
  t.is(taken, left);
  t.is(versions(direct)[0]?.encryptions_leased, refuseAt);
  t.true(rotations > 0);
});
