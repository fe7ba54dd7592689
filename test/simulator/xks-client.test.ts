import { createHmac, createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import path from 'node:path';
import test from 'ava';
import { XksClient, type XksAttempt, type XksProxy } from '../../simulator/xks/xks-client.ts';
import { XksFailure } from '../../simulator/xks/xks-failure.ts';
import { TestCa } from '../../testing/certificates.ts';
import { memoryDirectory } from '../../testing/memory-directory.ts';
import { XksStub, type StubAnswer, type StubOperation } from '../support/xks-stub.ts';

const host = 'xks.example.test';
const metadata = {
  kmsOperation: 'Encrypt',
  kmsRequestId: 'request-1',
  awsPrincipalArn: 'arn:aws:iam::111122223333:user/a',
};

let directory: string;
let ca: TestCa;
let stub: XksStub;

test.before(async () => {
  directory = await mkdtemp(path.join(memoryDirectory(), 'holdfast-xks-'));
  ca = await TestCa.create(directory);
  stub = await XksStub.start(await ca.issue(host, { dnsNames: [host] }));
});

test.after.always(async () => {
  await stub.close();
  await rm(directory, { recursive: true, force: true });
});

interface Bench {
  client: XksClient;
  proxy: XksProxy;
  attempts: XksAttempt[];
}

async function withClient(
  run: (bench: Bench) => Promise<unknown>,
  { address = stub.address, timeoutMs = 5000, caFile = ca.certificate, now = () => new Date() } = {},
): Promise<void> {
  const attempts: XksAttempt[] = [];
  const client = new XksClient({
    routeTo: (name) => ({ host: name, address, ca: readFileSync(caFile, 'utf8') }),
    timeoutMs,
    now,
    onAttempt: (attempt) => attempts.push(attempt),
  });
  const { AccessKeyId: accessKeyId, RawSecretAccessKey: secretAccessKey } = stub.credential;
  const proxy = { host, uriPath: stub.uriPath, accessKeyId, secretAccessKey, region: 'eu-west-1' };
  try {
    await run({ client, proxy, attempts });
  } finally {
    client.close();
    stub.reset();
  }
}

async function failure(call: Promise<unknown>): Promise<XksFailure> {
  const error: unknown = await call.then(
    () => new Error('the call succeeded'),
    (error: unknown) => error,
  );
  if (error instanceof XksFailure) return error;
  throw error;
}

const plaintext = Buffer.from('twelve bytes');
const aad = Buffer.from('context');

async function call({ client, proxy }: Bench, operation: StubOperation): Promise<unknown> {
  if (operation === 'health') return client.health(proxy, metadata);
  if (operation === 'metadata') return client.keyMetadata(proxy, 'k', metadata);
  if (operation === 'encrypt') return client.encrypt(proxy, 'k', metadata, { plaintext, aad });
  const sizes = { ciphertext: Buffer.alloc(12), iv: Buffer.alloc(12), tag: Buffer.alloc(16) };
  return client.decrypt(proxy, 'k', metadata, { ...sizes, metadata: Buffer.alloc(0), aad });
}

for (const alpn of [['h2', 'http/1.1'], ['http/1.1'], []]) {
  const expected = alpn[0] ?? 'http/1.1';
  test.serial(
    `a proxy that offers ${JSON.stringify(alpn)} is spoken to in ${expected}, on one connection`,
    async (t) => {
      const other = await XksStub.start({ ...(await ca.issue(host, { dnsNames: [host] })), alpn });
      t.teardown(async () => other.close());
      await withClient(
        async ({ client, proxy, attempts }) => {
          for (const size of [1, 12, 4124]) {
            const bytes = randomBytes(size);
            const sealed = await client.encrypt(proxy, 'k', metadata, { plaintext: bytes, aad });
            t.deepEqual(await client.decrypt(proxy, 'k', metadata, { ...sealed, aad }), bytes);
          }
          t.true(attempts.every(({ protocol, attempt }) => protocol === expected && attempt === 1));
          t.is(other.connections, 1);
        },
        { address: other.address },
      );
    },
  );
}

test.serial('requests have what the spec says, and additional data only where there is any', async (t) => {
  await withClient(async ({ client, proxy }) => {
    await client.encrypt(proxy, 'k', { ...metadata, kmsViaService: undefined }, { plaintext, aad });
    await client.encrypt(proxy, 'k', metadata, { plaintext, aad: Buffer.alloc(0) });
    await client.health(proxy, { kmsOperation: 'KmsHealthCheck', kmsRequestId: 'r' });
    const [first, second, third] = stub.requests;
    t.is(first?.path, `${stub.uriPath}/keys/k/encrypt`);
    t.deepEqual(first?.body, {
      requestMetadata: metadata,
      additionalAuthenticatedData: aad.toString('base64'),
      plaintext: plaintext.toString('base64'),
      encryptionAlgorithm: 'AES_GCM',
      ciphertextDataIntegrityValueAlgorithm: 'SHA_256',
    });
    t.is(second?.body.additionalAuthenticatedData, undefined);
    t.deepEqual(third?.body, { requestMetadata: { kmsOperation: 'KmsHealthCheck', kmsRequestId: 'r' } });
  });
});

test.serial(
  'the signature is SigV4 of host and date for kms-xks-proxy, by the clock that is given',
  async (t) => {
    await withClient(
      async ({ client, proxy }) => {
        await client.health(proxy, metadata);
        const [request] = stub.requests;
        t.is(request?.date, '20300102T030405Z');
        const body = createHash('sha256').update(JSON.stringify(request?.body)).digest('hex');
        const canonical = `POST\n${stub.uriPath}/health\n\nhost:${host}\nx-amz-date:20300102T030405Z\n\nhost;x-amz-date\n${body}`;
        const scope = '20300102/eu-west-1/kms-xks-proxy/aws4_request';
        const hashed = createHash('sha256').update(canonical).digest('hex');
        const mac = (key: Buffer | string, text: string) => createHmac('sha256', key).update(text).digest();
        const key = mac(
          mac(mac(mac(`AWS4${proxy.secretAccessKey}`, '20300102'), 'eu-west-1'), 'kms-xks-proxy'),
          'aws4_request',
        );
        const signature = mac(key, `AWS4-HMAC-SHA256\n20300102T030405Z\n${scope}\n${hashed}`).toString('hex');
        t.is(
          request?.authorization,
          `AWS4-HMAC-SHA256 Credential=${proxy.accessKeyId}/${scope}, SignedHeaders=host;x-amz-date, Signature=${signature}`,
        );
      },
      { now: () => new Date('2030-01-02T03:04:05.678Z') },
    );
  },
);

const wrongAnswers: [StubOperation, string, StubAnswer][] = [
  ['health', 'text in place of JSON', { body: 'OK' }],
  ['health', 'another content type', { contentType: 'text/html' }],
  ['health', 'a list', { body: [] }],
  ['health', 'no answer of HTTP', { status: 204, body: '' }],
  ['health', 'an error without a name', { status: 500, body: { message: 'no' } }],
  ['health', 'an error page', { status: 502, contentType: 'text/html', body: '<h1>Bad Gateway</h1>' }],
  ['health', 'a name that the spec has not', XksStub.error(500, 'KaboomException')],
  ['health', 'a name under another status', XksStub.error(500, 'ThrottlingException')],
  ['health', 'an error with status 200', XksStub.error(200, 'ThrottlingException')],
  ['health', 'a message of 512 characters', XksStub.error(429, 'ThrottlingException', 'a'.repeat(512))],
  ['health', 'a message with a line feed', XksStub.error(429, 'ThrottlingException', 'a\nb')],
  ['health', 'a message outside ASCII', XksStub.error(429, 'ThrottlingException', 'zu früh')],
  ['health', 'a key that is not found', XksStub.error(404, 'KeyNotFoundException')],
  ['encrypt', 'a ciphertext that is not valid', XksStub.error(400, 'InvalidCiphertextException')],
  ['health', 'a fleet of none', { change: (right) => ({ ...right, xksProxyFleetSize: 0 }) }],
  ['health', 'a fleet of a half', { change: (right) => ({ ...right, xksProxyFleetSize: 1.5 }) }],
  ['health', 'no vendor', { change: (right) => ({ ...right, ekmVendor: undefined }) }],
  ['health', 'no key manager', { change: (right) => ({ ...right, ekmFleetDetails: [] }) }],
  [
    'health',
    'eleven key managers',
    {
      change: (right) => ({
        ...right,
        ekmFleetDetails: Array.from({ length: 11 }, () => ({ id: 'a', model: 'b', healthStatus: 'ACTIVE' })),
      }),
    },
  ],
  [
    'health',
    'an unknown status of a key manager',
    {
      change: (right) => ({ ...right, ekmFleetDetails: [{ id: 'a', model: 'b', healthStatus: 'FINE' }] }),
    },
  ],
  ['metadata', 'a key status that the spec has not', { change: (right) => ({ ...right, keyStatus: 'OFF' }) }],
  ['metadata', 'usages as text', { change: (right) => ({ ...right, keyUsage: 'ENCRYPT' }) }],
  ['metadata', 'eleven usages', { change: (right) => ({ ...right, keyUsage: Array(11).fill('ENCRYPT') }) }],
  ['encrypt', 'a longer ciphertext', { change: (right) => ({ ...right, ciphertext: base64(13) }) }],
  ['encrypt', 'a shorter ciphertext', { change: (right) => ({ ...right, ciphertext: base64(11) }) }],
  ['encrypt', 'an IV of 13 bytes', { change: (right) => ({ ...right, initializationVector: base64(13) }) }],
  ['encrypt', 'a tag of 12 bytes', { change: (right) => ({ ...right, authenticationTag: base64(12) }) }],
  ['encrypt', 'metadata of 21 bytes', { change: (right) => ({ ...right, ciphertextMetadata: base64(21) }) }],
  ['encrypt', 'no integrity value', { change: (right) => without(right, 'ciphertextDataIntegrityValue') }],
  [
    'encrypt',
    'a wrong integrity value',
    { change: (right) => ({ ...right, ciphertextDataIntegrityValue: base64(32) }) },
  ],
  [
    'encrypt',
    'Base64 without padding',
    {
      change: (right) => ({
        ...right,
        authenticationTag: String(right['authenticationTag']).replaceAll('=', ''),
      }),
    },
  ],
  [
    'encrypt',
    'Base64 for URLs',
    { change: (right) => ({ ...right, initializationVector: '-_-_-_-_-_-_-_-_' }) },
  ],
  ['decrypt', 'a plaintext of another length', { status: 200, body: { plaintext: base64(13) } }],
  ['decrypt', 'a plaintext that is no text', { status: 200, body: { plaintext: 12 } }],
  ['health', 'more than 64 KiB', { body: { padding: 'a'.repeat(70_000) } }],
];

for (const [operation, what, answer] of wrongAnswers)
  test.serial(`${operation}: ${what} is an invalid response, not asked for again`, async (t) => {
    await withClient(async (bench) => {
      stub.always(operation, answer);
      t.is((await failure(call(bench, operation))).fault, 'invalid-response');
      t.is(stub.requests.length, 1);
    });
  });

test.serial(
  'an IV of 16 bytes, no metadata, and fields that the spec may get one day are taken',
  async (t) => {
    await withClient(async (bench) => {
      stub.always('encrypt', {
        change: (right) => {
          const [ciphertext, iv, tag] = [String(right['ciphertext']), base64(16), base64(16)];
          const hash = createHash('sha256').update(aad);
          for (const part of [iv, ciphertext, tag]) hash.update(Buffer.from(part, 'base64'));
          return {
            ciphertext,
            initializationVector: iv,
            authenticationTag: tag,
            ciphertextDataIntegrityValue: hash.digest('base64'),
            colour: 'green',
          };
        },
      });
      await t.notThrowsAsync(call(bench, 'encrypt'));
    });
  },
);

test.serial('bytes that are no HTTP are an invalid response', async (t) => {
  const other = await XksStub.start({ ...(await ca.issue(host, { dnsNames: [host] })), alpn: ['http/1.1'] });
  t.teardown(async () => other.close());
  other.always('health', { raw: 'SSH-2.0-OpenSSH_9.2\r\n' });
  await withClient(async (bench) => t.is((await failure(call(bench, 'health'))).fault, 'invalid-response'), {
    address: other.address,
  });
});

for (const [status, name, attempts] of [
  [400, 'ValidationException', 1],
  [400, 'InvalidStateException', 1],
  [401, 'AuthenticationFailedException', 1],
  [403, 'AccessDeniedException', 1],
  [404, 'InvalidUriPathException', 1],
  [501, 'UnsupportedOperationException', 1],
  [429, 'ThrottlingException', 2],
  [500, 'InternalException', 2],
  [503, 'DependencyTimeoutException', 2],
] as const)
  test.serial(`${name} is tried ${attempts === 1 ? 'once' : 'twice'}`, async (t) => {
    await withClient(async (bench) => {
      stub.always('encrypt', XksStub.error(status, name, 'in the words of the proxy'));
      t.is((await failure(call(bench, 'encrypt'))).errorName, name);
      t.is(stub.requests.length, attempts);
    });
  });

test.serial('a retry that succeeds is a success', async (t) => {
  await withClient(async (bench) => {
    stub.next('encrypt', XksStub.error(503, 'DependencyTimeoutException'));
    await call(bench, 'encrypt');
    t.deepEqual(
      bench.attempts.map(({ attempt, errorName }) => [attempt, errorName]),
      [
        [1, 'DependencyTimeoutException'],
        [2, undefined],
      ],
    );
  });
});

test.serial(
  'a proxy that dropped the connection while nothing was asked is asked over a new one',
  async (t) => {
    await withClient(async (bench) => {
      await call(bench, 'health');
      stub.dropConnections();
      await call(bench, 'health');
      t.true(bench.attempts.at(-1)?.freshConnection);
    });
  },
);

for (const alpn of [['h2'], ['http/1.1']])
  test.serial(
    `a connection cut in place of an answer is a network error after two attempts (${alpn[0]})`,
    async (t) => {
      const other = await XksStub.start({ ...(await ca.issue(host, { dnsNames: [host] })), alpn });
      t.teardown(async () => other.close());
      other.always('health', { cut: true });
      await withClient(
        async (bench) => {
          t.is((await failure(call(bench, 'health'))).fault, 'network');
          t.is(other.requests.length, 2);
        },
        { address: other.address },
      );
    },
  );

for (const alpn of [['h2'], ['http/1.1']])
  test.serial(
    `each of two attempts has the whole limit, and the late answers hurt nobody (${alpn[0]})`,
    async (t) => {
      const other = await XksStub.start({ ...(await ca.issue(host, { dnsNames: [host] })), alpn });
      t.teardown(async () => other.close());
      await withClient(
        async (bench) => {
          await call(bench, 'health');
          other.next('health', { delayMs: Infinity }, { delayMs: Infinity });
          t.is((await failure(call(bench, 'health'))).fault, 'timeout');
          await call(bench, 'health');
          t.deepEqual(
            bench.attempts.map(({ fault }) => fault),
            [undefined, 'timeout', 'timeout', undefined],
          );
          for (const { tookMs } of bench.attempts.slice(1, 3)) t.true(tookMs >= 1_490, String(tookMs));
        },
        { address: other.address, timeoutMs: 1_500 },
      );
    },
  );

test.serial(
  'the limit includes the connection: a proxy that accepts and then says nothing is late',
  async (t) => {
    const { address, close } = await silentServer();
    t.teardown(close);
    await withClient(
      async (bench) => {
        t.is((await failure(call(bench, 'health'))).fault, 'timeout');
        t.is(bench.attempts.length, 2);
      },
      { address, timeoutMs: 100 },
    );
  },
);

test.serial('nobody at the port is unreachable', async (t) => {
  const { address, close } = await silentServer();
  await close();
  await withClient(
    async (bench) => {
      t.is((await failure(call(bench, 'health'))).fault, 'unreachable');
      t.is(bench.attempts.length, 2);
    },
    { address },
  );
});

test.serial('a certificate of another CA, another name or an old TLS version is refused, once', async (t) => {
  const otherCa = await TestCa.create(directory, 'other');
  await withClient(
    async (bench) => {
      t.is((await failure(call(bench, 'health'))).fault, 'tls');
      t.is(bench.attempts.length, 1);
    },
    { caFile: otherCa.certificate },
  );
  const elsewhere = await ca.issue('elsewhere.example.test', { dnsNames: ['elsewhere.example.test'] });
  const own = await ca.issue(host, { dnsNames: [host] });
  for (const options of [
    elsewhere,
    { ...own, maxVersion: 'TLSv1.1' as const, ciphers: 'ALL@SECLEVEL=0' },
    // A suite that the spec has not.
    { ...own, maxVersion: 'TLSv1.2' as const, ciphers: 'ECDHE-ECDSA-AES128-GCM-SHA256' },
  ]) {
    const other = await XksStub.start(options);
    await withClient(async (bench) => t.is((await failure(call(bench, 'health'))).fault, 'tls'), {
      address: other.address,
    });
    await other.close();
  }
});

test.serial('key managers that are all UNAVAILABLE are no health; one DEGRADED is', async (t) => {
  const fleet = (...states: string[]): StubAnswer => ({
    change: (right) => ({
      ...right,
      ekmFleetDetails: states.map((healthStatus, id) => ({ id: String(id), model: 'm', healthStatus })),
    }),
  });
  await withClient(async (bench) => {
    stub.next('health', fleet('UNAVAILABLE', 'UNAVAILABLE'), fleet('UNAVAILABLE', 'DEGRADED'));
    t.is((await failure(call(bench, 'health'))).fault, 'unavailable');
    await t.notThrowsAsync(call(bench, 'health'));
  });
});

async function silentServer(): Promise<{ address: string; close: () => Promise<void> }> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => sockets.add(socket.on('error', () => undefined)));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

function base64(length: number): string {
  return randomBytes(length).toString('base64');
}

function without(fields: Record<string, unknown>, name: string): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).filter(([key]) => key !== name));
}
