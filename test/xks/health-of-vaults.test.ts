import test from 'ava';
import { createKeySet } from '../../src/keys/key-sets/key-sets.ts';
import { issueCredential } from '../../src/keys/credentials/credentials.ts';
import { NodeVault } from '../../testing/node-vault.ts';
import { InProcessNode } from '../../testing/in-process-node.ts';
import { createSoftHsmToken } from '../../testing/tokens.ts';
import { insertVault } from '../../testing/vault.ts';
import { clientOf } from './file-node.ts';

test('GetHealthStatus tells of the tokens that the vault may use, the key set’s own first, and of no other', async (t) => {
  const fixtures = await Promise.all([1, 2, 3].map(async () => createSoftHsmToken()));
  const tokens = fixtures.map((fixture, i) => ({ fixture, name: `token-${i + 1}` }));
  const node = await InProcessNode.start({ tokens });
  t.teardown(async () => {
    await node.dispose();
    await Promise.all(fixtures.map(async (fixture) => fixture.dispose()));
  });
  const vaults: [name: string, tokens: string[], own: string][] = [
    ['both', ['token-1', 'token-2', 'token-of-another-node'], 'token-2'],
    ['single', ['token-3'], 'token-3'],
  ];
  await node.withVault(async ({ vaultContext }) => {
    for (const [name, mayUse, own] of vaults) {
      const { id } = await insertVault(vaultContext.store, name, mayUse);
      const vault = new NodeVault(vaultContext, id);
      const input = { name, token: own, pathPrefix: name };
      const keySet = await createKeySet(vaultContext, vault.act(), id, 'all', input);
      const { accessKeyId, secret } = await issueCredential(vaultContext, vault.act(), keySet);
      const uriPath = `/${name}/kms/xks/v1`;
      const client = clientOf(node, { uriPath, accessKeyId, secretAccessKey: secret.reveal() });
      const { body, text } = await client.health();
      const expected = [own, ...mayUse.filter((token) => token !== own && /\d$/.test(token))];
      t.deepEqual(
        body.ekmFleetDetails.map(({ id }: { id: string }) => id),
        expected,
      );
      for (const { name: token } of tokens) t.is(text.includes(token), expected.includes(token));
      client.close();
    }
  });
});
