import test from 'ava';
import fc from '../../testing/properties.ts';
import { TokenError, type TokenFault } from '../../src/token/faults.ts';
import { countCall, recountCall } from '../../src/token/remediations.ts';
import { toXksError, XksError, xksErrorStatus } from '../../src/xks/errors.ts';
import {
  decryptRequest,
  encryptRequest,
  getHealthStatusRequest,
  getKeyMetadataRequest,
  parseBody,
} from '../../src/xks/wire.ts';

const schemas = [decryptRequest, encryptRequest, getHealthStatusRequest, getKeyMetadataRequest];
const printable = /^[ -~]{1,511}$/;

/** Hostile text, marked so that it is known again wherever it comes out. */
const hostile = fc
  .tuple(
    fc.constantFrom(
      '\u0000',
      '\r\n',
      '"',
      '\\',
      '<script>',
      'é',
      '😀',
      '\u2028',
      '${x}',
      '%s',
      'A'.repeat(600),
    ),
    fc.string({ unit: 'binary', maxLength: 20 }),
  )
  .map(([strange, random]) => `zqx${strange}${random}zqx`);
const value: fc.Arbitrary<unknown> = fc.oneof(
  hostile,
  fc.constant(null),
  fc.integer(),
  fc.boolean(),
  fc.array(hostile, { maxLength: 3 }),
  fc.dictionary(hostile, hostile, { maxKeys: 3 }),
);
const names = [
  ...['requestMetadata', 'plaintext', 'ciphertext', 'encryptionAlgorithm', 'initializationVector'],
  ...['authenticationTag', 'additionalAuthenticatedData', 'ciphertextMetadata', '__proto__', 'constructor'],
  'ciphertextDataIntegrityValueAlgorithm',
];
const metadata = fc.dictionary(
  fc.oneof(hostile, fc.constantFrom('kmsOperation', 'kmsRequestId', 'awsPrincipalArn', 'kmsKeyArn')),
  value,
);
const body = fc.oneof(
  hostile,
  value.map((data) => JSON.stringify(data)),
  fc
    .tuple(fc.dictionary(fc.oneof(hostile, fc.constantFrom(...names)), value), fc.option(metadata))
    .map(([fields, requestMetadata]) =>
      JSON.stringify(requestMetadata === null ? fields : { ...fields, requestMetadata }),
    ),
);

test('the errorMessage for a hostile body is printable ASCII below 512 characters and repeats nothing of it', (t) => {
  let refused = 0;
  fc.assert(
    fc.property(body, fc.constantFrom(...schemas), (text, schema) => {
      try {
        parseBody(schema, Buffer.from(text));
      } catch (error) {
        refused++;
        if (!(error instanceof XksError)) throw error;
        t.is(error.errorName, 'ValidationException');
        t.regex(error.message, printable);
        t.false(error.body.includes('zqx'), error.message);
      }
    }),
    { numRuns: 3000 },
  );
  t.true(refused > 2000);
});

test('bytes that are not UTF-8 and brackets a hundred thousand deep are a ValidationException', (t) => {
  for (const bytes of [
    Buffer.from([0xff, 0xfe]),
    Buffer.from('{"requestMetadata":"\xe9"}', 'latin1'),
    Buffer.from('['.repeat(100_000)),
    Buffer.from('{"a":'.repeat(20_000)),
    Buffer.from('\ufeff{}'),
    Buffer.alloc(0),
  ])
    for (const schema of schemas)
      t.throws(() => parseBody(schema, bytes), {
        instanceOf: XksError,
        message: 'The request body is not JSON.',
      });
});

test('every error of a token has a name of the spec and a message that the spec allows', (t) => {
  const faults: Record<TokenFault, keyof typeof xksErrorStatus> = {
    'bad-ciphertext': 'InvalidCiphertextException',
    'data-refused': 'UnsupportedOperationException',
    'usage-refused': 'InvalidKeyUsageException',
    'key-missing': 'InternalException',
    'key-duplicate': 'InternalException',
    'key-unfit': 'InternalException',
    'other-token': 'InternalException',
    'iv-refused': 'InternalException',
    'verify-failed': 'InternalException',
    'seal-broken': 'InternalException',
    'session-lost': 'InternalException',
    'pin-refused': 'InternalException',
    device: 'InternalException',
    timeout: 'DependencyTimeoutException',
    unavailable: 'DependencyTimeoutException',
    overloaded: 'ThrottlingException',
    internal: 'InternalException',
  };
  for (const [fault, errorName] of Object.entries(faults)) {
    const error = toXksError(new TokenError(fault as TokenFault, 'C_Decrypt', 5));
    t.is(error.errorName, errorName);
    t.is(error.status, xksErrorStatus[errorName]);
    t.regex(error.message, printable);
    t.deepEqual(JSON.parse(error.body), { errorName, errorMessage: error.message });
  }
});

test('an error nobody expected is an InternalException that tells nothing of itself', (t) => {
  const error = toXksError(new Error('zqx secret path /etc/zqx'));
  t.is(error.status, 500);
  t.deepEqual(JSON.parse(error.body), {
    errorName: 'InternalException',
    errorMessage: 'The request could not be processed.',
  });
});

test('the status of each error name is the one of the spec', (t) => {
  t.deepEqual(xksErrorStatus, {
    ValidationException: 400,
    InvalidStateException: 400,
    InvalidCiphertextException: 400,
    InvalidKeyUsageException: 400,
    AuthenticationFailedException: 401,
    AccessDeniedException: 403,
    KeyNotFoundException: 404,
    InvalidUriPathException: 404,
    ThrottlingException: 429,
    InternalException: 500,
    UnsupportedOperationException: 501,
    DependencyTimeoutException: 503,
  });
});

test('AWS is told that encryptions were not counted in time, and nothing of a token that was not asked', (t) => {
  for (const fault of ['timeout', 'unavailable'] as const) {
    const { errorName, message } = toXksError(new TokenError(fault, countCall));
    t.is(errorName, 'DependencyTimeoutException');
    t.is(message, 'The encryptions of the key were not counted in time, so none was done.');
  }
  const { errorName, message } = toXksError(new TokenError('unavailable', recountCall));
  t.is(errorName, 'DependencyTimeoutException');
  t.is(message, 'An attempt at the encryption failed, and another was not made: it was not counted in time.');
  t.is(toXksError(new TokenError('timeout', 'C_Encrypt')).message, 'The token did not answer in time.');
});
