import test from 'ava';
import { assertError, authenticationFailed, malformed, useFileNode } from '../xks/file-node.ts';
import { RawConnection, toHttp1 } from './raw.ts';

const file = useFileNode();

const health = { requestMetadata: { kmsOperation: 'KmsHealthCheck', kmsRequestId: 'raw' } };
const sign = async (body: unknown = health) => file().client.sign('/first/kms/xks/v1/health', body);
const open = async () => RawConnection.open(file().node.port, file().node.ca.certificate);

test('HTTP/1.1 is spoken with a client that offers nothing else', async (t) => {
  const connection = await open();
  t.is(connection.socket.alpnProtocol, 'http/1.1');
  connection.write(toHttp1(await sign()));
  t.is((await connection.response()).status, 200);
  connection.close();
});

test('a hundred requests one after another use one connection', async (t) => {
  const connection = await open();
  const request = toHttp1(await sign());
  for (let count = 0; count < 100; count++) {
    connection.write(request);
    t.is((await connection.response()).status, 200);
  }
  connection.close();
});

test('pipelined requests are answered in their order', async (t) => {
  const { client, key } = file();
  const connection = await open();
  const encrypt = (length: number) => ({
    requestMetadata: { kmsOperation: 'Encrypt', kmsRequestId: '1', awsPrincipalArn: 'a', kmsKeyArn: 'k' },
    plaintext: Buffer.alloc(length, 1).toString('base64'),
    encryptionAlgorithm: 'AES_GCM',
  });
  const lengths = [4000, 1, 3000, 2, 2000, 3];
  const requests = await Promise.all(
    lengths.map(async (length) => client.sign(`/first/kms/xks/v1/keys/${key}/encrypt`, encrypt(length))),
  );
  // A fast one between them, and one that is refused.
  const health = await sign();
  const refused = { ...health, headers: { ...health.headers, 'x-amz-date': '20000101T000000Z' } };
  connection.write(
    Buffer.concat([...requests.map((request) => toHttp1(request)), toHttp1(health), toHttp1(refused)]),
  );
  for (const length of lengths) {
    const { body } = (await connection.response()) as { body: Record<string, string> };
    t.is(Buffer.from(body['ciphertext'] ?? '', 'base64').length, length);
  }
  t.is((await connection.response()).status, 200);
  assertError(t, await connection.response(), ...authenticationFailed);
  connection.close();
});

test('a pipelined request that is malformed does not get in front of the answer before it', async (t) => {
  const connection = await open();
  const request = toHttp1(await sign());
  connection.write(Buffer.concat([request, request, Buffer.from('NOT HTTP AT ALL\r\n\r\n')]));
  t.is((await connection.response()).status, 200);
  t.is((await connection.response()).status, 200);
  assertError(t, await connection.response(), ...malformed);
  await connection.closed;
  t.is(connection.received, '');
});

test('a chunked body is read, in chunks of any size and byte by byte', async (t) => {
  const request = await sign();
  const connection = await open();
  for (const chunks of [1, 7, 64, 4096]) {
    connection.write(toHttp1(request, { chunks }));
    t.is((await connection.response()).status, 200);
  }
  for (const byte of toHttp1(request, { chunks: 20 })) connection.write(Buffer.from([byte]));
  t.is((await connection.response()).status, 200);
  connection.close();
});

test('nobody learns by bodies of any length or kind which access key ids there are', async (t) => {
  const { client } = file();
  for (const length of [100, 131_072, 131_073, 200_000, 1_200_000])
    for (const chunks of [undefined, 16_384]) {
      const known = await client.sign('/first/kms/xks/v1/health', Buffer.alloc(length, 32));
      const { authorization = '' } = known.headers;
      const answers = [];
      for (const change of [
        (text: string) => text.replace(/Signature=.{8}/, 'Signature=00000000'),
        (text: string) => text.replace(/Credential=[A-Z0-9]+/, `Credential=${'A'.repeat(20)}`),
      ]) {
        const connection = await open();
        const request = { ...known, headers: { ...known.headers, authorization: change(authorization) } };
        connection.write(toHttp1(request, chunks === undefined ? {} : { chunks }));
        const { status, headers, body } = await connection.response();
        answers.push({ status, body, connection: headers.get('connection') });
        connection.close();
      }
      t.deepEqual(answers[1], answers[0], `${length} bytes, chunks of ${chunks ?? 'none'}`);
      t.is(answers[0]?.status, length <= 131_072 ? 401 : 501);
    }
});

test('Expect: 100-continue is answered before the body, and another expectation is refused', async (t) => {
  const request = await sign();
  const whole = toHttp1(request, { more: ['Expect: 100-continue'] });
  const head = whole.subarray(0, whole.length - request.body.length);
  const connection = await open();
  connection.write(head);
  t.is((await connection.response()).status, 100);
  connection.write(request.body);
  t.is((await connection.response()).status, 200);
  connection.write(toHttp1(request, { more: ['Expect: wonders'] }));
  assertError(t, await connection.response(), 417, malformed[1], malformed[2]);
  await connection.closed;
});

test('HTTP/1.0 is answered and the connection ends', async (t) => {
  const connection = await open();
  connection.write(
    toHttp1(await sign())
      .toString('latin1')
      .replace('HTTP/1.1', 'HTTP/1.0'),
  );
  const answer = await connection.response();
  t.is(answer.status, 200);
  t.is(answer.headers.get('connection'), 'close');
  await connection.closed;
});

test('a refused request leaves the connection usable, with its body unread', async (t) => {
  const connection = await open();
  const request = await sign();
  const headers = { ...request.headers, authorization: 'Basic YTpi' };
  for (let count = 0; count < 3; count++) {
    connection.write(toHttp1({ ...request, headers }));
    assertError(t, await connection.response(), ...authenticationFailed);
  }
  connection.write('GET /first/kms/xks/v1/health HTTP/1.1\r\nHost: localhost\r\n\r\n');
  const refused = await connection.response();
  t.is(refused.status, 405);
  t.not(refused.headers.get('connection'), 'close');
  connection.write(toHttp1(request));
  t.is((await connection.response()).status, 200);
  connection.close();
});

test('every answer carries HSTS and no-store, also errors and what is no HTTP', async (t) => {
  const { client } = file();
  const answers = [
    await client.health(),
    await client.post('nothing', {}),
    await client.send({ ...(await sign()), method: 'PUT' }),
  ];
  for (const { headers } of answers) {
    t.is(headers['strict-transport-security'], 'max-age=63072000; includeSubDomains');
    t.is(headers['cache-control'], 'no-store');
    t.is(headers['x-powered-by'], undefined);
    t.is(headers['server'], undefined);
  }
  const connection = await open();
  connection.write('\r\n\r\nhello\r\n\r\n');
  const answer = await connection.response();
  t.is(answer.headers.get('strict-transport-security'), 'max-age=63072000; includeSubDomains');
  await connection.closed;
});
