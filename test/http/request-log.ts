import { randomBytes, randomUUID } from 'node:crypto';
import test from 'ava';
import type { LogLine } from '../../testing/test-node.ts';
import { base64, useWholeNode } from '../xks/file-node.ts';
import { RawConnection } from './raw.ts';

const file = useWholeNode({ workers: 2 });

const metadata = {
  awsPrincipalArn: 'arn:aws:iam::123456789012:user/Alice',
  awsSourceVpc: 'vpc-1234',
  awsSourceVpce: 'vpce-5678',
  kmsKeyArn: 'arn:aws:kms:us-east-2:123456789012:key/1234abcd',
  kmsViaService: 'ebs',
};

/** Sends a request of its own kmsRequestId and waits for its log line. */
async function lineOf(operation: string, fields: object, kmsOperation: string): Promise<LogLine> {
  const { client, node } = file();
  const kmsRequestId = randomUUID();
  const requestMetadata = { ...metadata, kmsOperation, kmsRequestId };
  await client.post(operation, { ...fields, requestMetadata });
  return node.waitForLog((line) => line['kmsRequestId'] === kmsRequestId);
}

const nameOfRequest = {
  keySet: 'first',
  kmsKeyArn: metadata.kmsKeyArn,
  principal: metadata.awsPrincipalArn,
  viaService: 'ebs',
  sourceVpc: 'vpc-1234',
  sourceVpce: 'vpce-5678',
  remote: '127.0.0.1',
  token: 'token',
};

function subset(line: LogLine, names: object): object {
  return Object.fromEntries(Object.keys(names).map((name) => [name, line[name]]));
}

test.serial(
  'an Encrypt is logged with its request id, key, version, principal, host, status and times',
  async (t) => {
    const { key, access, node } = file();
    const fields = { plaintext: base64('x'), encryptionAlgorithm: 'AES_GCM' };
    const line = await lineOf(`keys/${key}/encrypt`, fields, 'GenerateDataKey');
    const expected = {
      ...nameOfRequest,
      level: 'info',
      operation: 'Encrypt',
      status: 200,
      externalKeyId: key,
      keyVersion: 1,
      kmsOperation: 'GenerateDataKey',
      accessKeyId: access.accessKeyId,
    };
    t.deepEqual(subset(line, expected), expected);
    t.true(node.hostPids().includes(line['tokenHost'] as number));
    const { duration, queueTime, tokenTime } = line as unknown as Record<string, number>;
    for (const time of [duration, queueTime, tokenTime]) t.true(Number(time) > 0);
    t.true(Number(duration) >= Number(queueTime) + Number(tokenTime));
  },
);

test.serial('a request that fails is logged with its errorName, and why where the token knows', async (t) => {
  const { key } = file();
  const unknown = await lineOf('keys/no-such-key/metadata', {}, 'CreateKey');
  const expected = {
    ...nameOfRequest,
    level: 'warn',
    operation: 'GetKeyMetadata',
    status: 404,
    errorName: 'KeyNotFoundException',
    externalKeyId: 'no-such-key',
  };
  t.deepEqual(subset(unknown, expected), expected);
  const bad = {
    ciphertext: base64('x'),
    initializationVector: base64(Buffer.alloc(12, 1)),
    authenticationTag: base64(Buffer.alloc(16, 1)),
    ciphertextMetadata: base64(Buffer.from('a10000000001', 'hex')),
    encryptionAlgorithm: 'AES_GCM',
  };
  const line = await lineOf(`keys/${key}/decrypt`, bad, 'Decrypt');
  t.is(line['errorName'], 'InvalidCiphertextException');
  t.is(line['fault'], 'bad-ciphertext');
  t.is(line['keyVersion'], 1);
});

test.serial('the state of a key stands in the line where it is not as it should be', async (t) => {
  const { key, node } = file();
  const fields = { plaintext: base64('x'), encryptionAlgorithm: 'AES_GCM' };
  t.false('state' in (await lineOf(`keys/${key}/encrypt`, fields, 'Encrypt')));
  await node.withStore(async (vault) => vault.disableKey(key));
  for (const [operation, status] of [
    ['encrypt', 400],
    ['metadata', 200],
  ] as const) {
    const line = await lineOf(`keys/${key}/${operation}`, fields, 'Encrypt');
    t.is(line['state'], 'DISABLED');
    t.is(line['status'], status);
  }
  await node.withStore(async (vault) => vault.enableKey(key));
});

test.serial('GetHealthStatus is logged without a key', async (t) => {
  const line = await lineOf('health', {}, 'KmsHealthCheck');
  t.is(line['operation'], 'GetHealthStatus');
  t.is(line['status'], 200);
  t.false('externalKeyId' in line);
});

test.serial(
  'a request that is not authenticated is logged with the reason and with nothing of its content',
  async (t) => {
    const { node, client } = file();
    const { body: _, ...request } = await client.sign('/first/kms/xks/v1/keys/zqx-planted-id/metadata', '{}');
    await client.send({
      ...request,
      body: Buffer.from('{"requestMetadata":{"kmsRequestId":"zqx-planted"}}'),
    });
    const line = await node.waitForLog(({ reason }) => reason === 'signature-mismatch');
    t.is(line['status'], 401);
    t.is(line['errorName'], 'AuthenticationFailedException');
    t.false(node.output.includes('zqx-planted'));
  },
);

test.serial('each request has one line, and a text beyond 2048 characters is cut', async (t) => {
  const { node, client } = file();
  const kmsRequestId = `zqx${'r'.repeat(5000)}`;
  await client.post('health', { requestMetadata: { kmsOperation: '', kmsRequestId } });
  const mine = ({ kmsRequestId: id }: LogLine) => typeof id === 'string' && id.startsWith('zqx');
  const line = await node.waitForLog(mine);
  t.is((line['kmsRequestId'] as string).length, 2049);
  await lineOf('health', {}, 'KmsHealthCheck');
  t.is(node.log.filter(mine).length, 1);
});

test.serial('no plaintext, ciphertext, PIN or secret access key is in any output of the node', async (t) => {
  const { node, client, key, fixture, access } = file();
  const planted = new Map<string, Buffer>();
  for (let round = 0; round < 20; round++) {
    const plaintext = Buffer.concat([Buffer.from('zqxplain'), randomBytes(24)]);
    const aad = Buffer.concat([Buffer.from('zqxaad'), randomBytes(24)]);
    const { body } = await client.encrypt(key, plaintext, { aad, cdiv: true });
    await client.decrypt(key, body, { aad });
    planted.set(`plaintext ${round}`, plaintext).set(`aad ${round}`, aad);
    for (const field of ['ciphertext', 'authenticationTag', 'ciphertextDataIntegrityValue'])
      planted.set(`${field} ${round}`, Buffer.from(body[field], 'base64'));
    // And in requests that fail, in every way.
    await client.decrypt(key, body, { aad: 'another' });
    await client.post(`keys/${key}/encrypt`, { plaintext: base64(plaintext) });
    await client.post(`keys/${key}/encrypt`, `${plaintext.toString('hex')}{`);
    await client.post(`keys/${key}/encrypt`, { plaintext: base64(plaintext), requestMetadata: 1 });
    await client.post(`keys/${key}/encrypt`, { plaintext }, { headers: { 'content-type': 'text/plain' } });
    const unsigned = await client.sign(`/first/kms/xks/v1/keys/${key}/encrypt`, {
      plaintext: base64(plaintext),
    });
    await client.send({ ...unsigned, headers: { ...unsigned.headers, authorization: 'none' } });
    const raw = await RawConnection.open(node.port, node.ca.certificate);
    raw.write(`POST / HTTP/1.1\r\nHost : ${base64(plaintext)}\r\n\r\n`);
    await raw.closed;
  }
  planted.set('PIN', Buffer.from(fixture.pin));
  await lineOf('health', {}, 'KmsHealthCheck');
  t.true(node.output.length > 20_000);
  // The command prints a new credential's secret, once, on purpose: it is not part of what the node says.
  const said = node.log.map((line) => JSON.stringify(line)).join('\n');
  t.false(said.includes(access.secretAccessKey));
  for (const [name, bytes] of planted)
    for (const text of [base64(bytes), bytes.toString('hex'), bytes.toString('latin1')])
      t.false(node.output.includes(text), name);
  t.false(node.output.includes('zqxplain'));
});
