import { spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import path from 'node:path';
import { json } from 'node:stream/consumers';
import test from 'ava';
import { nodeFlags } from '../../src/node-process.ts';
import { assertError, base64, invalidCiphertext, useFileNode } from './file-node.ts';
import type { SampleProxyOrder } from './sample-proxy.ts';

const file = useFileNode();

const [plaintext, aad, metadata] = ['kept from before', 'project=nile,department=marketing', 'v0.0.1'].map(
  (text) => base64(text),
) as [string, string, string];
const orders: SampleProxyOrder['encrypt'] = [
  { plaintext },
  { plaintext, aad },
  { plaintext, aad, metadata },
  { plaintext, metadata },
  { plaintext, aad: base64(randomBytes(8192)), metadata },
];
let adopted = '';
let madeBefore: Record<string, string>[] = [];

test.serial.before(async () => {
  const { fixture, node } = file();
  const script = path.join(import.meta.dirname, 'sample-proxy.ts');
  const child = spawn(process.execPath, [...nodeFlags, script], {
    env: { ...process.env, ...fixture.environment },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const order: SampleProxyOrder = {
    module: fixture.module,
    tokenLabel: fixture.label,
    pin: fixture.pin,
    keyLabel: 'sample-key',
    keyId: '0a1b2c3d',
    encrypt: orders,
  };
  child.stdin.end(JSON.stringify(order));
  madeBefore = (await json(child.stdout)) as typeof madeBefore;
  adopted = await node.withVault(async (vault) => vault.adoptKey('first', 'adopted', 'sample-key'));
});

test.serial(
  "an adopted key is called as AWS's sample proxy called it and may do what its key object may",
  async (t) => {
    t.is(adopted, 'sample-key');
    const { body } = await file().client.metadata(adopted);
    t.deepEqual(body, { keySpec: 'AES_256', keyUsage: ['ENCRYPT', 'DECRYPT'], keyStatus: 'ENABLED' });
  },
);

test.serial(
  "an adopted key decrypts what AWS's sample proxy encrypted, in its form of the AAD",
  async (t) => {
    const { client } = file();
    t.is(madeBefore.length, orders.length);
    for (const [at, made] of madeBefore.entries()) {
      const given = orders[at]?.aad;
      const options = given === undefined ? {} : { aad: Buffer.from(given, 'base64') };
      const answer = await client.decrypt(adopted, made, options);
      t.is(answer.body.plaintext, plaintext, answer.text);
      const other = await client.decrypt(adopted, made, { aad: 'another' });
      assertError(t, other, ...invalidCiphertext);
      const changes = { ciphertextMetadata: base64('v0.0.2') };
      assertError(t, await client.decrypt(adopted, made, { ...options, changes }), ...invalidCiphertext);
    }
  },
);

test.serial('new ciphertext of an adopted key has our metadata and decrypts', async (t) => {
  const { client } = file();
  const options = { aad: 'project=nile' };
  const { body } = await client.encrypt(adopted, 'x', { ...options, cdiv: true });
  t.is(body.ciphertextMetadata, base64(Buffer.from('a10100000001', 'hex')));
  t.is((await client.decrypt(adopted, body, options)).body.plaintext, base64('x'));
});

test.serial(
  'no AAD can be chosen whose ciphertext under an adopted key decrypts with another AAD in the sample proxy’s form',
  async (t) => {
    const { client } = file();
    // Were new ciphertext made with the AAD in full, these bytes would be the same to the token:
    // len2(33) ‖ SHA-256(other) ‖ 07 ‖ 06 ‖ metadata  read once as an AAD of 33 bytes, once as metadata of 7.
    const other = randomBytes(33);
    const chosen = Buffer.concat([createHash('sha256').update(other).digest(), Buffer.from([7])]);
    const { body } = await client.encrypt(adopted, 'x', { aad: chosen });
    const shifted = Buffer.concat([Buffer.from([6]), Buffer.from(body.ciphertextMetadata, 'base64')]);
    const changes = { ciphertextMetadata: base64(shifted) };
    assertError(t, await client.decrypt(adopted, body, { aad: other, changes }), ...invalidCiphertext);
    t.is((await client.decrypt(adopted, body, { aad: chosen })).body.plaintext, base64('x'));
  },
);

test.serial(
  "after a rotation an adopted key encrypts under a key of our own and still reads the sample proxy's",
  async (t) => {
    const { client, node } = file();
    await node.withVault(async (vault) => vault.rotateKey(adopted));
    const { body } = await client.encrypt(adopted, 'x');
    t.is(body.ciphertextMetadata, base64(Buffer.from('a10000000002', 'hex')));
    t.is((await client.decrypt(adopted, body)).body.plaintext, base64('x'));
    const [first] = madeBefore;
    t.is((await client.decrypt(adopted, first ?? {})).body.plaintext, plaintext);
  },
);

test.serial(
  'ciphertext without metadata, or with that of another maker, is nothing to a key that was not adopted',
  async (t) => {
    const { client, key } = file();
    for (const made of madeBefore) assertError(t, await client.decrypt(key, made), ...invalidCiphertext);
  },
);
