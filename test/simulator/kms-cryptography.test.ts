import {
  CreateAliasCommand,
  CreateKeyCommand,
  DecryptCommand,
  DisableKeyCommand,
  DisconnectCustomKeyStoreCommand,
  EncryptCommand,
  GenerateDataKeyCommand,
  GenerateDataKeyPairCommand,
  GenerateDataKeyWithoutPlaintextCommand,
  GenerateRandomCommand,
  PutKeyPolicyCommand,
  ReEncryptCommand,
  ScheduleKeyDeletionCommand,
  SignCommand,
} from '@aws-sdk/client-kms';
import test from 'ava';
import { exceptionOf, failureOf, KmsBench } from '../support/simulated-kms.ts';
import { XksStub, type StubAnswer } from '../support/xks-stub.ts';

let bench: KmsBench;
let store: string;
let key: { KeyId: string; Arn: string };

const context = { department: 'Engineering', purpose: 'Test' };
const plaintext = Buffer.from('Hello World!');

test.before(async () => {
  bench = await KmsBench.open();
  store = await bench.makeConnectedStore();
  key = await bench.makeKey(store, { XksKeyId: 'the-key' });
  bench.stub.reset();
});

test.afterEach.always(() => bench.stub.reset());
test.after.always(async () => bench.close());

async function encrypt(changes = {}): Promise<Uint8Array> {
  const { CiphertextBlob } = await bench.kms.send(
    new EncryptCommand({ KeyId: key.KeyId, Plaintext: plaintext, EncryptionContext: context, ...changes }),
  );
  return CiphertextBlob ?? new Uint8Array();
}

const decrypt = async (CiphertextBlob: Uint8Array, changes = {}) =>
  bench.kms.send(new DecryptCommand({ CiphertextBlob, EncryptionContext: context, ...changes }));

test.serial('what goes to the proxy is KMS’s own ciphertext, with context, key and caller', async (t) => {
  const blob = await encrypt();
  const [request] = bench.stub.requests;
  t.is(request?.path.replace(/^\/stub\d+/, ''), '/kms/xks/v1/keys/the-key/encrypt');
  const sent = Buffer.from(request?.body.plaintext, 'base64');
  t.is(sent.length, plaintext.length + 28);
  t.false(sent.includes(plaintext));
  const aad = Buffer.from(request?.body.additionalAuthenticatedData, 'base64').toString();
  for (const part of ['department', 'Engineering', 'purpose', 'Test']) t.true(aad.includes(part));
  t.like(request?.body.requestMetadata, {
    awsPrincipalArn: `arn:aws:iam::${bench.account.id}:root`,
    kmsKeyArn: key.Arn,
    kmsOperation: 'Encrypt',
    awsSourceVpc: undefined,
    kmsViaService: undefined,
  });
  const event = bench.simulator.trail.events().findLast(({ eventName }) => eventName === 'Encrypt');
  t.is(request?.body.requestMetadata.kmsRequestId, event?.requestID);
  t.deepEqual(event?.additionalEventData, { customKeyStoreId: store, xksKeyId: 'the-key' });
  t.false(JSON.stringify(bench.simulator.trail.events()).includes(plaintext.toString('base64')));
  t.deepEqual(Buffer.from((await decrypt(blob)).Plaintext ?? ''), plaintext);
});

test.serial('calls through a VPC endpoint tell the proxy so', async (t) => {
  bench.simulator.kms.arriveThrough({ vpc: 'vpc-1', vpce: 'vpce-1' });
  t.teardown(() => bench.simulator.kms.arriveThrough(undefined));
  await encrypt();
  t.like(bench.stub.requests[0]?.body.requestMetadata, { awsSourceVpc: 'vpc-1', awsSourceVpce: 'vpce-1' });
});

test.serial('the order of an encryption context does not matter, and 4096 bytes go through', async (t) => {
  const large = Buffer.alloc(4096, 7);
  const blob = await encrypt({ Plaintext: large, EncryptionContext: { b: '2', a: '1' } });
  const { Plaintext, KeyId } = await decrypt(blob, { EncryptionContext: { a: '1', b: '2' } });
  t.deepEqual(Buffer.from(Plaintext ?? ''), large);
  t.is(KeyId, key.Arn);
  t.is(await exceptionOf(encrypt({ Plaintext: Buffer.alloc(4097) })), 'ValidationException');
});

test.serial('no context means no additional data', async (t) => {
  const blob = await encrypt({ EncryptionContext: undefined });
  t.is(bench.stub.requests[0]?.body.additionalAuthenticatedData, undefined);
  t.deepEqual(Buffer.from((await decrypt(blob, { EncryptionContext: {} })).Plaintext ?? ''), plaintext);
});

test.serial('a wrong context is refused by the proxy; a wrong KeyId by KMS', async (t) => {
  const blob = await encrypt();
  const failure = await failureOf(decrypt(blob, { EncryptionContext: { purpose: 'Other' } }));
  t.is(failure.name, 'KMSInvalidStateException');
  t.regex(failure.message, /rejected the request because the specified ciphertext or encryption context/);
  const other = await bench.makeKey(store);
  bench.stub.requests.length = 0;
  t.is(await exceptionOf(decrypt(blob, { KeyId: other.Arn })), 'IncorrectKeyException');
  t.is(bench.stub.requests.length, 0);
  await t.notThrowsAsync(decrypt(blob, { KeyId: key.KeyId }));
});

test.serial('no byte of a ciphertext can be changed', async (t) => {
  const blob = Buffer.from(await encrypt());
  const names = new Set<string>();
  for (let at = 0; at < blob.length; at += 3) {
    const altered = Buffer.from(blob);
    altered[at] = (altered[at] ?? 0) ^ 1;
    names.add(await exceptionOf(decrypt(altered)));
  }
  for (const name of names)
    t.true(
      [
        'InvalidCiphertextException',
        'KMSInvalidStateException',
        'NotFoundException',
        'InvalidArnException',
      ].includes(name),
      name,
    );
  t.is(await exceptionOf(decrypt(blob.subarray(0, 40))), 'InvalidCiphertextException');
  t.is(await exceptionOf(decrypt(Buffer.from('something else'))), 'InvalidCiphertextException');
});

test.serial('a ciphertext of one KMS key is not opened by another with the same external key', async (t) => {
  const blob = Buffer.from(await encrypt());
  const otherStore = await bench.makeConnectedStore();
  const twin = await bench.makeKey(otherStore, { XksKeyId: 'the-key' });
  const altered = Buffer.from(blob.toString('latin1').replace(key.Arn, twin.Arn), 'latin1');
  t.is(altered.length, blob.length);
  const failure = await failureOf(decrypt(altered));
  t.is(failure.name, 'KMSInvalidStateException');
  t.regex(failure.message, /ciphertext that the external key store proxy submitted for decryption/);
});

test.serial('a proxy that gives back other bytes is found out', async (t) => {
  const blob = await encrypt();
  bench.stub.next('decrypt', {
    change: ({ plaintext: right }) => ({
      plaintext: Buffer.alloc(Buffer.from(String(right), 'base64').length).toString('base64'),
    }),
  });
  const failure = await failureOf(decrypt(blob));
  t.is(failure.name, 'KMSInvalidStateException');
  t.regex(failure.message, /ciphertext that the external key store proxy submitted for decryption/);
});

test.serial('data keys of each size, with and without plaintext', async (t) => {
  for (const [spec, length] of [
    [{ KeySpec: 'AES_256' as const }, 32],
    [{ KeySpec: 'AES_128' as const }, 16],
    [{ NumberOfBytes: 1024 }, 1024],
  ] as const) {
    const made = await bench.kms.send(
      new GenerateDataKeyCommand({ KeyId: key.Arn, EncryptionContext: context, ...spec }),
    );
    t.is(made.Plaintext?.length, length);
    t.deepEqual((await decrypt(made.CiphertextBlob ?? new Uint8Array())).Plaintext, made.Plaintext);
  }
  const hidden = await bench.kms.send(
    new GenerateDataKeyWithoutPlaintextCommand({ KeyId: key.Arn, KeySpec: 'AES_256' }),
  );
  t.false('Plaintext' in hidden && hidden.Plaintext !== undefined);
  t.is(bench.stub.requests.at(-1)?.body.requestMetadata.kmsOperation, 'GenerateDataKeyWithoutPlaintext');
  t.is(
    (await decrypt(hidden.CiphertextBlob ?? new Uint8Array(), { EncryptionContext: {} })).Plaintext?.length,
    32,
  );
  for (const wrong of [{}, { KeySpec: 'AES_256' as const, NumberOfBytes: 32 }])
    t.is(
      await exceptionOf(bench.kms.send(new GenerateDataKeyCommand({ KeyId: key.Arn, ...wrong }))),
      'ValidationException',
    );
});

test.serial(
  'ReEncrypt moves a ciphertext to another key and context, also from and to KMS’s own',
  async (t) => {
    const { KeyMetadata: own } = await bench.kms.send(new CreateKeyCommand({}));
    const move = async (CiphertextBlob: Uint8Array, DestinationKeyId: string | undefined, from: object) =>
      bench.kms.send(
        new ReEncryptCommand({
          CiphertextBlob,
          SourceEncryptionContext: from as Record<string, string>,
          DestinationKeyId,
          DestinationEncryptionContext: { moved: 'yes' },
        }),
      );
    const there = await move(await encrypt(), own?.KeyId, context);
    t.is(there.SourceKeyId, key.Arn);
    t.is(there.KeyId, own?.Arn);
    t.deepEqual(
      bench.stub.requests.map(({ body }) => body.requestMetadata.kmsOperation),
      ['Encrypt', 'ReEncrypt'],
    );
    const back = await move(there.CiphertextBlob ?? new Uint8Array(), key.Arn, { moved: 'yes' });
    const opened = await decrypt(back.CiphertextBlob ?? new Uint8Array(), {
      EncryptionContext: { moved: 'yes' },
    });
    t.deepEqual(Buffer.from(opened.Plaintext ?? ''), plaintext);
    t.is(
      await exceptionOf(decrypt(there.CiphertextBlob ?? new Uint8Array(), { EncryptionContext: {} })),
      'InvalidCiphertextException',
    );
  },
);

test.serial('a key is named by id, ARN, alias or alias ARN', async (t) => {
  await bench.kms.send(new CreateAliasCommand({ AliasName: 'alias/named', TargetKeyId: key.KeyId }));
  const aliasArn = `arn:aws:kms:eu-west-1:${bench.account.id}:alias/named`;
  for (const KeyId of [key.KeyId, key.Arn, 'alias/named', aliasArn])
    await t.notThrowsAsync(encrypt({ KeyId }));
  for (const KeyId of ['alias/none', '00000000-0000-0000-0000-000000000000'])
    t.is(await exceptionOf(encrypt({ KeyId })), 'NotFoundException');
  t.is(await exceptionOf(encrypt({ KeyId: 'arn:aws:s3:::bucket' })), 'InvalidArnException');
  t.is(await exceptionOf(encrypt({ KeyId: key.Arn.replace('eu-west-1', 'us-east-1') })), 'NotFoundException');
});

test.serial(
  'another account uses a key by its ARN when key policy and its own policies allow it',
  async (t) => {
    const shared = await bench.makeKey(store);
    const guest = bench.simulator.account();
    const kms = bench.client(guest);
    const use = async () =>
      kms.send(new EncryptCommand({ KeyId: shared.Arn, Plaintext: plaintext, EncryptionContext: context }));
    t.is(await exceptionOf(use()), 'AccessDeniedException');
    const statement = (account: string, Action: string) => ({
      Effect: 'Allow',
      Principal: { AWS: `arn:aws:iam::${account}:root` },
      Action,
      Resource: '*',
    });
    await bench.kms.send(
      new PutKeyPolicyCommand({
        KeyId: shared.KeyId,
        Policy: JSON.stringify({
          Version: '2012-10-17',
          Statement: [statement(bench.account.id, 'kms:*'), statement(guest.id, 'kms:Encrypt')],
        }),
      }),
    );
    bench.simulator.kms.arriveThrough({ vpc: 'vpc-1', vpce: 'vpce-1' });
    t.teardown(() => bench.simulator.kms.arriveThrough(undefined));
    const { CiphertextBlob } = await use();
    t.like(bench.stub.requests.at(-1)?.body.requestMetadata, {
      awsPrincipalArn: `arn:aws:iam::${guest.id}:root`,
      awsSourceVpc: undefined,
    });
    t.is(
      await exceptionOf(kms.send(new DecryptCommand({ CiphertextBlob, EncryptionContext: context }))),
      'AccessDeniedException',
    );
  },
);

test.serial('DryRun checks everything and does nothing', async (t) => {
  t.is(await exceptionOf(encrypt({ DryRun: true })), 'DryRunOperationException');
  t.is(bench.stub.requests.length, 0);
  t.is(await exceptionOf(encrypt({ DryRun: true, KeyId: 'alias/none' })), 'NotFoundException');
});

test.serial('keys that are disabled, pending deletion or unavailable do nothing', async (t) => {
  const own = await bench.makeStore();
  await bench.connect(own);
  const keys = [await bench.makeKey(own), await bench.makeKey(own), await bench.makeKey(own)] as const;
  const blobs: Uint8Array[] = [];
  for (const { KeyId } of keys) blobs.push(await encrypt({ KeyId }));
  const results = async () => {
    const names: string[] = [];
    for (const [index, { KeyId }] of keys.entries())
      names.push(
        await exceptionOf(encrypt({ KeyId })),
        await exceptionOf(decrypt(blobs[index] ?? plaintext)),
      );
    return names;
  };
  await bench.kms.send(new DisableKeyCommand({ KeyId: keys[0].KeyId }));
  await bench.kms.send(new ScheduleKeyDeletionCommand({ KeyId: keys[1].KeyId }));
  await bench.kms.send(new ScheduleKeyDeletionCommand({ KeyId: keys[2].KeyId, PendingWindowInDays: 7 }));
  const invalid = 'KMSInvalidStateException';
  t.deepEqual(await results(), [
    'DisabledException',
    'DisabledException',
    invalid,
    invalid,
    invalid,
    invalid,
  ]);
  await bench.kms.send(new DisconnectCustomKeyStoreCommand({ CustomKeyStoreId: own }));
  t.deepEqual(new Set(await results()), new Set([invalid]));
  const failure = await failureOf(encrypt({ KeyId: keys[0].KeyId }));
  t.regex(failure.message, /not connected/);
});

/** XKS spec, Error codes: the table of KMS exceptions. */
const table: [what: string, StubAnswer, createKey: string, message: RegExp][] = [
  [
    'ValidationException',
    XksStub.error(400, 'ValidationException'),
    'CustomKeyStoreInvalidStateException',
    /cannot interpret the response/,
  ],
  [
    'InvalidStateException',
    XksStub.error(400, 'InvalidStateException'),
    'XksKeyInvalidConfigurationException',
    /is not enabled in the external key manager/,
  ],
  [
    'InvalidKeyUsageException',
    XksStub.error(400, 'InvalidKeyUsageException'),
    'XksKeyInvalidConfigurationException',
    /does not support the requested operation/,
  ],
  [
    'AuthenticationFailedException',
    XksStub.error(401, 'AuthenticationFailedException'),
    'CustomKeyStoreInvalidStateException',
    /could not authenticate AWS KMS/,
  ],
  [
    'AccessDeniedException',
    XksStub.error(403, 'AccessDeniedException'),
    'KMSInvalidStateException',
    /denied access to the operation/,
  ],
  [
    'KeyNotFoundException',
    XksStub.error(404, 'KeyNotFoundException'),
    'XksKeyNotFoundException',
    /not found in its external key manager/,
  ],
  [
    'InvalidUriPathException',
    XksStub.error(404, 'InvalidUriPathException'),
    'CustomKeyStoreInvalidStateException',
    /URI path/,
  ],
  [
    'UnsupportedOperationException',
    XksStub.error(501, 'UnsupportedOperationException'),
    'XksKeyInvalidResponseException',
    /does not support the requested operation/,
  ],
  [
    'DependencyTimeoutException',
    XksStub.error(503, 'DependencyTimeoutException'),
    'CustomKeyStoreInvalidStateException',
    /in the time allotted/,
  ],
  [
    'ThrottlingException',
    XksStub.error(429, 'ThrottlingException'),
    'CustomKeyStoreInvalidStateException',
    /very high request rate/,
  ],
  [
    'InternalException',
    XksStub.error(500, 'InternalException'),
    'CustomKeyStoreInvalidStateException',
    /cannot communicate with the external key manager/,
  ],
  [
    'a malformed answer',
    { body: 'OK' },
    'CustomKeyStoreInvalidStateException',
    /cannot interpret the response/,
  ],
  [
    'a broken connection',
    { cut: true },
    'CustomKeyStoreInvalidStateException',
    /cannot communicate with the external key store proxy/,
  ],
];

for (const [what, answer, createKey, message] of table)
  test.serial(`${what}: KMSInvalidStateException, and ${createKey} from CreateKey`, async (t) => {
    const blob = await encrypt();
    for (const operation of ['encrypt', 'decrypt', 'metadata'] as const) bench.stub.always(operation, answer);
    const calls = [
      encrypt(),
      decrypt(blob),
      bench.kms.send(new GenerateDataKeyCommand({ KeyId: key.Arn, KeySpec: 'AES_256' })),
      bench.kms.send(
        new ReEncryptCommand({
          CiphertextBlob: blob,
          SourceEncryptionContext: context,
          DestinationKeyId: key.Arn,
        }),
      ),
    ];
    for (const call of calls) {
      const failure = await failureOf(call);
      t.is(failure.name, 'KMSInvalidStateException');
      t.regex(failure.message, message);
      t.false(failure.message.includes('stub'));
    }
    t.is(await exceptionOf(bench.makeKey(store)), createKey);
  });

test.serial('no TLS, nobody there, and silence are told apart in words', async (t) => {
  const own = await KmsBench.open({ time: { xksTimeoutMs: 1_500 } });
  t.teardown(async () => own.close());
  const made = await own.makeKey(await own.makeConnectedStore());
  const use = async () =>
    failureOf(own.kms.send(new EncryptCommand({ KeyId: made.KeyId, Plaintext: plaintext })));
  own.stub.always('encrypt', { delayMs: Infinity });
  const late = await use();
  t.is(late.name, 'KMSInvalidStateException');
  t.regex(late.message, /did not respond in time/);
  t.is(own.simulator.kms.xksCalls({ operation: 'encrypt' }).length, 2);
  const { port } = own.stub;
  await own.stub.close();
  t.regex((await use()).message, /cannot communicate with the external key store proxy/);
  const other = await XksStub.start({
    ...(await own.ca.issue('other', { dnsNames: ['other.example.test'] })),
    port,
  });
  t.teardown(async () => other.close());
  t.regex((await use()).message, /cannot establish a TLS connection/);
});

test.serial('AWS’s 250 ms count: just inside is answered, outside is not', async (t) => {
  // At six times the length, so that a busy machine does not decide.
  const own = await KmsBench.open({ time: { xksTimeoutMs: 1500 } });
  t.teardown(async () => own.close());
  const made = await own.makeKey(await own.makeConnectedStore());
  const use = async () => own.kms.send(new EncryptCommand({ KeyId: made.KeyId, Plaintext: plaintext }));
  const inside = async () => {
    own.stub.reset();
    own.stub.next('encrypt', { delayMs: 900 }, { delayMs: 2100 });
    return use();
  };
  // One may be late where the machine stands still for the rest of the time; not three in a row.
  await t.notThrowsAsync(inside().catch(inside).catch(inside));
  own.stub.reset();
  own.stub.next('encrypt', { delayMs: 2100 }, { delayMs: 2100 });
  t.is(await exceptionOf(use()), 'KMSInvalidStateException');
});

test.serial('what the simulator does not do it says', async (t) => {
  const failure = await failureOf(
    bench.kms.send(new GenerateDataKeyPairCommand({ KeyId: key.KeyId, KeyPairSpec: 'RSA_2048' })),
  );
  t.is(failure.name, 'UnsupportedOperationException');
  t.regex(failure.message, /simulator does not do this: the operation GenerateDataKeyPair/);
  t.is(
    await exceptionOf(
      bench.kms.send(
        new SignCommand({ KeyId: key.KeyId, Message: plaintext, SigningAlgorithm: 'RSASSA_PSS_SHA_256' }),
      ),
    ),
    'UnsupportedOperationException',
  );
});

test.serial('random bytes', async (t) => {
  const { Plaintext } = await bench.kms.send(new GenerateRandomCommand({ NumberOfBytes: 1024 }));
  t.is(Plaintext?.length, 1024);
  t.is(
    await exceptionOf(bench.kms.send(new GenerateRandomCommand({ NumberOfBytes: 1025 }))),
    'ValidationException',
  );
});
