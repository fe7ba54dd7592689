import { createHash, randomBytes } from 'node:crypto';
import test, { type ExecutionContext } from 'ava';
import { encryptBody } from '../../testing/xks-client.ts';
import { assertError, base64, clientOf, useFileNode } from './file-node.ts';

const file = useFileNode();

async function roundTrip(t: ExecutionContext, plaintext: Buffer, aad?: Buffer): Promise<void> {
  const { client, key } = file();
  const options = aad === undefined ? {} : { aad };
  const encrypted = await client.encrypt(key, plaintext, { ...options, cdiv: true });
  t.is(encrypted.status, 200, encrypted.text);
  const decrypted = await client.decrypt(key, encrypted.body, options);
  t.is(decrypted.status, 200, decrypted.text);
  t.is(decrypted.body.plaintext, base64(plaintext));
}

test('Encrypt answers ciphertext, IV and tag of the lengths of the spec and nothing that was not asked for', async (t) => {
  const { client, key } = file();
  for (const length of [1, 15, 16, 17, 4300]) {
    const { body } = await client.encrypt(key, randomBytes(length));
    t.deepEqual(Object.keys(body).toSorted(), [
      'authenticationTag',
      'ciphertext',
      'ciphertextMetadata',
      'initializationVector',
    ]);
    const bytes = (name: string) => Buffer.from(body[name], 'base64');
    t.is(bytes('ciphertext').length, length);
    t.is(bytes('initializationVector').length, 12);
    t.is(bytes('authenticationTag').length, 16);
    t.is(bytes('ciphertextMetadata').toString('hex'), 'a10000000001');
    for (const name of Object.keys(body)) t.is(base64(bytes(name)), body[name]);
  }
});

test('Encrypt answers a CDIV over the AAD and the answer whenever one is asked for', async (t) => {
  const { client, key } = file();
  for (const aad of [undefined, Buffer.alloc(0), randomBytes(33)]) {
    const { body } = await client.encrypt(key, randomBytes(32), {
      ...(aad === undefined ? {} : { aad }),
      cdiv: true,
    });
    const hash = createHash('sha256').update(aad ?? '');
    for (const part of ['ciphertextMetadata', 'initializationVector', 'ciphertext', 'authenticationTag'])
      hash.update(Buffer.from(body[part], 'base64'));
    t.is(body.ciphertextDataIntegrityValue, hash.digest('base64'));
  }
});

test('Encrypt makes a new IV each time', async (t) => {
  const { client, key } = file();
  const seen = new Set<string>();
  await Promise.all(
    Array.from({ length: 200 }, async () => {
      const { body } = await client.encrypt(key, 'the same plaintext');
      seen.add(body.initializationVector).add(body.ciphertext);
    }),
  );
  t.is(seen.size, 400);
});

test('a plaintext of 4300 bytes and an AAD of 8192 bytes are encrypted and decrypted', async (t) => {
  await roundTrip(t, randomBytes(4300), randomBytes(8192));
  await roundTrip(t, randomBytes(1), randomBytes(1));
});

test('beyond the sizes of the spec we go up to a plaintext of 8192 and an AAD of 65535 bytes', async (t) => {
  await roundTrip(t, randomBytes(8192));
  await roundTrip(t, randomBytes(32), randomBytes(0xffff));
});

test('a plaintext, ciphertext or AAD beyond what we support is an UnsupportedOperationException', async (t) => {
  const { client, key } = file();
  const [status, errorName] = [501, 'UnsupportedOperationException'] as const;
  const small = (await client.encrypt(key, 'small')).body;
  for (const length of [8193, 20_000]) {
    const message = (what: string) => `The ${what} is longer than the 8192 bytes supported.`;
    assertError(t, await client.encrypt(key, randomBytes(length)), status, errorName, message('plaintext'));
    const changes = { ciphertext: base64(randomBytes(length)) };
    const decrypted = await client.decrypt(key, small, { changes });
    assertError(t, decrypted, status, errorName, message('ciphertext'));
  }
  const aad = randomBytes(0x10000);
  const message = 'The additional authenticated data is longer than 65535 bytes.';
  assertError(t, await client.encrypt(key, 'x', { aad }), status, errorName, message);
  assertError(t, await client.decrypt(key, small, { aad }), status, errorName, message);
});

test('a body beyond 128 KiB is an UnsupportedOperationException, and the connection serves on', async (t) => {
  const { node, access, key } = file();
  const client = clientOf(node, access, { maxSockets: 1 });
  for (const length of [100_000, 700_000])
    assertError(
      t,
      await client.encrypt(key, randomBytes(length)),
      501,
      'UnsupportedOperationException',
      'The request body is longer than the 131072 bytes supported.',
    );
  t.is((await client.encrypt(key, 'x')).status, 200);
  client.close();
});

test('an empty plaintext or ciphertext is a ValidationException', async (t) => {
  const { client, key } = file();
  const { body } = await client.encrypt(key, 'x');
  const wrong = 'ValidationException';
  assertError(t, await client.encrypt(key, ''), 400, wrong, 'The plaintext is empty.');
  const empty = await client.decrypt(key, body, { changes: { ciphertext: '' } });
  assertError(t, empty, 400, wrong, 'The ciphertext is empty.');
});

test('an empty AAD is the same as none', async (t) => {
  const { client, key } = file();
  for (const [made, given] of [
    [{}, { aad: '' }],
    [{ aad: '' }, {}],
  ]) {
    const { body } = await client.encrypt(key, 'x', made);
    t.is((await client.decrypt(key, body, given ?? {})).body.plaintext, base64('x'));
  }
});

test('Encrypt and Decrypt refuse an encryptionAlgorithm other than AES_GCM and a CDIV algorithm other than SHA_256', async (t) => {
  const { client, key } = file();
  const post = async (change: Record<string, unknown>) =>
    client.post(`keys/${key}/encrypt`, { ...encryptBody('x'), ...change });
  for (const name of ['AES_CBC', 'aes_gcm', '', 'AES_GCM ']) {
    const message = 'Invalid request: encryptionAlgorithm must be AES_GCM.';
    assertError(t, await post({ encryptionAlgorithm: name }), 400, 'ValidationException', message);
    const { body } = await client.encrypt(key, 'x');
    const answer = await client.decrypt(key, body, { changes: { encryptionAlgorithm: name } });
    assertError(t, answer, 400, 'ValidationException', message);
  }
  for (const name of ['SHA_512', 'sha_256', '', 256])
    assertError(
      t,
      await post({ ciphertextDataIntegrityValueAlgorithm: name }),
      400,
      'ValidationException',
      'Invalid request: ciphertextDataIntegrityValueAlgorithm must be SHA_256.',
    );
});

test('Base64 fields are read as standard Base64 only', async (t) => {
  const { client, key } = file();
  const { body } = await client.encrypt(key, 'x');
  for (const text of ['-_-_', 'AA', 'AAEC\n', 'AB==']) {
    for (const field of ['plaintext', 'additionalAuthenticatedData'])
      assertError(
        t,
        await client.post(`keys/${key}/encrypt`, { ...encryptBody('x'), [field]: text }),
        400,
        'ValidationException',
        `Invalid request: ${field} is not standard Base64.`,
      );
    for (const field of [
      ...['ciphertext', 'initializationVector', 'authenticationTag'],
      ...['additionalAuthenticatedData', 'ciphertextMetadata'],
    ])
      assertError(
        t,
        await client.decrypt(key, body, { changes: { [field]: text } }),
        400,
        'ValidationException',
        `Invalid request: ${field} is not standard Base64.`,
      );
  }
});
