import { randomBytes, randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import anyTest, { type ExecutionContext, type TestFn } from 'ava';
import { ownKeys } from '../../src/token/own-keys.ts';
import { listVersions } from '../support/versions.ts';
import { inToken, type Deed } from '../../testing/in-token.ts';
import { InProcessNode } from '../../testing/in-process-node.ts';
import type { NodeVault } from '../../testing/node-vault.ts';
import { createSoftHsmToken, type TokenFixture } from '../../testing/tokens.ts';
import { insertVault } from '../../testing/vault.ts';
import type { KeySetAccess, XksClient, XksResponse } from '../../testing/xks-client.ts';

/*
 * Whoever can write to the store moves and swaps what belongs to tenants, on a running node and over a restart of its token
 * hosts: not one request succeeds with another tenant's key, none is told that good ciphertext is bad, and all others are
 * served.
 */

interface Tenant {
  keySet: string;
  access: KeySetAccess;
  client: XksClient;
  key: string;
  encrypted: Record<string, string>;
}

const test = anyTest as TestFn<{ fixture: TokenFixture; node: InProcessNode; bystander: Tenant }>;
let tenants = 0;

async function tenant(node: InProcessNode): Promise<Tenant> {
  const keySet = `tenant-${++tenants}`;
  const access = await node.makeKeySet(keySet, { prefix: keySet });
  const client = node.client(access);
  const key = await node.makeKey(keySet, 'key');
  const { status, body } = await client.encrypt(key, keySet);
  if (status !== 200) throw new Error('the node does not encrypt');
  return { keySet, access, client, key, encrypted: body as Record<string, string> };
}

test.before(async (t) => {
  const fixture = await createSoftHsmToken();
  const node = await InProcessNode.start({ tokens: [{ fixture }] });
  t.context = { fixture, node, bystander: await tenant(node) };
});
test.after.always(async (t) => t.context.node.dispose());

type Change = (vault: NodeVault) => Promise<unknown>;

async function forge(node: InProcessNode, change: Change): Promise<void> {
  await node.withVault(async (vault) => {
    await change(vault);
    // Whoever writes past Holdfast has workers look by the revision, which then has no list of what was changed.
    await vault.vaultContext.store.db
      .updateTable('revision')
      .set((eb) => ({ revision: eb('revision', '+', 1) }))
      .execute();
  });
}

/** Not one request succeeds: trouble of ours, or a key that is not there, but never ciphertext that is bad. */
function isRefused(t: ExecutionContext, { status, body }: XksResponse, words: string): void {
  t.true([404, 500].includes(status), `${words}: ${status} ${JSON.stringify(body)}`);
  t.true(
    ['KeyNotFoundException', 'InternalException'].includes(body.errorName),
    `${words}: ${body.errorName}`,
  );
}

/** Both tenants try their own keys and each other's ciphertext, before and after the token hosts are new. */
async function nothingPasses(
  t: ExecutionContext<{ node: InProcessNode; bystander: Tenant }>,
  [mine, theirs]: [Tenant, Tenant],
  keys: string[],
): Promise<void> {
  const { node, bystander } = t.context;
  for (const when of ['running', 'restarted']) {
    for (const { client, keySet } of [mine, theirs])
      for (const key of keys) {
        const words = `${when}, ${keySet} with ${key}`;
        isRefused(t, await client.encrypt(key, 'x'), words);
        isRefused(t, await client.encrypt(key, 'x', { cdiv: true }), words);
        for (const { encrypted } of [mine, theirs]) isRefused(t, await client.decrypt(key, encrypted), words);
      }
    const served = await bystander.client.decrypt(bystander.key, bystander.encrypted);
    t.is(served.status, 200, `${when}: all others are served`);
    if (when === 'restarted') continue;
    const before = node.hostPids();
    for (const pid of before) process.kill(pid, 'SIGKILL');
    while (node.hostPids().length === 0 || node.hostPids().some((pid) => before.includes(pid)))
      await delay(20);
  }
}

const setVersion =
  (externalKeyId: string, values: Record<string, unknown>): Change =>
  async (vault) => {
    const { id } = await vault.key(externalKeyId);
    await vault.vaultContext.store.db
      .updateTable('key_versions')
      .set(values)
      .where('cloud_key_id', '=', id)
      .execute();
  };

async function versionOf(vault: NodeVault, externalKeyId: string) {
  const [version] = await listVersions(vault.vaultContext, await vault.key(externalKeyId));
  if (version === undefined) throw new Error('a key without a version');
  return version;
}

test.serial('two versions whose key objects and proofs are swapped between tenants', async (t) => {
  const { node } = t.context;
  const both: [Tenant, Tenant] = [await tenant(node), await tenant(node)];
  const [mine, theirs] = both;
  const [one, other] = await node.withVault(async (vault) => [
    await versionOf(vault, mine.key),
    await versionOf(vault, theirs.key),
  ]);
  for (const without of [{}, { proof: null }]) {
    await forge(node, async (vault) => {
      await setVersion(mine.key, { object_id: Buffer.from('away') })(vault);
      await setVersion(theirs.key, { object_id: one?.object_id, proof: one?.proof, ...without })(vault);
      await setVersion(mine.key, { object_id: other?.object_id, proof: other?.proof, ...without })(vault);
    });
    await nothingPasses(t, both, [mine.key, theirs.key]);
  }
  const line = await node.waitForLog(
    ({ level, externalKeyId }) => level === 'error' && externalKeyId === mine.key,
  );
  t.like(line, { token: 'token', keySet: mine.keySet, keyVersion: 1 });
  const noted = await node.withVault(async (vault) => versionOf(vault, mine.key));
  t.truthy(noted.unfit_since, 'it is told with the version');
  await forge(node, async (vault) => {
    await setVersion(mine.key, { object_id: Buffer.from('away') })(vault);
    await setVersion(theirs.key, { object_id: other?.object_id, proof: other?.proof })(vault);
    await setVersion(mine.key, { object_id: one?.object_id, proof: one?.proof })(vault);
  });
  for (const { client, key, encrypted } of both) t.is((await client.decrypt(key, encrypted)).status, 200);
});

test.serial('a key that is moved to the key set of another tenant', async (t) => {
  const { node } = t.context;
  const both: [Tenant, Tenant] = [await tenant(node), await tenant(node)];
  const [mine, theirs] = both;
  for (const without of [{}, { proof: null }]) {
    await forge(node, async (vault) => {
      const { id } = await vault.keySet(theirs.keySet);
      await vault.vaultContext.store.db
        .updateTable('cloud_keys')
        .set({ key_set_id: id, name: 'moved' })
        .where('external_key_id', '=', mine.key)
        .execute();
      if ('proof' in without) await setVersion(mine.key, without)(vault);
    });
    await nothingPasses(t, both, [mine.key]);
  }
});

test.serial('a credential that is moved to the key set of another tenant', async (t) => {
  const { node } = t.context;
  const [mine, theirs] = [await tenant(node), await tenant(node)];
  await forge(node, async (vault) => {
    const { id } = await vault.keySet(theirs.keySet);
    await vault.vaultContext.store.db
      .updateTable('xks_credentials')
      .set({ key_set_id: id })
      .where('access_key_id', '=', mine.access.accessKeyId)
      .execute();
  });
  const thief = node.client({ ...mine.access, uriPath: theirs.access.uriPath });
  isRefused(t, await thief.decrypt(theirs.key, theirs.encrypted), 'with the other’s key set');
  t.is((await theirs.client.decrypt(theirs.key, theirs.encrypted)).status, 200);
  t.is((await mine.client.decrypt(mine.key, mine.encrypted)).status, 401, 'it is none of its own any more');
});

/** By whoever can write to the token; of keys of our own making: test/token/swapped-key.test.ts. Before another vault may use the token. */
const swaps: Record<string, (place: { id: string; label: string }) => Deed> = {
  'a random one of its label': (place) => ({ do: 'generate', ...place }),
  'a known one of its label': (place) => ({ do: 'plant', ...place, value: randomBytes(32).toString('hex') }),
  'a known, extractable one of another': ({ id }) => ({
    ...{ do: 'plant', id, label: 'another', value: randomBytes(32).toString('hex'), extractable: true },
  }),
};

for (const [words, swap] of Object.entries(swaps))
  test.serial(`a key that was taken over, its key object swapped for ${words}`, async (t) => {
    const { fixture, node } = t.context;
    const mine = await tenant(node);
    const place = { id: randomBytes(8).toString('hex'), label: `before-${tenants}` };
    await inToken(fixture, [{ do: 'generate', ...place }]);
    const key = await node.withVault(async (vault) => vault.adoptKey(mine.keySet, place.label, place.label));
    const { status, body } = await mine.client.encrypt(key, 'x');
    t.is(status, 200);
    await inToken(fixture, [{ do: 'destroy', id: place.id }, swap(place)]);
    const own: Tenant = { ...mine, key, encrypted: body as Record<string, string> };
    await nothingPasses(t, [own, own], [key]);
    await node.waitForLog(({ level, externalKeyId }) => level === 'error' && externalKeyId === key);
    const noted = await node.withVault(async (vault) => versionOf(vault, key));
    t.truthy(noted.unfit_since, 'it is told with the version');
    t.is((await mine.client.decrypt(mine.key, mine.encrypted)).status, 200, 'its neighbour is served');
  });

test.serial('a key set that is moved to another vault, its credentials and keys with it', async (t) => {
  const { node } = t.context;
  const mine = await tenant(node);
  await forge(node, async (vault) => {
    const { id } = await insertVault(vault.vaultContext.store, randomUUID(), ['token']);
    await vault.vaultContext.store.db
      .updateTable('key_sets')
      .set({ vault_id: id })
      .where('name', '=', mine.keySet)
      .execute();
  });
  isRefused(t, await mine.client.decrypt(mine.key, mine.encrypted), 'with the credential of before');
  // One that the thief issues in their own vault opens, and then the key shows whose it is.
  const own = node.client(await node.withVault(async (vault) => vault.issueCredential(mine.keySet)));
  isRefused(t, await own.decrypt(mine.key, mine.encrypted), 'with a credential of the thief’s');
  isRefused(t, await own.encrypt(mine.key, 'x'), 'with a credential of the thief’s');
});

for (const [name, { id }] of Object.entries(ownKeys))
  test.serial(`a key whose row names our own ${name} key`, async (t) => {
    const { node } = t.context;
    const both: [Tenant, Tenant] = [await tenant(node), await tenant(node)];
    const [mine] = both;
    await forge(node, setVersion(mine.key, { object_id: id, proof: null }));
    await nothingPasses(t, both, [mine.key]);
    await forge(node, setVersion(mine.key, { object_id: Buffer.from(randomUUID()) }));
  });
