import test from 'ava';
import type { AwsError } from '../../src/cloud/aws/aws-error.ts';
import type { AwsFault } from '../../src/cloud/aws/aws-faults.ts';
import { callKeyStores } from '../../src/cloud/aws/key-store-errors.ts';
import { callKms } from '../../src/cloud/aws/kms-errors.ts';

/*
 * AWS KMS has one code for many causes, and its message tells which (XKS proxy API specification, "Error codes", KMS
 * Considerations). The messages are the specification's.
 */

interface Row {
  message: string;
  /** Under these codes AWS sends it: CreateKey's and those of cryptographic operations. */
  codes: string[];
  fault: AwsFault;
  words: RegExp;
  remediation: RegExp;
}

const keyCodes = ['CustomKeyStoreInvalidStateException', 'KMSInvalidStateException'];

const table: Record<string, Row> = {
  'a malformed answer': {
    message:
      'AWS KMS cannot interpret the response from the external key store proxy. If you see this error repeatedly, report it to your external key store proxy administrator.',
    codes: keyCodes,
    fault: 'proxy',
    words: /cannot interpret the response of the proxy/,
    remediation: /holdfast doctor/,
  },
  'a key that is not enabled': {
    message:
      'The external key associated with this KMS key in an external key store is not enabled in the external key manager. Enable the external key in the external key manager and retry the request.',
    codes: ['XksKeyInvalidConfigurationException', 'KMSInvalidStateException'],
    fault: 'conflict',
    words: /the CloudKey was not enabled/,
    remediation: /not frozen/,
  },
  'a signature that is refused': {
    message:
      'The external key store proxy rejected the request because it could not authenticate AWS KMS. Verify the XKS proxy authentication credentials for your external key store and update if necessary.',
    codes: keyCodes,
    fault: 'proxy',
    words: /did not accept the XKS credential/,
    remediation: /rotate-credential/,
  },
  'access that is denied': {
    message:
      'The external key store proxy denied access to the operation. Verify that the user and the external key are both authorized for this operation, and try the request again.',
    codes: keyCodes,
    fault: 'proxy',
    words: /denied AWS KMS the operation/,
    remediation: /allow AWS KMS in whatever/,
  },
  'a path that is not known': {
    message:
      'The external key store proxy rejected the request because of an invalid URI path. Verify the URI path for your external key store and update if necessary.',
    codes: keyCodes,
    fault: 'proxy',
    words: /does not know the URI path/,
    remediation: /--restore-path/,
  },
  'a proxy that waits for its token': {
    message:
      'The external key store proxy did not respond to the request in the time allotted. Retry the request. If you see this error repeatedly, report it to your external key store proxy administrator.',
    codes: keyCodes,
    fault: 'proxy',
    words: /did not answer AWS KMS within 250 ms/,
    remediation: /holdfast token verify/,
  },
  'a proxy that does not answer in time': {
    message:
      'AWS KMS rejected the request because the external key store proxy did not respond in time. Retry the request. If you see this error repeatedly, report it to your external key store proxy administrator.',
    codes: keyCodes,
    fault: 'proxy',
    words: /did not answer AWS KMS within 250 ms/,
    remediation: /holdfast token verify/,
  },
  'too many requests': {
    message:
      'The external key store proxy rejected the request due to a very high request rate. Reduce the frequency of your calls using KMS keys in this external key store.',
    codes: keyCodes,
    fault: 'proxy',
    words: /the request rate was too high/,
    remediation: /quotas/,
  },
  'a token that cannot be used': {
    message:
      'The external key store proxy rejected the request because it cannot communicate with the external key manager. Verify that the external key store proxy configuration is correct and that the external key manager is available.',
    codes: keyCodes,
    fault: 'proxy',
    words: /cannot use its token/,
    remediation: /holdfast token verify/,
  },
  'a proxy that is not reached': {
    message:
      'AWS KMS cannot communicate with the external key store proxy. This might be a transient network issue. If you see this error repeatedly, verify that your external key store proxy is active and is connected to the network, and that its endpoint URI is correct in your external keystore.',
    codes: keyCodes,
    fault: 'proxy',
    words: /cannot reach the proxy/,
    remediation: /from outside the network/,
  },
  'TLS that fails': {
    message:
      'AWS KMS cannot establish a TLS connection to the external key store proxy. Verify the TLS configuration, including its certificate.',
    codes: keyCodes,
    fault: 'proxy',
    words: /trusted TLS connection to the proxy/,
    remediation: /days left, host name, chain/,
  },
  'a key store that is not connected': {
    message:
      'This KMS key is in a custom key store that is not connected to its external key store proxy. Connect the external key store and try the request again.',
    codes: keyCodes,
    fault: 'conflict',
    words: /the key store is not connected/,
    remediation: /external-key-store connect/,
  },
  'a KMS key that is to be deleted': {
    message: 'arn:aws:kms:eu-central-1:111122223333:key/0b1f7a3c is pending deletion.',
    codes: ['KMSInvalidStateException'],
    fault: 'conflict',
    words: /the KMS key is pending deletion/,
    remediation: /cancel-deletion/,
  },
};

/** What the SDK throws. */
function refusal(code: string, message: string): Error {
  const error = new Error(message);
  error.name = code;
  return Object.assign(error, { $metadata: { httpStatusCode: 400, attempts: 1 } });
}

type CallAws = typeof callKms;

async function told(call: CallAws, operation: string, code: string, message: string): Promise<AwsError> {
  try {
    return await call<AwsError>(operation, async () => Promise.reject(refusal(code, message)));
  } catch (error) {
    return error as AwsError;
  }
}

for (const [name, { message, codes, fault, words, remediation }] of Object.entries(table))
  test(`${name} is told by AWS's message, whatever the code`, async (t) => {
    for (const code of codes)
      for (const call of [callKms, callKeyStores]) {
        const error = await told(call, 'CreateKey', code, message);
        t.like(error, { code, operation: 'CreateKey', certain: true });
        // What is retried automatically: of a key store a person decides.
        if (call === callKms) t.is(error.fault, fault);
        t.regex(error.message, words);
        t.regex(error.remediation, remediation);
        t.false(error.message.includes(message) || error.remediation.includes(message));
        // One cause has one message: no other row's words.
        const others = Object.values(table).filter((row) => row.words.source !== words.source);
        t.deepEqual(
          others.filter((row) => row.words.test(error.message)),
          [],
        );
      }
  });

test('a message that is not known is told by its code, and of codes with one cause no message is read', async (t) => {
  const unknown = await told(callKms, 'EnableKey', 'KMSInvalidStateException', 'Something new, key-id 7f3c.');
  t.like(unknown, { fault: 'conflict', code: 'KMSInvalidStateException' });
  t.regex(unknown.message, /in a state in which AWS KMS does not allow this/);
  t.notRegex(unknown.message + unknown.remediation, /7f3c|cancel-deletion/);

  const unready = await told(callKms, 'CreateKey', 'CustomKeyStoreInvalidStateException', '');
  t.regex(unready.message, /in a state in which AWS KMS creates no keys/);

  // It is not to be deleted, though the words are nearly the same.
  const { message } = await told(
    callKms,
    'CancelKeyDeletion',
    'KMSInvalidStateException',
    'x is not pending deletion.',
  );
  t.notRegex(message, /is pending deletion/);

  const { message: other } = await told(
    callKms,
    'CreateKey',
    'XksKeyNotFoundException',
    table['a key store that is not connected']?.message ?? '',
  );
  t.regex(other, /does not know it/);
});
