import { setTimeout as delay } from 'node:timers/promises';
import anyTest, { type ExecutionContext, type TestFn } from 'ava';
import {
  cancelDeletion,
  disableCloudKey,
  enableCloudKey,
  scheduleDeletion,
  updateCloudKey,
} from '../../src/keys/cloud-keys.ts';
import { withdrawCredential, updateCredential } from '../../src/keys/credentials/credentials.ts';
import { freezeKeySet, thawKeySet } from '../../src/keys/key-sets/key-sets.ts';
import { freezeVault, thawVault } from '../../src/vault/vault-freezes.ts';
import type { NodeVault } from '../../testing/node-vault.ts';
import { TestNode } from '../../testing/test-node.ts';
import { createSoftHsmToken } from '../../testing/tokens.ts';
import type { KeySetAccess } from '../../testing/xks-client.ts';
import { pullAway, type Way } from './pulled-away.ts';

/*
 * Promise 2: when a disable has returned, no request sent later succeeds, on any worker; and so for everything else
 * that takes a key away. The acts are those of the management process, beside the node that serves.
 */

const test = anyTest as TestFn<{ node: TestNode; dispose: () => Promise<void> }>;

test.before(async (t) => {
  const fixture = await createSoftHsmToken();
  const node = await TestNode.start({
    tokens: [{ fixture }],
    workers: 2,
  });
  t.context = {
    node,
    dispose: async () => {
      await node.dispose();
      await fixture.dispose();
    },
  };
});
test.after.always(async (t) => t.context.dispose());

/** `HOLDFAST_DISABLES` for another number. */
const disables = Number(process.env['HOLDFAST_DISABLES'] ?? 40);

type Context = ExecutionContext<{ node: TestNode }>;

/** What the acts of a {@link Way} are given. */
interface Held {
  vault: NodeVault;
  keySet: Awaited<ReturnType<NodeVault['keySet']>>;
  keyId: string;
}

/** In each round every connection has requests under way at the moment itself: what lags behind shows at the first. */
interface Crowd {
  rounds: number;
  connections: number;
}
const few: Crowd = { rounds: 8, connections: 32 };

/** Runs the rounds against a key set and a key of their own. */
async function run(
  t: Context,
  name: string,
  { rounds, connections }: Crowd,
  wayOf: (held: Held) => Way | Promise<Way>,
  accesses: KeySetAccess[] = [],
): Promise<void> {
  const { node } = t.context;
  const made = accesses[0] ?? (await node.makeKeySet(name, { prefix: name }));
  const key = await node.makeKey(name, 'key');
  await node.withStore(async (vault) => {
    const held = { vault, keySet: await vault.keySet(name), keyId: (await vault.key(key)).id };
    const outcome = await pullAway(node, { access: made, key }, await wayOf(held), {
      ...{ rounds, connections },
    });
    t.log(`${outcome.pulledAway} requests while it was away, ${outcome.usable} while it was there`);
    t.deepEqual(outcome.wrong.slice(0, 10), []);
    t.true(outcome.pulledAway >= rounds * connections);
  });
  const lines = node.log.filter((line) => line['keySet'] === name);
  t.is(new Set(lines.map((line) => line['pid'])).size, 2, 'both workers were asked');
  for (const operation of ['Encrypt', 'Decrypt'])
    t.true(lines.some((line) => line['operation'] === operation && line['status'] === 200));
}

async function enable({ vault, keyId }: Held): Promise<void> {
  await enableCloudKey(vault.vaultContext, vault.act(), { vaultId: vault.vaultId, sight: 'all', id: keyId });
}

/** Waits for the moment itself: the clock is the node's too. */
async function untilClock(time: Date): Promise<void> {
  await delay(Math.max(0, time.getTime() - Date.now() - 5));
  while (Date.now() < time.getTime());
}

test.serial(
  `from the moment a disable has answered no success begins: ${disables} times on 64 connections`,
  async (t) =>
    run(t, 'disabled', { rounds: disables, connections: 64 }, (held) => ({
      refusedWith: 'InvalidStateException',
      pull: async () => {
        const { vault, keyId } = held;
        await disableCloudKey(vault.vaultContext, vault.act(), {
          vaultId: vault.vaultId,
          sight: 'all',
          id: keyId,
        });
      },
      giveBack: async () => enable(held),
    })),
);

test.serial(
  'from the moment a key expires no success begins, whether anybody has written so or not',
  async (t) =>
    run(t, 'expiring', few, (held) => {
      const { vault, keyId } = held;
      const expire = async (expiresAt: Date | null) =>
        updateCloudKey(
          vault.vaultContext,
          vault.act(),
          { vaultId: vault.vaultId, sight: 'all', id: keyId },
          { expiresAt },
        );
      return {
        refusedWith: 'InvalidStateException',
        pull: async () => {
          const at = new Date(Date.now() + 100);
          await expire(at);
          await untilClock(at);
        },
        giveBack: async () => {
          await expire(null);
          await enable(held);
        },
      };
    }),
);

test.serial('from the moment a freeze of the key set has answered no success begins', async (t) =>
  run(t, 'frozen', few, ({ vault, keySet }) => ({
    refusedWith: 'InvalidStateException',
    pull: async () => {
      await freezeKeySet(vault.vaultContext, vault.act(), {
        vaultId: vault.vaultId,
        sight: 'all',
        id: keySet.id,
      });
    },
    giveBack: async () => {
      await thawKeySet(vault.vaultContext, vault.act(), {
        vaultId: vault.vaultId,
        sight: 'all',
        id: keySet.id,
      });
    },
  })),
);

test.serial('from the moment a freeze of the vault has answered no success begins', async (t) =>
  run(t, 'frozen-vault', few, ({ vault }) => ({
    refusedWith: 'InvalidStateException',
    pull: async () => {
      await freezeVault(vault.vaultContext, vault.act(), { vaultId: vault.vaultId }, 'vault');
    },
    giveBack: async () => {
      await thawVault(vault.vaultContext, vault.act(), { vaultId: vault.vaultId }, 'vault');
    },
  })),
);

test.serial('from the moment a deletion is scheduled no success begins', async (t) =>
  run(t, 'deleted', few, (held) => ({
    refusedWith: 'InvalidStateException',
    pull: async () => {
      const { vault, keyId } = held;
      await scheduleDeletion(
        vault.vaultContext,
        vault.act(),
        { vaultId: vault.vaultId, sight: 'all', id: keyId },
        7,
      );
    },
    giveBack: async () => {
      const { vault, keyId } = held;
      await cancelDeletion(vault.vaultContext, vault.act(), {
        vaultId: vault.vaultId,
        sight: 'all',
        id: keyId,
      });
      await enable(held);
    },
  })),
);

/** A credential for each round, and one more for the end: what is withdrawn does not come back. */
async function credentialRounds(
  t: Context,
  name: string,
  pull: (held: Held, accessKeyId: string) => Promise<void>,
): Promise<void> {
  const { node } = t.context;
  const rounds = 6;
  const accesses = await node.withVault(async (vault) => {
    await vault.makeKeySet(name, { prefix: name });
    const issued = [];
    for (let i = 0; i <= rounds; i++) issued.push(await vault.issueCredential(name));
    return issued;
  });
  let turn = 0;
  const current = () => accesses[turn] ?? { uriPath: '', accessKeyId: '', secretAccessKey: '' };
  await run(
    t,
    name,
    { ...few, rounds },
    (held) => ({
      refusedWith: 'AuthenticationFailedException',
      pull: async () => pull(held, current().accessKeyId),
      giveBack: async () => {
        turn++;
      },
      access: current,
    }),
    accesses,
  );
}

test.serial('from the moment a credential is withdrawn no success begins', async (t) =>
  credentialRounds(t, 'withdrawn', async ({ vault, keySet }, accessKeyId) => {
    await withdrawCredential(vault.vaultContext, vault.act(), keySet, { accessKeyId });
  }),
);

test.serial('from the moment a credential expires no success begins', async (t) =>
  credentialRounds(t, 'outlived', async ({ vault, keySet }, accessKeyId) => {
    const expiresAt = new Date(Date.now() + 100);
    await updateCredential(vault.vaultContext, vault.act(), keySet, { accessKeyId }, { expiresAt });
    await untilClock(expiresAt);
  }),
);
