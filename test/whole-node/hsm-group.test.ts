import { appendFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import test from 'ava';
import { versionLabel, versionObjectId } from '../../src/token/own-keys.ts';
import { cloneSoftHsmToken } from '../../testing/cloned-token.ts';
import { inToken } from '../../testing/in-token.ts';
import { Shim } from '../../testing/shim.ts';
import { TestNode, type LogLine } from '../../testing/test-node.ts';
import { createSoftHsmToken, type TokenFixture } from '../../testing/tokens.ts';
import type { KeySetAccess } from '../../testing/xks-client.ts';
import { memberTable } from '../../testing/member-table.ts';
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
  /** Of member b alone. */
  pinFile: string;
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
  state.pinFile = path.join(node.directory, 'b.pin');
  // Not the right one, until the first test has seen what comes of it.
  await writeFile(state.pinFile, `x${state.b.pin}`, { mode: 0o600 });
  const members = [
    { name: 'a', module: state.a.module, environment: state.a.environment },
    {
      name: 'b',
      module: state.shim.module,
      environment: { ...state.b.environment, ...state.shim.environment },
      settings: { pin: `{ file = "${state.pinFile}" }` },
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

test.serial(
  'one HSM refuses its PIN: it alone stands aside, and costs one try, over restarts too',
  async (t) => {
    const { node, shim, access, pinFile } = state;
    const [, key = ''] = state.keys;
    const statuses = async () => {
      const client = node.client(access);
      try {
        const { status } = await client.encrypt(key, Buffer.from('data'));
        t.is(status, 200);
        const { body } = await client.health();
        return body.ekmFleetDetails.map(({ healthStatus }: Record<string, string>) => healthStatus).join();
      } finally {
        client.close();
      }
    };
    const standsAside = async (words: RegExp, since: number) => {
      await waitUntil(async () => (await statuses()) === 'ACTIVE,UNAVAILABLE');
      await waitUntil(async () =>
        node.log.slice(since).some(({ level, msg }) => level === 'error' && words.test(msg)),
      );
      t.is((await shim.counts())['C_Login'], 1);
    };
    await standsAside(/^token token:b: .*put the right PIN in place/, 0);
    await node.stop();
    const since = node.log.length;
    await node.serve();
    await standsAside(/^token token:b has refused this PIN before/, since);
    await writeFile(pinFile, state.b.pin, { mode: 0o600 });
    node.signal('SIGHUP');
    await waitUntil(async () => (await statuses()) === 'ACTIVE,ACTIVE');
  },
);

test.serial('AWS is told of each HSM', async (t) => {
  const client = state.node.client(state.access);
  t.teardown(() => client.close());
  // A host that gets no core for 80 ms is sick until it does.
  await t.notThrowsAsync(
    waitUntil(async () => {
      const { body } = await client.health();
      const told = body.ekmFleetDetails.map(
        ({ id, healthStatus }: Record<string, string>) => `${id} ${healthStatus}`,
      );
      return told.join() === 'a ACTIVE,b ACTIVE';
    }),
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
