import { randomUUID } from 'node:crypto';
import type { SimulatedCall } from '../service.ts';
import { authorizeCall, authorizeKey } from './access.ts';
import { kmsError, notDone, validation } from './errors.ts';
import { changingKey, findKey, seenKey, type Found } from './find-key.ts';
import { Input } from './input.ts';
import { acceptPolicy, defaultPolicy } from './key-policies.ts';
import { newMaterial } from './key-material.ts';
import { keyState, refusePendingDeletion } from './key-state.ts';
import { findStore } from './key-stores.ts';
import type { Kms } from './kms-house.ts';
import { managedKey } from './managed-keys.ts';
import { page } from './pages.ts';
import type { KeyStore, KmsKey } from './records.ts';
import { arnOf } from './state.ts';
import { readTags } from './tags.ts';
import { recordKey, recordParameters, recordResponse } from './trail.ts';
import { exceptionFor, exceptionOf } from './xks-exceptions.ts';

const dayMs = 86_400_000;

export async function createKey(kms: Kms, call: SimulatedCall) {
  const input = new Input(call.input);
  const wanted = readNewKey(input);
  const { description, origin, xksKeyId, tags, bypass } = wanted;
  recordParameters(call, {
    origin,
    keySpec: 'SYMMETRIC_DEFAULT',
    keyUsage: 'ENCRYPT_DECRYPT',
    description,
    multiRegion: false,
    bypassPolicyLockoutSafetyCheck: bypass,
    customKeyStoreId: input.optionalText('CustomKeyStoreId'),
    xksKeyId,
  });
  const id = randomUUID();
  const arn = arnOf(call, `key/${id}`);
  authorizeCall(call, 'kms:CreateKey', '*', {
    'kms:KeyOrigin': origin,
    'kms:KeySpec': 'SYMMETRIC_DEFAULT',
    'kms:KeyUsage': 'ENCRYPT_DECRYPT',
    'kms:MultiRegion': 'false',
    'kms:BypassPolicyLockoutSafetyCheck': String(bypass),
  });
  if (Object.keys(tags).length > 0) authorizeCall(call, 'kms:TagResource', arn);
  const policy =
    wanted.policy === undefined
      ? defaultPolicy(call.partition, call.accountId)
      : acceptPolicy(kms, call, wanted.policy, { arn, bypass });
  const store = xksKeyId === undefined ? undefined : await bindExternalKey(kms, call, input, xksKeyId);
  const key: KmsKey = {
    ...newMaterial(),
    id,
    arn,
    accountId: call.accountId,
    region: call.region,
    createdAt: kms.house.now().getTime(),
    origin,
    manager: 'CUSTOMER',
    ...(store === undefined || xksKeyId === undefined ? {} : { keyStoreId: store.id, xksKeyId }),
    description,
    state: 'Enabled',
    policy,
    tags,
    grants: [],
  };
  kms.house.consistency.changing(arn, undefined);
  kms.state.place(call.accountId, call.region).keys.set(id, key);
  kms.house.changed();
  const output = { KeyMetadata: metadataOf(kms, key) };
  recordKey(call, key);
  recordResponse(call, { keyMetadata: { arn, keyId: id, origin, keyState: 'Enabled' } });
  return output;
}

/** Asks the proxy whether the external key is fit; gives the key store. */
async function bindExternalKey(
  kms: Kms,
  call: SimulatedCall,
  input: Input,
  xksKeyId: string,
): Promise<KeyStore> {
  const store = findStore(kms, call, input);
  const bindable = () => {
    if (store.state !== 'CONNECTED') throw exceptionOf('not-connected', 'create-key');
    const { keys } = kms.state.place(call.accountId, call.region);
    if ([...keys.values()].some((key) => key.keyStoreId === store.id && key.xksKeyId === xksKeyId))
      throw keyInUse();
  };
  bindable();
  const reservation = `${store.id} ${xksKeyId}`;
  if (kms.reserved.has(reservation)) throw keyInUse();
  kms.reserved.add(reservation);
  try {
    const proxy = kms.proxies.of(store);
    const external = await kms.proxies.client.keyMetadata(proxy, xksKeyId, kms.proxies.metadata(call));
    const unfit = (what: string) => kmsError('XksKeyInvalidConfigurationException', what);
    if (external.keySpec !== 'AES_256') throw unfit('The key spec of the external key must be AES_256');
    if (!external.keyUsage.includes('ENCRYPT') || !external.keyUsage.includes('DECRYPT'))
      throw unfit('The key usage of the external key must include ENCRYPT and DECRYPT');
    if (external.keyStatus !== 'ENABLED') throw unfit('The status of the external key must be ENABLED');
    bindable();
    return store;
  } catch (error) {
    throw exceptionFor(error, 'create-key');
  } finally {
    kms.reserved.delete(reservation);
  }
}

function keyInUse() {
  return kmsError(
    'XksKeyAlreadyInUseException',
    'Another KMS key of this external key store is bound to this external key',
  );
}

function readNewKey(input: Input) {
  const spec = input.optionalText('KeySpec') ?? input.optionalText('CustomerMasterKeySpec');
  const usage = input.optionalText('KeyUsage');
  const origin = input.optionalText('Origin') ?? 'AWS_KMS';
  const xksKeyId = input.optionalText('XksKeyId', { max: 128, pattern: /^[a-zA-Z0-9._-]+$/ });
  if (
    (spec ?? 'SYMMETRIC_DEFAULT') !== 'SYMMETRIC_DEFAULT' ||
    (usage ?? 'ENCRYPT_DECRYPT') !== 'ENCRYPT_DECRYPT'
  )
    throw notDone('keys other than SYMMETRIC_DEFAULT for ENCRYPT_DECRYPT');
  if (input.flag('MultiRegion'))
    throw notDone('multi-Region keys, which an external key store cannot have either');
  if (origin !== 'AWS_KMS' && origin !== 'EXTERNAL_KEY_STORE') throw notDone('keys of another origin');
  const inStore = origin === 'EXTERNAL_KEY_STORE';
  if (inStore !== (xksKeyId !== undefined) || inStore !== input.has('CustomKeyStoreId'))
    throw validation('Origin EXTERNAL_KEY_STORE, CustomKeyStoreId and XksKeyId go together');
  return {
    origin,
    xksKeyId,
    description: input.optionalText('Description', { min: 0, max: 8192 }) ?? '',
    policy: input.optionalText('Policy', { max: 131_072 }),
    tags: readTags(input),
    bypass: input.flag('BypassPolicyLockoutSafetyCheck'),
  } as const;
}

export function metadataOf(kms: Kms, key: Readonly<KmsKey>) {
  const state = keyState(kms, key);
  return {
    AWSAccountId: key.accountId,
    KeyId: key.id,
    Arn: key.arn,
    CreationDate: key.createdAt / 1000,
    Enabled: state === 'Enabled',
    Description: key.description,
    KeyUsage: 'ENCRYPT_DECRYPT',
    KeyState: state,
    DeletionDate: key.deletionAt === undefined ? undefined : key.deletionAt / 1000,
    Origin: key.origin,
    KeyManager: key.manager,
    CustomerMasterKeySpec: 'SYMMETRIC_DEFAULT',
    KeySpec: 'SYMMETRIC_DEFAULT',
    EncryptionAlgorithms: ['SYMMETRIC_DEFAULT'],
    MultiRegion: false,
    CustomKeyStoreId: key.keyStoreId,
    XksKeyConfiguration: key.xksKeyId === undefined ? undefined : { Id: key.xksKeyId },
    CurrentKeyMaterialId: key.origin === 'AWS_KMS' ? key.materialId : undefined,
  };
}

export function describeKey(kms: Kms, call: SimulatedCall) {
  const keyId = new Input(call.input).text('KeyId');
  const awsAlias = /^alias\/aws\/[a-z0-9]+$/.exec(keyId);
  if (awsAlias !== null) managedKey(kms, call, awsAlias[0] as `alias/aws/${string}`);
  const { key, alias } = findKey(kms, call, keyId, { aliases: true, foreign: true });
  recordKey(call, key, { keyId });
  authorizeKey(kms, call, 'kms:DescribeKey', key, { alias });
  return { KeyMetadata: metadataOf(kms, seenKey(kms, key) ?? key) };
}

export function listKeys(kms: Kms, call: SimulatedCall) {
  authorizeCall(call, 'kms:ListKeys');
  const keys = [...kms.state.place(call.accountId, call.region).keys.values()].filter(
    (key) => seenKey(kms, key) !== undefined,
  );
  const { items, truncation } = page(new Input(call.input), keys, ({ id }) => id, {
    standard: 100,
    max: 1000,
  });
  return { Keys: items.map(({ id, arn }) => ({ KeyId: id, KeyArn: arn })), ...truncation };
}

export function enableKey(kms: Kms, call: SimulatedCall) {
  const { key } = managed(kms, call);
  refusePendingDeletion(key);
  changingKey(kms, key);
  key.state = 'Enabled';
  kms.house.changed();
}

export function disableKey(kms: Kms, call: SimulatedCall) {
  const { key } = managed(kms, call);
  refusePendingDeletion(key);
  changingKey(kms, key);
  key.state = 'Disabled';
  kms.house.changed();
}

export function updateKeyDescription(kms: Kms, call: SimulatedCall) {
  const description = new Input(call.input).text('Description', { min: 0, max: 8192 });
  const { key } = managed(kms, call, { description });
  refusePendingDeletion(key);
  changingKey(kms, key);
  key.description = description;
  kms.house.changed();
}

/** The waiting period has days of `dayMs`; it ends by the simulator's clock, with no timer. */
export function scheduleKeyDeletion(kms: Kms, call: SimulatedCall) {
  const days = new Input(call.input).integer('PendingWindowInDays', 7, 30) ?? 30;
  const { key } = managed(kms, call, { pendingWindowInDays: days });
  refusePendingDeletion(key);
  changingKey(kms, key);
  key.state = 'PendingDeletion';
  key.deletionAt = kms.house.now().getTime() + days * (kms.house.options.time?.dayMs ?? dayMs);
  kms.house.changed();
  return {
    KeyId: key.arn,
    DeletionDate: key.deletionAt / 1000,
    KeyState: 'PendingDeletion',
    PendingWindowInDays: days,
  };
}

export function cancelKeyDeletion(kms: Kms, call: SimulatedCall) {
  const { key } = managed(kms, call);
  if (key.state !== 'PendingDeletion')
    throw kmsError('KMSInvalidStateException', `${key.arn} is not pending deletion.`);
  changingKey(kms, key);
  key.state = 'Disabled';
  delete key.deletionAt;
  kms.house.changed();
  return { KeyId: key.arn };
}

/** Automatic rotation is for keys whose bytes KMS makes (developer guide, "Key states", note 7). */
export function getKeyRotationStatus(kms: Kms, call: SimulatedCall) {
  const { key } = managed(kms, call, {}, { foreign: true });
  if (key.origin === 'EXTERNAL_KEY_STORE')
    throw kmsError('UnsupportedOperationException', `${key.arn} is in a custom key store.`);
  return { KeyId: key.arn, KeyRotationEnabled: false };
}

/** API Reference: an empty object where the key was never used; the CloudTrail event id is the trail's own and not known here. */
export function getKeyLastUsage(kms: Kms, call: SimulatedCall) {
  const { key } = managed(kms, call);
  const { lastUsage: last } = key;
  return {
    KeyId: key.id,
    KeyLastUsage:
      last === undefined
        ? {}
        : { Operation: last.operation, Timestamp: last.at / 1000, KmsRequestId: last.requestId },
    TrackingStartDate: key.createdAt / 1000,
    KeyCreationDate: key.createdAt / 1000,
  };
}

export function enableKeyRotation(kms: Kms, call: SimulatedCall) {
  const { key } = managed(kms, call);
  if (key.origin === 'EXTERNAL_KEY_STORE')
    throw kmsError('UnsupportedOperationException', `${key.arn} is in a custom key store.`);
  throw notDone('automatic rotation');
}

/** The key of a call, after the caller's right to `kms:<action>` on it. AWS managed keys are not the customer's to manage. */
function managed(
  kms: Kms,
  call: SimulatedCall,
  parameters: Readonly<Record<string, unknown>> = {},
  options: { foreign?: boolean } = {},
): Found {
  const keyId = new Input(call.input).text('KeyId');
  const found = findKey(kms, call, keyId, options);
  recordKey(call, found.key, { keyId, ...parameters });
  authorizeKey(kms, call, `kms:${call.action}`, found.key);
  return found;
}
