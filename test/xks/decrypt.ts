import { randomBytes } from 'node:crypto';
import test, { type ExecutionContext } from 'ava';
import { assertError, base64, invalidCiphertext, useFileNode } from './file-node.ts';

const file = useFileNode();

type Encrypted = Record<string, string>;

const metadata = (hex: string) => ({ changes: { ciphertextMetadata: base64(Buffer.from(hex, 'hex')) } });

async function encrypted(options: { aad?: Buffer } = {}): Promise<Encrypted> {
  const { client, key } = file();
  return (await client.encrypt(key, 'five!', options)).body as Encrypted;
}

/** Refused when any byte of the field is changed in any bit, when one is cut off and when one is added. */
async function assertEveryByteCounts(t: ExecutionContext, field: string, aad: Buffer): Promise<void> {
  const { client, key } = file();
  const made = await encrypted({ aad });
  const original = field === 'additionalAuthenticatedData' ? aad : Buffer.from(made[field] ?? '', 'base64');
  const changed: Buffer[] = [original.subarray(1), original.subarray(0, -1)];
  if (original.length < 20) changed.push(Buffer.concat([original, Buffer.alloc(1)]));
  for (let at = 0; at < original.length; at++)
    for (const bit of [1, 128]) {
      const copy = Buffer.from(original);
      copy[at] = (copy[at] ?? 0) ^ bit;
      changed.push(copy);
    }
  await Promise.all(
    changed.map(async (bytes) => {
      const answer = await client.decrypt(key, made, { aad, changes: { [field]: base64(bytes) } });
      assertError(t, answer, ...invalidCiphertext);
    }),
  );
  t.is((await client.decrypt(key, made, { aad })).body.plaintext, base64('five!'));
}

for (const field of [
  'ciphertext',
  'initializationVector',
  'authenticationTag',
  'ciphertextMetadata',
  'additionalAuthenticatedData',
])
  test(`Decrypt answers InvalidCiphertextException when any byte of ${field} is altered`, async (t) => {
    await assertEveryByteCounts(t, field, Buffer.from('project=nile'));
  });

test('Decrypt answers InvalidCiphertextException when the AAD is left out, added or another', async (t) => {
  const { client, key } = file();
  const aad = Buffer.from('project=nile');
  const bare = await encrypted();
  const bound = await encrypted({ aad });
  assertError(t, await client.decrypt(key, bare, { aad }), ...invalidCiphertext);
  assertError(t, await client.decrypt(key, bound), ...invalidCiphertext);
  assertError(t, await client.decrypt(key, bound, { aad: randomBytes(8192) }), ...invalidCiphertext);
});

test('Decrypt answers InvalidCiphertextException when ciphertextMetadata is left out or null', async (t) => {
  const { client, key } = file();
  const made = await encrypted();
  for (const nothing of [undefined, null, ''])
    assertError(
      t,
      await client.decrypt(key, made, { changes: { ciphertextMetadata: nothing } }),
      ...invalidCiphertext,
    );
});

test('ciphertextMetadata given as AAD does not decrypt: the lengths of both are authenticated', async (t) => {
  const { client, key } = file();
  const made = await encrypted();
  const aad = Buffer.from(made['ciphertextMetadata'] ?? '', 'base64');
  const moved = { aad, changes: { ciphertextMetadata: undefined } };
  assertError(t, await client.decrypt(key, made, moved), ...invalidCiphertext);
  assertError(t, await client.decrypt(key, made, { aad }), ...invalidCiphertext);

  // The border between the two moved by hand, with the length bytes inside.
  const bound = await encrypted({ aad: Buffer.concat([Buffer.from('aad'), Buffer.from([6])]) });
  assertError(t, await client.decrypt(key, bound, { aad: 'aad' }), ...invalidCiphertext);
});

test('Decrypt answers InvalidCiphertextException to metadata of another version, form or maker', async (t) => {
  const { client, key } = file();
  const made = await encrypted();
  for (const hex of ['a10000000000', 'a10000000002', 'a100ffffffff', 'a10100000001', 'a1ff00000001'])
    assertError(t, await client.decrypt(key, made, metadata(hex)), ...invalidCiphertext);
  for (const hex of ['00', 'a0000000000001', 'a1000000000001', 'ff'.repeat(20)])
    assertError(t, await client.decrypt(key, made, metadata(hex)), ...invalidCiphertext);
});

test('ciphertextMetadata of more than 20 bytes is a ValidationException', async (t) => {
  const { client, key } = file();
  const made = await encrypted();
  for (const length of [21, 100])
    assertError(
      t,
      await client.decrypt(key, made, metadata('a1'.repeat(length))),
      400,
      'ValidationException',
      'Invalid request: ciphertextMetadata must not exceed 20 bytes.',
    );
});

test('an IV that has not 12 or 16 bytes and a tag that has not 16 are an InvalidCiphertextException', async (t) => {
  const { client, key } = file();
  const made = await encrypted();
  const decrypt = async (changes: Encrypted) => client.decrypt(key, made, { changes });
  for (const length of [0, 1, 11, 13, 15, 16, 17, 4096])
    assertError(
      t,
      await decrypt({ initializationVector: base64(randomBytes(length)) }),
      ...invalidCiphertext,
    );
  for (const length of [0, 4, 12, 15, 17, 32])
    assertError(t, await decrypt({ authenticationTag: base64(randomBytes(length)) }), ...invalidCiphertext);
});

test('a ciphertext of another key is an InvalidCiphertextException', async (t) => {
  const { node, client } = file();
  const other = await node.makeKey('first', 'other');
  assertError(t, await client.decrypt(other, await encrypted()), ...invalidCiphertext);
});

test('after five hundred bad ciphertexts at once good ones are decrypted, and no host was replaced', async (t) => {
  const { node, client, key } = file();
  const before = node.hostPids();
  const made = await encrypted();
  const answers = await Promise.all(
    Array.from({ length: 500 }, async () =>
      client.decrypt(key, made, { changes: { authenticationTag: base64(randomBytes(16)) } }),
    ),
  );
  for (const answer of answers) assertError(t, answer, ...invalidCiphertext);
  t.is((await client.decrypt(key, made)).body.plaintext, base64('five!'));
  t.deepEqual(node.hostPids(), before);
});
