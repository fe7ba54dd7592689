import test from 'ava';
import { requestMetadata, type XksResponse } from '../../testing/xks-client.ts';
import { assertError, base64, useFileNode } from './file-node.ts';

const file = useFileNode();

type Fields = Record<string, unknown>;

/** A whole request of each operation, with every field that the spec has. */
const operations: { name: string; path: (key: string) => string; body: () => Promise<Fields> }[] = [
  {
    name: 'GetHealthStatus',
    path: () => 'health',
    body: async () =>
      Promise.resolve({ requestMetadata: { kmsOperation: 'KmsHealthCheck', kmsRequestId: 'any' } }),
  },
  {
    name: 'GetKeyMetadata',
    path: (key) => `keys/${key}/metadata`,
    body: async () => Promise.resolve({ requestMetadata: whole('CreateKey') }),
  },
  {
    name: 'Encrypt',
    path: (key) => `keys/${key}/encrypt`,
    body: async () =>
      Promise.resolve({
        requestMetadata: whole('Encrypt'),
        plaintext: base64('Hello World!'),
        encryptionAlgorithm: 'AES_GCM',
        additionalAuthenticatedData: base64('project=nile'),
        ciphertextDataIntegrityValueAlgorithm: 'SHA_256',
      }),
  },
  {
    name: 'Decrypt',
    path: (key) => `keys/${key}/decrypt`,
    body: async () => {
      const { client, key } = file();
      const { ciphertextDataIntegrityValue: _, ...encrypted } = (
        await client.encrypt(key, 'Hello World!', { aad: 'project=nile' })
      ).body as Fields;
      return {
        requestMetadata: whole('Decrypt'),
        encryptionAlgorithm: 'AES_GCM',
        additionalAuthenticatedData: base64('project=nile'),
        ...encrypted,
      };
    },
  },
];

const required: Record<string, readonly string[]> = {
  GetHealthStatus: [],
  GetKeyMetadata: [],
  Encrypt: ['plaintext', 'encryptionAlgorithm'],
  Decrypt: ['ciphertext', 'encryptionAlgorithm', 'initializationVector', 'authenticationTag'],
};
const requiredMetadata: Record<string, readonly string[]> = {
  GetHealthStatus: ['kmsOperation', 'kmsRequestId'],
  GetKeyMetadata: ['kmsOperation', 'kmsRequestId', 'awsPrincipalArn'],
  Encrypt: ['kmsOperation', 'kmsRequestId', 'awsPrincipalArn', 'kmsKeyArn'],
  Decrypt: ['kmsOperation', 'kmsRequestId', 'awsPrincipalArn', 'kmsKeyArn'],
};

function whole(kmsOperation: string): Fields {
  return { ...requestMetadata(kmsOperation), awsSourceVpc: 'vpc-1', awsSourceVpce: 'vpce-1' };
}

for (const { name, path, body } of operations) {
  const send = async (data: unknown): Promise<XksResponse> => file().client.post(path(file().key), data);
  const withMetadata = async (change: Fields): Promise<XksResponse> => {
    const request = await body();
    return send({ ...request, requestMetadata: { ...(request['requestMetadata'] as Fields), ...change } });
  };

  test.serial(`${name} takes a request with every field of the spec`, async (t) => {
    const answer = await send(await body());
    t.is(answer.status, 200, answer.text);
    t.is(answer.headers['content-type'], 'application/json');
  });

  test.serial(
    `${name} refuses a request in which a required field is missing, null or no string`,
    async (t) => {
      const missing = 'is missing or of the wrong type';
      for (const wrong of [undefined, null, 7, {}, []]) {
        for (const field of required[name] ?? []) {
          const what = field === 'encryptionAlgorithm' ? 'must be AES_GCM' : missing;
          const answer = await send({ ...(await body()), [field]: wrong });
          assertError(t, answer, 400, 'ValidationException', `Invalid request: ${field} ${what}.`);
        }
        for (const field of requiredMetadata[name] ?? [])
          assertError(
            t,
            await withMetadata({ [field]: wrong }),
            400,
            'ValidationException',
            `Invalid request: requestMetadata.${field} ${missing}.`,
          );
        assertError(
          t,
          await send({ ...(await body()), requestMetadata: typeof wrong === 'object' ? null : wrong }),
          400,
          'ValidationException',
          `Invalid request: requestMetadata ${missing}.`,
        );
      }
    },
  );

  test.serial(`${name} takes optional fields that are absent or null`, async (t) => {
    const optional = ['awsSourceVpc', 'awsSourceVpce', 'kmsViaService'];
    for (const nothing of [undefined, null]) {
      const answer = await withMetadata(Object.fromEntries(optional.map((field) => [field, nothing])));
      t.is(answer.status, 200, answer.text);
    }
  });

  test.serial(`${name} ignores fields that it does not know`, async (t) => {
    const request = await body();
    const extra = { SourceIdentity: 'alice', kmsRecipientAttestationPCR0: { deep: [1, null] }, toString: 1 };
    const answer = await send({
      ...request,
      ...extra,
      requestMetadata: { ...(request['requestMetadata'] as Fields), ...extra },
    });
    t.is(answer.status, 200, answer.text);
  });

  test.serial(`${name} does not refuse a kmsOperation that it does not know`, async (t) => {
    for (const kmsOperation of ['BulkEncrypt', '', 'x'.repeat(5000), 'Ünïcode'])
      t.is((await withMetadata({ kmsOperation })).status, 200);
  });

  test.serial(`${name} takes any string as kmsRequestId`, async (t) => {
    for (const kmsRequestId of ['', 'not a UUID', '\u0000\n"\\', '🔑'.repeat(500)])
      t.is((await withMetadata({ kmsRequestId })).status, 200);
  });

  test.serial(`${name} takes ARNs of 2048 characters, a service principal and AWS Internal`, async (t) => {
    const arn = (start: string) => start.padEnd(2048, 'a');
    for (const awsPrincipalArn of [
      arn('arn:aws:iam::123456789012:role/'),
      'ec2.amazonaws.com',
      'AWS Internal',
    ])
      t.is(
        (await withMetadata({ awsPrincipalArn, kmsKeyArn: arn('arn:aws:kms:us-east-2:123456789012:key/') }))
          .status,
        200,
      );
  });

  test.serial(`${name} refuses a body that is no JSON object`, async (t) => {
    for (const text of ['', '{', '{}x', "{'a':1}", '\ufeff{}', 'null x'])
      assertError(t, await send(text), 400, 'ValidationException', 'The request body is not JSON.');
    t.is((await send('[]')).body.errorName, 'ValidationException');
    // Whoever reads the first of two may have let through another request than the second.
    for (const text of [
      '{"ciphertext":"YQ==","ciphertext":"Yg=="}',
      '{"requestMetadata":{"a":1,"\\u0061":2}}',
    ])
      assertError(t, await send(text), 400, 'ValidationException', 'The request body has a field twice.');
    for (const text of ['null', '1', '"text"'])
      assertError(
        t,
        await send(text),
        400,
        'ValidationException',
        'Invalid request: the request body is missing or of the wrong type.',
      );
  });

  test.serial(`${name} refuses another content type than application/json`, async (t) => {
    const data = await body();
    const post = async (contentType: string) =>
      file().client.post(path(file().key), data, { headers: { 'content-type': contentType } });
    for (const contentType of ['text/plain', 'application/jsonx', 'application/x-amz-json-1.1', ''])
      assertError(
        t,
        await post(contentType),
        400,
        'ValidationException',
        'The Content-Type must be application/json.',
      );
    for (const contentType of ['application/json', 'application/json; charset=utf-8', 'Application/JSON'])
      t.is((await post(contentType)).status, 200);
  });
}
