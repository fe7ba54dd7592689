import type { SimulatedCall } from '../service.ts';
import { createAlias, deleteAlias, listAliases, updateAlias } from './aliases.ts';
import {
  decrypt,
  encrypt,
  generateDataKey,
  generateDataKeyWithoutPlaintext,
  generateRandom,
  reEncrypt,
} from './cryptography.ts';
import { createGrant, listGrants, retireGrant, revokeGrant } from './grants.ts';
import { getKeyPolicy, listKeyPolicies, putKeyPolicy } from './key-policies.ts';
import {
  connectCustomKeyStore,
  createCustomKeyStore,
  deleteCustomKeyStore,
  describeCustomKeyStores,
  disconnectCustomKeyStore,
  updateCustomKeyStore,
} from './key-stores.ts';
import {
  cancelKeyDeletion,
  createKey,
  describeKey,
  disableKey,
  enableKey,
  enableKeyRotation,
  getKeyLastUsage,
  getKeyRotationStatus,
  listKeys,
  scheduleKeyDeletion,
  updateKeyDescription,
} from './keys.ts';
import type { Kms } from './kms-house.ts';
import { listResourceTags, tagResource, untagResource } from './tags.ts';

type Output = Readonly<Record<string, unknown>> | undefined | void;
export type Operation = (kms: Kms, call: SimulatedCall) => Output | Promise<Output>;

/** What the simulator does of the KMS API. */
export const operations: Readonly<Record<string, Operation>> = {
  CreateCustomKeyStore: createCustomKeyStore,
  DescribeCustomKeyStores: describeCustomKeyStores,
  UpdateCustomKeyStore: updateCustomKeyStore,
  DeleteCustomKeyStore: deleteCustomKeyStore,
  ConnectCustomKeyStore: connectCustomKeyStore,
  DisconnectCustomKeyStore: disconnectCustomKeyStore,
  CreateKey: createKey,
  DescribeKey: describeKey,
  ListKeys: listKeys,
  EnableKey: enableKey,
  DisableKey: disableKey,
  UpdateKeyDescription: updateKeyDescription,
  ScheduleKeyDeletion: scheduleKeyDeletion,
  CancelKeyDeletion: cancelKeyDeletion,
  GetKeyRotationStatus: getKeyRotationStatus,
  GetKeyLastUsage: getKeyLastUsage,
  EnableKeyRotation: enableKeyRotation,
  GetKeyPolicy: getKeyPolicy,
  PutKeyPolicy: putKeyPolicy,
  ListKeyPolicies: listKeyPolicies,
  TagResource: tagResource,
  UntagResource: untagResource,
  ListResourceTags: listResourceTags,
  CreateAlias: createAlias,
  UpdateAlias: updateAlias,
  DeleteAlias: deleteAlias,
  ListAliases: listAliases,
  CreateGrant: createGrant,
  ListGrants: listGrants,
  RevokeGrant: revokeGrant,
  RetireGrant: retireGrant,
  Encrypt: encrypt,
  Decrypt: decrypt,
  ReEncrypt: reEncrypt,
  GenerateDataKey: generateDataKey,
  GenerateDataKeyWithoutPlaintext: generateDataKeyWithoutPlaintext,
  GenerateRandom: generateRandom,
};

/** What KMS does besides: for keys that are not symmetric, imported or of several Regions. */
export const notSimulated: ReadonlySet<string> = new Set(
  (
    'Decapsulate DeleteImportedKeyMaterial DeriveSharedSecret DisableKeyRotation Encapsulate GenerateDataKeyPair ' +
    'GenerateDataKeyPairWithoutPlaintext GenerateMac GetParametersForImport GetPublicKey ' +
    'ImportKeyMaterial ListKeyRotations ListRetirableGrants ReplicateKey RotateKeyOnDemand Sign UpdatePrimaryRegion ' +
    'Verify VerifyMac'
  ).split(' '),
);
