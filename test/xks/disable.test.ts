import test from 'ava';
import { assertError, disabled, clientOf, useWholeNode } from './file-node.ts';

const file = useWholeNode({ workers: 2 });
const connections = 16;

test.serial(
  'a disable that has returned is seen by the next request on every connection, thirty times',
  async (t) => {
    const { node, access, key } = file();
    const client = clientOf(node, access, { maxSockets: connections });
    const all = async (operation: () => ReturnType<typeof client.encrypt>) =>
      Promise.all(Array.from({ length: connections }, operation));
    await node.withStore(async (vault) => {
      for (let round = 0; round < 30; round++) {
        const [made] = await all(async () => client.encrypt(key, 'x'));
        t.is(made?.status, 200, made?.text);
        // Requests under way must not bring back what they remember.
        const underWay = all(async () => client.encrypt(key, 'x'));
        await vault.disableKey(key);
        for (const answer of await all(async () => client.encrypt(key, 'x')))
          assertError(t, answer, ...disabled);
        for (const answer of await all(async () => client.decrypt(key, made?.body)))
          assertError(t, answer, ...disabled);
        await underWay;
        await vault.enableKey(key);
      }
    });
    client.close();
  },
);

test.serial('a disable by another process is seen by the very next request', async (t) => {
  const { node, client, key } = file();
  for (let round = 0; round < 2; round++) {
    await node.withStore(async (vault) => vault.disableKey(key));
    assertError(t, await client.encrypt(key, 'x'), ...disabled);
    await node.withStore(async (vault) => vault.enableKey(key));
    t.is((await client.encrypt(key, 'x')).status, 200);
  }
});
