import { readFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { Agent } from 'node:https';
import path from 'node:path';
import {
  ConnectCustomKeyStoreCommand,
  CreateCustomKeyStoreCommand,
  CreateKeyCommand,
  DecryptCommand,
  EncryptCommand,
  GenerateDataKeyCommand,
  KMSClient,
  ReEncryptCommand,
  UpdateCustomKeyStoreCommand,
} from '@aws-sdk/client-kms';
import test from 'ava';
import type { Simulator } from '../../simulator/simulator.ts';
import { updateCloudKey } from '../../src/keys/cloud-keys.ts';
import { freezeKeySet, thawKeySet, updateKeySet } from '../../src/keys/key-sets/key-sets.ts';
import type { QuotaInput } from '../../src/vault/limits.ts';
import { managementDeadline } from '../../src/vault/tokens.ts';
import { Middlebox } from '../doctor/middlebox.ts';
import { startAws } from '../../testing/simulated-aws.ts';
import { TestCa } from '../../testing/certificates.ts';
import { InProcessNode } from '../../testing/in-process-node.ts';
import { ofVersion } from '../support/key-identity.ts';
import { failureOf } from '../support/simulated-kms.ts';
import { createSoftHsmToken, type TokenFixture } from '../../testing/tokens.ts';
import type { KeySetAccess } from '../../testing/xks-client.ts';
import { endpoint, hostName } from './story-vault.ts';

/*
 * The table of the XKS spec from what a proxy answers to KMS's exceptions, where Holdfast itself is the proxy, and where
 * the way to it fails. What a scripted proxy can say better is in test/simulator/kms-cryptography.test.ts and
 * kms-key-stores.test.ts.
 */

/** Twenty times the 250 ms of AWS: a busy machine takes its time, and 1 s stands for its 50 ms. */
const limit = 5_000;
const [inTime, late] = [1_000, 6_000];

const patient = 30_000;
const time = { connectMs: 0, disconnectMs: 0, xksTimeoutMs: patient };
const resolve: Record<string, string> = {};
const plaintext = Buffer.from('Hello World!');

let fixture: TokenFixture;
let node: InProcessNode;
let simulator: Simulator;
let agent: Agent;
let kms: KMSClient;
let access: KeySetAccess;
/** Of a key set that AWS has no key store for. */
let other: KeySetAccess;
let store: string;
let externalKeyId: string;
let keyArn: string;
let blob: Uint8Array | undefined;
let spare: string;

test.before(async () => {
  fixture = await createSoftHsmToken();
  node = await InProcessNode.start({ tokens: [{ fixture }], hostNames: [hostName] });
  access = await node.makeKeySet('first', { prefix: 'first' });
  other = await node.makeKeySet('other', { prefix: 'other' });
  externalKeyId = await node.makeKey('first', 'key');
  spare = await node.makeKey('first', 'spare');
  resolve[hostName] = `127.0.0.1:${node.port}`;
  ({ simulator } = await startAws({
    kind: 'what each answer of the proxy is to a client of AWS is what is tested',
    time,
    resolve,
    xksCa: readFileSync(node.ca.certificate, 'utf8'),
  }));
  agent = new Agent({ ca: simulator.ca, keepAlive: true });
  kms = new KMSClient({
    ...{ region: 'eu-central-1', endpoint: simulator.url, credentials: simulator.account(), maxAttempts: 1 },
    requestHandler: { httpsAgent: agent },
  });
  const made = await kms.send(new CreateCustomKeyStoreCommand(newStore(access)));
  store = made.CustomKeyStoreId ?? '';
  await kms.send(new ConnectCustomKeyStoreCommand({ CustomKeyStoreId: store }));
  await simulator.kms.connected(store);
  keyArn = await makeKmsKey(externalKeyId);
  ({ CiphertextBlob: blob } = await kms.send(new EncryptCommand({ KeyId: keyArn, Plaintext: plaintext })));
});
test.after.always(async () => {
  kms?.destroy();
  agent?.destroy();
  await simulator?.close();
  await node?.dispose();
  await fixture?.dispose();
});

function credentialOf({ accessKeyId, secretAccessKey }: KeySetAccess) {
  return { AccessKeyId: accessKeyId, RawSecretAccessKey: secretAccessKey };
}

function newStore(keySet: KeySetAccess) {
  return {
    CustomKeyStoreName: keySet.uriPath,
    CustomKeyStoreType: 'EXTERNAL_KEY_STORE',
    XksProxyConnectivity: 'PUBLIC_ENDPOINT',
    XksProxyUriEndpoint: endpoint,
    XksProxyUriPath: keySet.uriPath,
    XksProxyAuthenticationCredential: credentialOf(keySet),
  } as const;
}

async function makeKmsKey(XksKeyId: string): Promise<string> {
  const { KeyMetadata } = await kms.send(
    new CreateKeyCommand({ Origin: 'EXTERNAL_KEY_STORE', CustomKeyStoreId: store, XksKeyId }),
  );
  return KeyMetadata?.Arn ?? '';
}

const encrypt = async () => kms.send(new EncryptCommand({ KeyId: keyArn, Plaintext: plaintext }));
const decrypt = async () => kms.send(new DecryptCommand({ CiphertextBlob: blob }));
/** To what it has already: KMS asks the proxy all the same. */
const updateStore = async () =>
  kms.send(
    new UpdateCustomKeyStoreCommand({
      CustomKeyStoreId: store,
      XksProxyAuthenticationCredential: credentialOf(access),
    }),
  );

const cryptography: Record<string, () => Promise<unknown>> = {
  Encrypt: encrypt,
  Decrypt: decrypt,
  GenerateDataKey: async () => kms.send(new GenerateDataKeyCommand({ KeyId: keyArn, KeySpec: 'AES_256' })),
  ReEncrypt: async () => kms.send(new ReEncryptCommand({ CiphertextBlob: blob, DestinationKeyId: keyArn })),
};
const keyStores: Record<string, () => Promise<unknown>> = {
  CreateCustomKeyStore: async () => kms.send(new CreateCustomKeyStoreCommand(newStore(other))),
  UpdateCustomKeyStore: updateStore,
};

type Undo = () => unknown;

interface Row {
  what: string;
  provoke: () => Promise<Undo>;
  /** What every act of KMS says of it. */
  message: RegExp;
  /** What Holdfast answered; undefined where there was no answer. */
  errorName?: string;
  /** What KMS throws from CreateKey. */
  createKey: string;
  /** And from Create- and UpdateCustomKeyStore; undefined where they are not concerned. */
  keyStore?: string;
}

const tls = {
  message: /cannot establish a TLS connection/,
  createKey: 'CustomKeyStoreInvalidStateException',
  keyStore: 'XksProxyUriUnreachableException',
};
const authentication = {
  message: /could not authenticate AWS KMS/,
  errorName: 'AuthenticationFailedException',
  createKey: 'CustomKeyStoreInvalidStateException',
  keyStore: 'XksProxyIncorrectAuthenticationCredentialException',
};

const rows: Row[] = [
  {
    what: 'the key set is frozen',
    provoke: async () =>
      node.withVault(async (vault) => {
        const { vaultContext, act, vaultId } = vault;
        const { id } = await vault.keySet('first');
        await freezeKeySet(vaultContext, act(), { vaultId, sight: 'all', id });
        return async () => thawKeySet(vaultContext, act(), { vaultId, sight: 'all', id });
      }),
    message: /is not enabled in the external key manager|must be ENABLED/,
    errorName: 'InvalidStateException',
    createKey: 'XksKeyInvalidConfigurationException',
  },
  {
    what: 'the key set is no external key store any more',
    provoke: async () => {
      const set = async (externalKeyStore: boolean) =>
        node.withVault(async (vault) => {
          for (const name of ['first', 'other']) {
            const { id } = await vault.keySet(name);
            await updateKeySet(
              vault.vaultContext,
              vault.act(),
              { vaultId: vault.vaultId, sight: 'all', id },
              { externalKeyStore },
            );
          }
        });
      await set(false);
      return async () => set(true);
    },
    message: /URI path/,
    errorName: 'InvalidUriPathException',
    createKey: 'CustomKeyStoreInvalidStateException',
    keyStore: 'XksProxyInvalidConfigurationException',
  },
  clocksApart('ahead', -6),
  clocksApart('behind', 6),
  {
    ...authentication,
    what: 'the credentials are withdrawn',
    provoke: async () => {
      await node.withVault(async (vault) => {
        await vault.withdrawCredential('first', access.accessKeyId);
        await vault.withdrawCredential('other', other.accessKeyId);
      });
      return async () => {
        access = await node.issueCredential('first');
        other = await node.issueCredential('other');
        await updateStore();
      };
    },
  },
  {
    ...tls,
    what: 'the certificate has expired',
    provoke: async () => behind(await node.ca.issue(hostName, { dnsNames: [hostName], days: -1 })),
  },
  {
    ...tls,
    what: 'the certificate is of another CA',
    provoke: async () => {
      const directory = path.join(node.directory, 'another-ca');
      await mkdir(directory);
      const another = await TestCa.create(directory);
      return behind(await another.issue(hostName, { dnsNames: [hostName] }));
    },
  },
  {
    what: 'each answer comes after AWS’s limit',
    provoke: async () => slow(late),
    message: /did not respond in time/,
    createKey: 'CustomKeyStoreInvalidStateException',
    keyStore: 'XksProxyUriUnreachableException',
  },
];

/** AWS’s clock is right: it is the node’s that is off. */
function clocksApart(how: string, minutes: number): Row {
  return {
    ...authentication,
    what: `the node’s clock is six minutes ${how}`,
    provoke: async () => {
      simulator.kms.shiftSigningClock(minutes * 60_000);
      return () => simulator.kms.shiftSigningClock(0);
    },
  };
}

/** Something with this certificate, and of this slowness, stands before the node. */
async function behind(certificate: { certificate: string; key: string }, hold = 0): Promise<Undo> {
  const box = await Middlebox.start({ tls: certificate, node: node.port, hold });
  resolve[hostName] = `127.0.0.1:${box.port}`;
  simulator.kms.dropConnections();
  return () => {
    resolve[hostName] = `127.0.0.1:${node.port}`;
    simulator.kms.dropConnections();
    box.close();
  };
}

async function slow(hold: number): Promise<Undo> {
  time.xksTimeoutMs = limit;
  const undo = await behind(node.tls, hold);
  return () => {
    time.xksTimeoutMs = patient;
    undo();
  };
}

for (const { what, provoke, message, errorName, createKey, keyStore } of rows)
  test.serial(
    `${what}: KMSInvalidStateException, ${createKey}${keyStore === undefined ? '' : `, ${keyStore}`}`,
    async (t) => {
      const undo = await provoke();
      simulator.kms.forgetXksCalls();
      try {
        const acts: [string, () => Promise<unknown>, string][] = [
          ...Object.entries(cryptography).map(
            ([name, act]) => [name, act, 'KMSInvalidStateException'] as [string, typeof act, string],
          ),
          ['CreateKey', async () => makeKmsKey(spare), createKey],
          ...(keyStore === undefined
            ? []
            : Object.entries(keyStores).map(
                ([name, act]) => [name, act, keyStore] as [string, typeof act, string],
              )),
        ];
        await Promise.all(
          acts.map(async ([name, act, exception]) => {
            const failure = await failureOf(act());
            t.is(failure.name, exception, name);
            t.regex(failure.message, message, name);
          }),
        );
        const attempts = simulator.kms.xksCalls().filter(({ fault }) => fault !== undefined);
        t.true(attempts.length >= acts.length - 1);
        for (const attempt of attempts) t.is(attempt.errorName, errorName as never);
      } finally {
        await undo();
      }
      await t.notThrowsAsync(decrypt());
    },
  );

test.serial('an answer that comes just within AWS’s limit is as good as any', async (t) => {
  const undo = await slow(inTime);
  try {
    const acts = [...Object.values(cryptography), updateStore];
    await Promise.all(acts.map(async (act) => t.notThrowsAsync(act())));
  } finally {
    await undo();
  }
});

test.serial('beyond its quota a key is throttled, and KMS says so', async (t) => {
  const quota = async (input: QuotaInput | null) =>
    node.withVault(async (vault) => {
      const { id } = await vault.key(externalKeyId);
      await updateCloudKey(
        vault.vaultContext,
        vault.act(),
        { vaultId: vault.vaultId, sight: 'all', id },
        { quota: input },
      );
    });
  await quota({ requestsPerSecond: 1 });
  try {
    const all = await Promise.allSettled(Array.from({ length: 30 }, encrypt));
    const refused = all.flatMap((one) => (one.status === 'rejected' ? [one.reason as Error] : []));
    t.true(refused.length > 0);
    for (const { name, message } of refused) {
      t.is(name, 'KMSInvalidStateException');
      t.regex(message, /very high request rate/);
    }
    t.is(simulator.kms.lastFailure()?.errorName, 'ThrottlingException');
    // One attempt more for each.
    t.true(simulator.kms.xksCalls({ retries: true }).length >= refused.length);
  } finally {
    await quota(null);
  }
});

test.serial(
  'a key object that is gone from the token is trouble of the key manager, not an unknown key',
  async (t) => {
    const lost = await node.makeKey('first', 'lost');
    const arn = await makeKmsKey(lost);
    const use = async () => kms.send(new EncryptCommand({ KeyId: arn, Plaintext: plaintext }));
    await t.notThrowsAsync(use());
    await node.withVault(async (vault) => {
      const pool = vault.vaultContext.tokens.pool('token');
      await pool.call({ kind: 'destroyKey', ...ofVersion(await vault.key(lost), 1) }, managementDeadline());
    });
    const failure = await failureOf(use());
    t.is(failure.name, 'KMSInvalidStateException');
    t.regex(failure.message, /cannot communicate with the external key manager/);
    t.is(simulator.kms.lastFailure()?.errorName, 'InternalException');
  },
);
