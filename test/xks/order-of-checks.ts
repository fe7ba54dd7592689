import test from 'ava';
import type { XksResponse } from '../../testing/xks-client.ts';
import {
  assertError,
  authenticationFailed,
  disabled,
  invalidPath,
  keyNotFound,
  useFileNode,
} from './file-node.ts';

const file = useFileNode();

const wrongMethod = [
  405,
  'UnsupportedOperationException',
  'The XKS proxy API takes POST requests only.',
] as const;

interface Wrongs {
  path?: boolean;
  method?: boolean;
  prefix?: boolean;
  signature?: boolean;
  contentType?: boolean;
  json?: boolean;
  field?: boolean;
  key?: boolean;
}

/** A request with everything wrong but what is named right: what the proxy complains of is what it checks first. */
async function send(right: Wrongs, keyId = 'no-such-key'): Promise<XksResponse> {
  const { client, key } = file();
  const prefix = right.prefix === true ? 'first' : 'nowhere';
  const operation = right.path === true ? 'encrypt' : 'ecnrypt';
  const body = right.json === true ? { requestMetadata: right.field === true ? whole : {} } : '{';
  const request = await client.sign(
    `/${prefix}/kms/xks/v1/keys/${right.key === true ? key : keyId}/${operation}`,
    right.field === true ? { ...(body as object), ...encryptFields } : body,
    {
      method: right.method === true ? 'POST' : 'PUT',
      headers: { 'content-type': right.contentType === true ? 'application/json' : 'text/plain' },
    },
  );
  if (right.signature !== true) request.headers['x-amz-date'] = '20000101T000000Z';
  return client.send(request);
}

const whole = { kmsOperation: 'Encrypt', kmsRequestId: '1', awsPrincipalArn: 'a', kmsKeyArn: 'k' };
const encryptFields = { plaintext: 'AAAA', encryptionAlgorithm: 'AES_GCM' };

test.serial(
  'the checks come in this order: path, method, prefix, signature, content type, JSON, fields, key',
  async (t) => {
    const right: Wrongs = {};
    assertError(t, await send(right), ...invalidPath);
    right.path = true;
    assertError(t, await send(right), ...wrongMethod);
    right.method = true;
    assertError(
      t,
      await send(right),
      404,
      'InvalidUriPathException',
      'There is no key store at this URI path.',
    );
    right.prefix = true;
    assertError(t, await send(right), ...authenticationFailed);
    right.signature = true;
    const contentType = 'The Content-Type must be application/json.';
    assertError(t, await send(right), 400, 'ValidationException', contentType);
    right.contentType = true;
    assertError(t, await send(right), 400, 'ValidationException', 'The request body is not JSON.');
    right.json = true;
    const { body } = await send(right);
    t.regex(body.errorMessage, /^Invalid request: requestMetadata\.kmsOperation /);
    right.field = true;
    assertError(t, await send(right), ...keyNotFound);
    right.key = true;
    t.is((await send(right)).status, 200);
  },
);

test.serial('then the state of the key, its usage and the sizes', async (t) => {
  const { node, client } = file();
  const key = await node.makeKey('first', 'order', 'decrypt-only');
  const tooLarge = Buffer.alloc(9000, 1);
  await node.withStore(async (vault) => vault.disableKey(key));
  assertError(t, await client.encrypt(key, tooLarge), ...disabled);
  await node.withStore(async (vault) => vault.enableKey(key));
  const usage = 'The external key does not support encryption.';
  assertError(t, await client.encrypt(key, tooLarge), 400, 'InvalidKeyUsageException', usage);
  const answer = await client.encrypt(file().key, tooLarge);
  const size = 'The plaintext is longer than the 8192 bytes supported.';
  assertError(t, answer, 501, 'UnsupportedOperationException', size);
});

test.serial('a request more than five minutes old or ahead of time fails authentication', async (t) => {
  const { client } = file();
  const body = { requestMetadata: { kmsOperation: 'KmsHealthCheck', kmsRequestId: '1' } };
  for (const [minutes, fails] of [
    [-5.5, true],
    [-4.5, false],
    [4.5, false],
    [5.5, true],
  ] as const) {
    const answer = await client.post('health', body, { date: new Date(Date.now() + minutes * 60_000) });
    if (fails) assertError(t, answer, ...authenticationFailed);
    else t.is(answer.status, 200, answer.text);
  }
});

test.serial(
  'GetHealthStatus answers the fleet, vendor and model, and the token by name with its health',
  async (t) => {
    const { body, status } = await file().client.health();
    t.is(status, 200);
    t.deepEqual(
      { ...body, xksProxyModel: undefined },
      {
        xksProxyFleetSize: 1,
        xksProxyVendor: 'Holdfast',
        xksProxyModel: undefined,
        ekmVendor: 'SoftHSM',
        ekmFleetDetails: [{ id: 'token', model: 'SoftHSM 2', healthStatus: 'ACTIVE' }],
      },
    );
    t.regex(body.xksProxyModel, /^Holdfast \d+\.\d+\.\d+/);
  },
);
