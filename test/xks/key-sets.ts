import test from 'ava';
import type { XksResponse } from '../../testing/xks-client.ts';
import {
  assertError,
  authenticationFailed,
  base64,
  disabled,
  keyNotFound,
  clientOf,
  useWholeNode,
} from './file-node.ts';

const file = useWholeNode({ workers: 2 });

/** So many connections are spread over both workers by the kernel. */
const connections = 16;

/** The same request on many connections at once: every worker answers some. */
async function onEveryConnection(send: () => Promise<XksResponse>): Promise<XksResponse[]> {
  return Promise.all(Array.from({ length: connections }, async () => send()));
}

test.serial('a key of another key set is a KeyNotFoundException to each operation', async (t) => {
  const { node, client, key } = file();
  const other = clientOf(node, await node.makeKeySet('second', { prefix: 'second' }));
  const made = (await client.encrypt(key, 'x')).body;
  for (const answer of [
    await other.metadata(key),
    await other.encrypt(key, 'x'),
    await other.decrypt(key, made),
    await other.metadata('no-such-key'),
    await client.metadata('..%2f'),
    await client.metadata(`${key}%20`),
    await client.metadata(key.toUpperCase()),
  ])
    assertError(t, answer, ...keyNotFound);
  other.close();
});

test.serial('a credential opens its own path prefix only', async (t) => {
  const { node, access, key } = file();
  const second = await node.issueCredential('second');
  for (const wrong of [
    { ...access, uriPath: '/second/kms/xks/v1' },
    { ...second, uriPath: '/first/kms/xks/v1' },
    { ...access, accessKeyId: second.accessKeyId },
    { ...access, secretAccessKey: second.secretAccessKey },
  ]) {
    const client = clientOf(node, wrong);
    assertError(t, await client.metadata(key), ...authenticationFailed);
    assertError(t, await client.health(), ...authenticationFailed);
    client.close();
  }
});

test.serial('a path prefix that no key set has is an InvalidUriPathException', async (t) => {
  const { node, access, key } = file();
  for (const prefix of ['', '/third', '/First', '/first/', '/first/first', '//first', '/firs%74'])
    for (const operation of ['health', `keys/${key}/metadata`]) {
      const client = clientOf(node, { ...access, uriPath: `${prefix}/kms/xks/v1` });
      const answer = await client.post(operation, '{}');
      const message = 'There is no key store at this URI path.';
      assertError(t, answer, 404, 'InvalidUriPathException', message);
      client.close();
    }
});

test.serial('two key sets without a path prefix are told apart by their credentials', async (t) => {
  const { node } = file();
  const made = [];
  for (const name of ['bare-1', 'bare-2']) {
    const client = clientOf(node, await node.makeKeySet(name));
    made.push({ client, key: await node.makeKey(name, 'key') });
  }
  for (const { client, key } of made)
    for (const { key: asked } of made) {
      const answer = await client.metadata(asked);
      if (asked === key) t.is(answer.status, 200, answer.text);
      else assertError(t, answer, ...keyNotFound);
    }
  for (const { client } of made) client.close();
});

test.serial(
  'the access key id names the secret without ambiguity: two live credentials work side by side',
  async (t) => {
    const { node, access, client, key } = file();
    const second = clientOf(node, await node.issueCredential('first'));
    t.not(second.access.accessKeyId, access.accessKeyId);
    const made = (await client.encrypt(key, 'x')).body;
    t.is((await second.decrypt(key, made)).body.plaintext, base64('x'));
    second.close();
  },
);

test.serial(
  'a withdrawn credential fails on every connection of every worker at once, and no other does',
  async (t) => {
    const { node, client, key } = file();
    for (let round = 0; round < 2; round++) {
      const leaving = clientOf(node, await node.issueCredential('first'), {
        maxSockets: connections,
      });
      for (const answer of await onEveryConnection(async () => leaving.metadata(key)))
        t.is(answer.status, 200);
      await node.withStore(async (vault) => vault.withdrawCredential('first', leaving.access.accessKeyId));
      for (const answer of await onEveryConnection(async () => leaving.metadata(key)))
        assertError(t, answer, ...authenticationFailed);
      t.is((await client.metadata(key)).status, 200);
      leaving.close();
    }
  },
);

test.serial(
  'a rotated key makes ciphertext of the new version and still decrypts the old, on every worker',
  async (t) => {
    const { node, access } = file();
    const client = clientOf(node, access, { maxSockets: connections });
    const key = await node.makeKey('first', 'rotating');
    const old = (await client.encrypt(key, 'old')).body;
    await node.withVault(async (vault) => vault.rotateKey(key));
    for (const { body } of await onEveryConnection(async () => client.encrypt(key, 'new'))) {
      t.is(body.ciphertextMetadata, base64(Buffer.from('a10000000002', 'hex')));
      t.is((await client.decrypt(key, body)).body.plaintext, base64('new'));
    }
    for (const { body } of await onEveryConnection(async () => client.decrypt(key, old)))
      t.is(body.plaintext, base64('old'));
    client.close();
  },
);

test.serial(
  'a disabled key says DISABLED, encrypts and decrypts nothing, and comes back when enabled',
  async (t) => {
    const { node, client } = file();
    const key = await node.makeKey('first', 'sleeping');
    const made = (await client.encrypt(key, 'x')).body;
    await node.withStore(async (vault) => vault.disableKey(key));
    t.is((await client.metadata(key)).body.keyStatus, 'DISABLED');
    assertError(t, await client.encrypt(key, 'x'), ...disabled);
    assertError(t, await client.decrypt(key, made), ...disabled);
    await node.withStore(async (vault) => vault.enableKey(key));
    t.is((await client.metadata(key)).body.keyStatus, 'ENABLED');
    t.is((await client.decrypt(key, made)).body.plaintext, base64('x'));
  },
);
