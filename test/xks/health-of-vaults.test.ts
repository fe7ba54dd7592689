import test from 'ava';
import { RawConnection } from '../http/raw.ts';
import type { XksClient } from '../../testing/xks-client.ts';
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
  const clients: XksClient[] = [];
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
      clients.push(clientOf(node, client.access));
    }
  });
  // Another node is there, and this one is drained.
  const far = { model: 'HSM', isOwn: false, health: 'ACTIVE' as const };
  node.hear({
    ...{ kind: 'fleet', live: 2, drained: true },
    tokens: [
      { ...far, name: 'token-of-another-node', id: 'token-of-another-node' },
      { ...far, name: 'token-of-nobody', id: 'token-of-nobody' },
      { ...far, name: 'token-2', id: 'token-2', isOwn: true, health: 'UNAVAILABLE' },
    ],
  });
  const answers = await Promise.all(clients.map(async (client) => client.health()));
  const details = answers.map(({ body }) =>
    body.ekmFleetDetails.map(({ id, healthStatus }: Record<string, string>) => `${id} ${healthStatus}`),
  );
  t.deepEqual(details, [
    ['token-2 DEGRADED', 'token-1 ACTIVE', 'token-of-another-node ACTIVE'],
    ['token-3 ACTIVE'],
  ]);
  for (const { status, body } of answers) t.deepEqual([status, body.xksProxyFleetSize], [200, 2]);
  const probe = async (request: string) => {
    const connection = await RawConnection.open(node.port, node.ca.certificate);
    connection.write(`${request} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
    const { status, headers } = await connection.response();
    connection.close();
    return [status, headers.get('connection')];
  };
  for (const request of ['GET /ready', 'GET /', 'OPTIONS /'])
    t.deepEqual(await probe(request), [503, 'close'], `${request}: it serves, and asks for nothing more`);
  t.deepEqual(await probe('GET /ping'), [200, 'close'], 'it lives');
  node.hear({ kind: 'fleet', live: 2, tokens: [], drained: false });
  for (const path of ['/ready', '/', '/ping']) t.is((await probe(`GET ${path}`))[0], 200, path);
  for (const client of clients) client.close();
});
