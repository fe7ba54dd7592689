import { copyFile } from 'node:fs/promises';
import { readFileSync } from 'node:fs';
import {
  CreateCustomKeyStoreCommand,
  DecryptCommand,
  EncryptCommand,
  GenerateDataKeyCommand,
  GenerateDataKeyWithoutPlaintextCommand,
  ReEncryptCommand,
  UpdateCustomKeyStoreCommand,
} from '@aws-sdk/client-kms';
import test from 'ava';
import { exceptionOf, failureOf, KmsBench, xksHost } from '../support/simulated-kms.ts';
import { TestNode } from '../../testing/test-node.ts';
import { createSoftHsmToken, type TokenFixture } from '../../testing/tokens.ts';
import type { KeySetAccess } from '../../testing/xks-client.ts';

const keySet = 'payments';
const plaintext = Buffer.from('Hello World!');
const context = { department: 'Engineering' };

let fixture: TokenFixture;
let node: TestNode;
let bench: KmsBench;
let access: KeySetAccess;
let store: string;
let keyArn: string;
let otherArn: string;
let externalKeyId: string;

/** What the key set's console page gives to be entered. */
function settings({ uriPath, accessKeyId, secretAccessKey }: KeySetAccess) {
  return {
    XksProxyUriEndpoint: `https://${xksHost}`,
    XksProxyUriPath: uriPath,
    XksProxyAuthenticationCredential: { AccessKeyId: accessKeyId, RawSecretAccessKey: secretAccessKey },
  };
}

test.before(async () => {
  fixture = await createSoftHsmToken();
  // The machine is shared: neither side gives up as early as it would with AWS.
  node = await TestNode.create({ tokens: [{ fixture }], xks: { answer_within_ms: 5000 } });
  const named = await node.ca.issue(xksHost, { dnsNames: [xksHost] });
  await copyFile(named.certificate, node.tls.certificate);
  await copyFile(named.key, node.tls.key);
  access = await node.makeKeySet(keySet, { prefix: 'payments' });
  externalKeyId = await node.makeKey(keySet, 'one');
  const second = await node.makeKey(keySet, 'two');
  await node.serve();
  bench = await KmsBench.open({
    xksCa: readFileSync(node.ca.certificate, 'utf8'),
    resolve: { [xksHost]: `127.0.0.1:${node.port}` },
    time: { xksTimeoutMs: 6000 },
  });
  store = await bench.makeStore(settings(access));
  await bench.connect(store);
  keyArn = (await bench.makeKey(store, { XksKeyId: externalKeyId })).Arn;
  otherArn = (await bench.makeKey(store, { XksKeyId: second })).Arn;
});

test.after.always(async () => {
  await bench?.close();
  await node?.dispose();
  await fixture?.dispose();
});

const decrypt = async (CiphertextBlob: Uint8Array | undefined, EncryptionContext = {}) =>
  bench.kms.send(new DecryptCommand({ CiphertextBlob, EncryptionContext }));

test.serial(
  'Encrypt and Decrypt through Holdfast, over HTTP/2 and with the certificate checked',
  async (t) => {
    for (const [EncryptionContext, bytes] of [
      [context, plaintext],
      [{}, Buffer.alloc(1, 1)],
      [{ long: 'x'.repeat(8000) }, Buffer.alloc(4096, 2)],
    ] as const) {
      const { CiphertextBlob } = await bench.kms.send(
        new EncryptCommand({ KeyId: keyArn, Plaintext: bytes, EncryptionContext }),
      );
      const { Plaintext, KeyId } = await decrypt(CiphertextBlob, EncryptionContext);
      t.deepEqual(Buffer.from(Plaintext ?? ''), bytes);
      t.is(KeyId, keyArn);
    }
    t.is(bench.simulator.kms.lastFailure(), undefined);
    t.true(bench.simulator.kms.xksCalls({ operation: 'encrypt' }).every(({ protocol }) => protocol === 'h2'));
  },
);

test.serial('a wrong context is refused by Holdfast, as KMS says', async (t) => {
  const { CiphertextBlob } = await bench.kms.send(
    new EncryptCommand({ KeyId: keyArn, Plaintext: plaintext, EncryptionContext: context }),
  );
  const failure = await failureOf(decrypt(CiphertextBlob, { department: 'Sales' }));
  t.is(failure.name, 'KMSInvalidStateException');
  t.is(bench.simulator.kms.lastFailure()?.errorName, 'InvalidCiphertextException');
});

test.serial('data keys, with and without plaintext, and ReEncrypt to another key and context', async (t) => {
  const made = await bench.kms.send(
    new GenerateDataKeyCommand({ KeyId: keyArn, KeySpec: 'AES_256', EncryptionContext: context }),
  );
  t.deepEqual((await decrypt(made.CiphertextBlob, context)).Plaintext, made.Plaintext);
  const hidden = await bench.kms.send(
    new GenerateDataKeyWithoutPlaintextCommand({ KeyId: keyArn, KeySpec: 'AES_128' }),
  );
  t.is((await decrypt(hidden.CiphertextBlob)).Plaintext?.length, 16);
  const moved = await bench.kms.send(
    new ReEncryptCommand({
      CiphertextBlob: made.CiphertextBlob,
      SourceEncryptionContext: context,
      DestinationKeyId: otherArn,
      DestinationEncryptionContext: { moved: 'yes' },
    }),
  );
  t.is(moved.KeyId, otherArn);
  const opened = await decrypt(moved.CiphertextBlob, { moved: 'yes' });
  t.deepEqual(opened.Plaintext, made.Plaintext);
});

test.serial('the kmsRequestId in Holdfast’s log is CloudTrail’s requestID', async (t) => {
  await bench.kms.send(new EncryptCommand({ KeyId: keyArn, Plaintext: plaintext }));
  const event = bench.simulator.trail.events().findLast(({ eventName }) => eventName === 'Encrypt');
  const line = await node.waitForLog((entry) => JSON.stringify(entry).includes(event?.requestID ?? 'none'));
  t.truthy(line);
});

test.serial('a ciphertext of before a rotation in Holdfast is decrypted after it', async (t) => {
  const { CiphertextBlob } = await bench.kms.send(
    new EncryptCommand({ KeyId: keyArn, Plaintext: plaintext }),
  );
  await node.withVault(async (vault) => vault.rotateKey(externalKeyId));
  const after = await bench.kms.send(new EncryptCommand({ KeyId: keyArn, Plaintext: plaintext }));
  for (const blob of [CiphertextBlob, after.CiphertextBlob])
    t.deepEqual(Buffer.from((await decrypt(blob)).Plaintext ?? ''), plaintext);
});

test.serial(
  'a key that Holdfast has disabled makes KMS answer as AWS documents, until it is enabled',
  async (t) => {
    const { CiphertextBlob } = await bench.kms.send(
      new EncryptCommand({ KeyId: keyArn, Plaintext: plaintext }),
    );
    await node.withStore(async (vault) => vault.disableKey(externalKeyId));
    const failure = await failureOf(decrypt(CiphertextBlob));
    t.is(failure.name, 'KMSInvalidStateException');
    t.regex(failure.message, /is not enabled in the external key manager/);
    await node.withStore(async (vault) => vault.enableKey(externalKeyId));
    t.deepEqual(Buffer.from((await decrypt(CiphertextBlob)).Plaintext ?? ''), plaintext);
  },
);

test.serial('an external key that Holdfast does not know, or has for encryption only', async (t) => {
  t.is(await exceptionOf(bench.makeKey(store, { XksKeyId: 'nobody-knows-it' })), 'XksKeyNotFoundException');
  const XksKeyId = await node.makeKey(keySet, 'three', 'encrypt-only');
  t.is(await exceptionOf(bench.makeKey(store, { XksKeyId })), 'XksKeyInvalidConfigurationException');
});

test.serial('wrong credentials, another path and a wrong clock', async (t) => {
  const create = async (changes: object) =>
    exceptionOf(
      bench.kms.send(
        new CreateCustomKeyStoreCommand(bench.storeRequest({ ...settings(access), ...changes })),
      ),
    );
  bench.simulator.kms.shiftSigningClock(-6 * 60_000);
  const late = await failureOf(bench.kms.send(new EncryptCommand({ KeyId: keyArn, Plaintext: plaintext })));
  bench.simulator.kms.shiftSigningClock(0);
  t.is(late.name, 'KMSInvalidStateException');
  t.is(bench.simulator.kms.lastFailure()?.errorName, 'AuthenticationFailedException');
  const other = await node.makeKeySet('other', { prefix: 'elsewhere' });
  t.is(
    await create({
      XksProxyUriPath: other.uriPath,
    }),
    'XksProxyIncorrectAuthenticationCredentialException',
  );
  t.is(await create({ XksProxyUriPath: '/nowhere/kms/xks/v1' }), 'XksProxyInvalidConfigurationException');
});

test.serial('a new credential, entered while connected, takes the place of the old one', async (t) => {
  const next = await node.issueCredential(keySet);
  await bench.kms.send(
    new UpdateCustomKeyStoreCommand({
      CustomKeyStoreId: store,
      XksProxyAuthenticationCredential: settings(next).XksProxyAuthenticationCredential,
    }),
  );
  await node.withStore(async (vault) => vault.withdrawCredential(keySet, access.accessKeyId));
  await t.notThrowsAsync(bench.kms.send(new EncryptCommand({ KeyId: keyArn, Plaintext: plaintext })));
});

test.serial('KMS asks a connected Holdfast for its health', async (t) => {
  t.is((await bench.simulator.kms.pollHealth(store)).failure, undefined);
});
