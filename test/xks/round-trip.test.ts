import { createHash, randomBytes } from 'node:crypto';
import test from 'ava';
import { createSoftHsmToken } from '../support/tokens.ts';
import { TestNode } from '../support/test-node.ts';

test('what is encrypted with a CDIV decrypts to the same bytes, and the CDIV is the hash of the answer', async (t) => {
  const fixture = await createSoftHsmToken();
  t.teardown(async () => fixture.dispose());
  const node = await TestNode.start({ tokens: [{ fixture }] });
  t.teardown(async () => node.dispose());
  const access = await node.makeKeySet('first', { prefix: 'first' });
  const key = await node.makeKey('first', 'key');
  const client = node.client(access);
  t.teardown(() => client.close());
  const [plaintext, aad] = [randomBytes(4300), randomBytes(8192)];

  const encrypted = await client.encrypt(key, plaintext, { aad, cdiv: true });
  t.is(encrypted.status, 200, encrypted.text);
  const bytes = (name: string) => Buffer.from(encrypted.body[name], 'base64');
  const hash = createHash('sha256').update(aad);
  for (const part of ['ciphertextMetadata', 'initializationVector', 'ciphertext', 'authenticationTag'])
    hash.update(bytes(part));
  t.deepEqual(bytes('ciphertextDataIntegrityValue'), hash.digest());

  const decrypted = await client.decrypt(key, encrypted.body, { aad });
  t.is(decrypted.status, 200, decrypted.text);
  t.deepEqual(Buffer.from(decrypted.body.plaintext, 'base64'), plaintext);
  t.is(await node.stop(), 0);
});
