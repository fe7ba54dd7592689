import test from 'ava';
import { assertError, base64, disabled, useFileNode } from './file-node.ts';

const file = useFileNode();

const noEncryption = [
  400,
  'InvalidKeyUsageException',
  'The external key does not support encryption.',
] as const;
const noDecryption = [
  400,
  'InvalidKeyUsageException',
  'The external key does not support decryption.',
] as const;

const anyCiphertext = {
  ciphertext: base64('five!'),
  initializationVector: base64(Buffer.alloc(12, 1)),
  authenticationTag: base64(Buffer.alloc(16, 1)),
  ciphertextMetadata: base64(Buffer.from('a10000000001', 'hex')),
};

test.serial('GetKeyMetadata answers AES_256, the usages of the key and its state', async (t) => {
  const { node, client } = file();
  for (const [usage, keyUsage] of [
    ['encrypt-decrypt', ['ENCRYPT', 'DECRYPT']],
    ['encrypt-only', ['ENCRYPT']],
    ['decrypt-only', ['DECRYPT']],
    ['neither', []],
  ] as const) {
    const { body } = await client.metadata(await node.makeKey('first', `metadata-${usage}`, usage));
    t.deepEqual(body, { keySpec: 'AES_256', keyUsage, keyStatus: 'ENABLED' });
  }
});

test.serial(
  'a key that may only encrypt does not decrypt, and gives no CDIV since that takes a decrypt',
  async (t) => {
    const { node, client } = file();
    const key = await node.makeKey('first', 'encrypt-only', 'encrypt-only');
    const made = await client.encrypt(key, 'x');
    t.is(made.status, 200, made.text);
    assertError(t, await client.decrypt(key, made.body), ...noDecryption);
    assertError(t, await client.encrypt(key, 'x', { cdiv: true }), ...noDecryption);
  },
);

test.serial('a key that may only decrypt does not encrypt', async (t) => {
  const { node, client } = file();
  const key = await node.makeKey('first', 'decrypt-only', 'decrypt-only');
  assertError(t, await client.encrypt(key, 'x'), ...noEncryption);
  assertError(t, await client.encrypt(key, 'x', { cdiv: true }), ...noEncryption);
  t.is((await client.decrypt(key, anyCiphertext)).body.errorName, 'InvalidCiphertextException');
});

test.serial(
  'a key of no usage neither encrypts nor decrypts, and when disabled it says that first',
  async (t) => {
    const { node, client } = file();
    const key = await node.makeKey('first', 'neither', 'neither');
    assertError(t, await client.encrypt(key, 'x'), ...noEncryption);
    assertError(t, await client.decrypt(key, anyCiphertext), ...noDecryption);
    await node.withStore(async (vault) => vault.disableKey(key));
    assertError(t, await client.encrypt(key, 'x'), ...disabled);
    assertError(t, await client.decrypt(key, anyCiphertext), ...disabled);
  },
);
