import { appendFile } from 'node:fs/promises';
import test from 'ava';
import { versionLabel, versionObjectId } from '../../src/token/own-keys.ts';
import { cloneSoftHsmToken } from '../../testing/cloned-token.ts';
import { inToken } from '../../testing/in-token.ts';
import { Shim } from '../../testing/shim.ts';
import { TestNode, type LogLine } from '../../testing/test-node.ts';
import { createSoftHsmToken, type TokenFixture } from '../../testing/tokens.ts';
import type { KeySetAccess } from '../../testing/xks-client.ts';
import { memberTable } from '../support/member-table.ts';
import { waitUntil } from '../support/steady-load.ts';
import { OpenPool } from '../token/open-pool.ts';

/* A node with two HSMs that hold the same keys, from its configuration to what AWS is told. */

const state = {} as {
  a: TokenFixture;
  b: TokenFixture;
  shim: Shim;
  node: TestNode;
  access: KeySetAccess;
  keys: string[];
};

test.before(async () => {
  state.a = await createSoftHsmToken();
  state.node = await TestNode.create({
    tokens: [{ fixture: state.a, settings: { hosts: 2, sick_after_ms: 80, kill_after_ms: 1000 } }],
  });
  const { node } = state;
  state.access = await node.makeKeySet('first', { prefix: 'first' });
  state.keys = [await node.makeKey('first', 'one'), await node.makeKey('first', 'two')];
  await node.closeVault();
  // As a group of HSMs has it, each key is in both.
  state.b = await cloneSoftHsmToken(state.a, await serialOf(state.a));
  state.shim = await Shim.create(state.b.module);
  const members = [
    { name: 'a', module: state.a.module, environment: state.a.environment },
    {
      name: 'b',
      module: state.shim.module,
      environment: { ...state.b.environment, ...state.shim.environment },
    },
  ];
  await appendFile(node.config, members.map(memberTable).join(''));
  await node.serve();
});

test.after.always(async () => {
  await state.node?.dispose();
  await state.shim?.dispose();
  await state.b?.dispose();
  await state.a?.dispose();
});

async function serialOf(fixture: TokenFixture): Promise<string> {
  const open = new OpenPool(fixture, { prepare: false });
  await open.startInTurn();
  const [ready] = open.events;
  await open.stop();
  return ready?.kind === 'ready' ? ready.serial : '';
}

/** CKA_ID of the key object of the first version, in hex, and its label. */
async function keyObject(externalKeyId: string): Promise<{ id: string; label: string }> {
  return state.node.withStore(async ({ vaultContext }) => {
    const key = await vaultContext.store.db
      .selectFrom('cloud_keys')
      .selectAll()
      .where('external_key_id', '=', externalKeyId)
      .executeTakeFirstOrThrow();
    const label = versionLabel(key.key_set_id, key.external_key_id, 1);
    return { id: versionObjectId(key.id, 1).toString('hex'), label };
  });
}

test.serial('AWS is told of each HSM', async (t) => {
  const client = state.node.client(state.access);
  t.teardown(() => client.close());
  const { body } = await client.health();
  t.deepEqual(
    body.ekmFleetDetails.map(({ id, healthStatus }: Record<string, string>) => `${id} ${healthStatus}`),
    ['a ACTIVE', 'b ACTIVE'],
  );
});

test.serial('a key object that is another on one HSM is told, and no request fails', async (t) => {
  const [key = ''] = state.keys;
  const { id, label } = await keyObject(key);
  await inToken(state.b, [
    { do: 'destroy', id },
    { do: 'generate', id, label },
  ]);
  const client = state.node.client(state.access);
  t.teardown(() => client.close());
  const isTold = ({ msg }: LogLine) => msg.startsWith('a member of the HSM group');
  // One after another they all go to the same host.
  while (!state.node.log.some(isTold)) {
    const answers = Array.from({ length: 8 }, async () => client.encrypt(key, Buffer.from('data')));
    for (const { status } of await Promise.all(answers)) t.is(status, 200);
  }
  const told = state.node.log.filter(isTold);
  t.is(told.length, 1, 'once');
  t.like(told[0], { level: 'error', member: 'b', fault: 'key-unfit', keyVersion: 1 });
});

test.serial('one HSM hangs: no request fails, AWS is told, and all is well once it is back', async (t) => {
  const [, key = ''] = state.keys;
  const client = state.node.client(state.access);
  t.teardown(() => client.close());
  const statuses = async () => {
    const { body } = await client.health();
    return body.ekmFleetDetails.map(({ healthStatus }: Record<string, string>) => healthStatus).join();
  };
  await state.shim.set([{ call: '*', hang: true }]);
  await waitUntil(async () => {
    const answers = Array.from({ length: 8 }, async () => client.encrypt(key, Buffer.from('data')));
    for (const { status } of await Promise.all(answers)) t.is(status, 200);
    return (await statuses()) === 'ACTIVE,UNAVAILABLE';
  });
  await state.shim.clear();
  await waitUntil(async () => (await statuses()) === 'ACTIVE,ACTIVE');
});
