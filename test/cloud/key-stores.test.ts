import { readFileSync } from 'node:fs';
import test from 'ava';
import {
  ConnectionErrorCodeType,
  CustomKeyStoreNameInUseException,
  KMSInternalException,
  XksProxyInvalidConfigurationException,
} from '@aws-sdk/client-kms';
import { connectionErrors, explainConnectionError } from '../../src/cloud/aws/connection-errors.ts';
import { callKeyStores, KeyStoreError } from '../../src/cloud/aws/key-store-errors.ts';

/** Of key stores of AWS CloudHSM alone (API reference, CustomKeyStoresListEntry). */
const ofCloudHsm = new Set([
  'CLUSTER_NOT_FOUND',
  'INSUFFICIENT_CLOUDHSM_HSMS',
  'INSUFFICIENT_FREE_ADDRESSES_IN_SUBNET',
  'SUBNET_NOT_FOUND',
  'USER_LOCKED_OUT',
  'USER_LOGGED_IN',
  'USER_NOT_FOUND',
]);

test('every connection error code of AWS KMS that an external key store may have is explained', (t) => {
  t.deepEqual(
    Object.values(ConnectionErrorCodeType)
      .filter((code) => !ofCloudHsm.has(code))
      .toSorted(),
    Object.keys(connectionErrors).toSorted() as never,
  );
  for (const code of Object.keys(connectionErrors)) {
    const { meaning, cause, remediation, source } = explainConnectionError(code);
    for (const text of [meaning, cause]) t.regex(text, /^[A-Z].*\.$/, code);
    t.regex(remediation, /holdfast|AWS/, code);
    t.regex(source, /^https:/);
  }
});

test('docs/errors.md has a row for each of them that says the same', (t) => {
  const page = readFileSync(new URL('../../docs/errors.md', import.meta.url), 'utf8').split('\n');
  for (const [code, { meaning, cause, remediation }] of Object.entries(connectionErrors)) {
    const cells = page
      .find((line) => line.startsWith(`| \`${code}\``))
      ?.split('|')
      .map((cell) => cell.trim());
    t.deepEqual(
      cells?.slice(2, 5),
      [meaning, cause, remediation].map((text) => text.replaceAll('<region>', 'REGION')),
      code,
    );
  }
});

test('a code that is not known is shown as it is', (t) => {
  for (const code of ['XKS_PROXY_MADE_UP', 'toString', '__proto__']) {
    const explained = explainConnectionError(code);
    t.is(explained.code, code);
    t.regex(explained.meaning, /does not know/);
  }
});

async function thrown(error: Error): Promise<KeyStoreError> {
  try {
    await callKeyStores('CreateCustomKeyStore', async () => {
      throw error;
    });
  } catch (told) {
    if (told instanceof KeyStoreError) return told;
  }
  throw new Error('no KeyStoreError');
}

const metadata = (attempts: number, httpStatusCode = 400) => ({ $metadata: { attempts, httpStatusCode } });

test('nothing was done for certain only where AWS refused the one request that was sent', async (t) => {
  const message = 'Another custom key store has the name secret-name.';
  const once = await thrown(new CustomKeyStoreNameInUseException({ message, ...metadata(1) }));
  t.true(once.certain);
  t.is(once.fault, 'conflict');
  t.regex(once.message, /has this name: CreateCustomKeyStore \(CustomKeyStoreNameInUseException\)$/);
  t.false(`${once.message} ${once.remediation}`.includes('secret-name'), 'nothing of what was sent');
  t.false((await thrown(new CustomKeyStoreNameInUseException({ message, ...metadata(2) }))).certain);
  t.false((await thrown(new KMSInternalException({ message: '', ...metadata(1, 500) }))).certain);
  const lost = await thrown(Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' }));
  t.false(lost.certain);
  t.regex(lost.message, /CreateCustomKeyStore \(ECONNRESET\)/);
  t.is(lost.goneOnWith().message, lost.message);
  t.regex(
    lost.goneOnWith().remediation,
    /not yet known whether AWS did it all the same: Holdfast checks and continues automatically/,
  );
});

test('an invalid configuration of the proxy is told apart by what AWS names in its message', async (t) => {
  const told = async (message: string) =>
    (await thrown(new XksProxyInvalidConfigurationException({ message, ...metadata(1) }))).message;
  t.regex(await told('Verify the TLS configuration, including its certificate.'), /TLS connection/);
  t.regex(await told('rejected the request because of an invalid URI path'), /URI path/);
  t.regex(await told('something else'), /its configuration invalid/);
});

test('a mistake of our own stays one', async (t) => {
  const mistake = new TypeError('undefined is not a function');
  t.is(
    await t.throwsAsync(
      callKeyStores('CreateCustomKeyStore', async () => {
        throw mistake;
      }),
    ),
    mistake,
  );
});
