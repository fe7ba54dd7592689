import { z } from 'zod';
import { maxPrincipals } from '../../vault/aws-names.ts';
import {
  effectiveState,
  keyState,
  toList,
  type KeyVersionRecord,
  type Usage,
  type UsedCloudKey,
} from '../../keys/cloud-keys.ts';
import type { KmsKey } from '../../cloud/kms-keys/records.ts';
import { useOfVersion, type OtherVersion, type VersionUse } from '../../keys/history/version-use.ts';
import { versionLabel } from '../../token/own-keys.ts';
import {
  description,
  expiry,
  quota,
  region,
  rotationDays,
  showQuota,
  shownQuota,
  time,
} from './key-forms.ts';
import { showShortKmsKey, shownOutcome, shownShortKmsKey } from '../cloud/kms-key-forms.ts';

/* CloudKeys and their versions as the API has them. */

export const usages = {
  'encrypt-decrypt': { encrypt: true, decrypt: true },
  'encrypt-only': { encrypt: true, decrypt: false },
  'decrypt-only': { encrypt: false, decrypt: true },
  neither: { encrypt: false, decrypt: false },
} as const satisfies Record<string, Usage>;
const usageNames = Object.keys(usages) as (keyof typeof usages)[];

export const keyStates = z.enum([
  'CREATING',
  'AVAILABLE',
  'DISABLED',
  'EXPIRED',
  'PENDING_DELETION',
  'DELETED',
]);

export const effectiveStates = z.enum([...keyStates.options, 'FROZEN']);

const principals = (who: string) =>
  z.array(z.string().max(700)).max(maxPrincipals).describe(`ARNs of IAM users and roles ${who}; none twice.`);

const rotation = z
  .discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('INHERIT') }).describe('Use the schedule of its key set.'),
    z.strictObject({ kind: z.literal('NEVER') }).describe('Never rotate automatically.'),
    z.strictObject({ kind: z.literal('DAYS'), days: rotationDays.describe('Days of 24 hours.') }),
  ])
  .describe('Rotation schedule.');

/** What may be told of a CloudKey, and changed later. */
export const keyFields = {
  name: z
    .string()
    .min(1)
    .max(250)
    .describe(
      'Unique within the key set among CloudKeys that are not DELETED: A-Z, a-z, 0-9, `_`, `-` and `/`.',
    ),
  description,
  region,
  administrators: principals('that may administer the KMS key'),
  users: principals('that may use the KMS key'),
  rotation,
  expiresAt: expiry,
  quota,
};

export const externalKeyId = z
  .string()
  .min(1)
  .max(128)
  .describe(
    'How AWS refers to it (XksKeyId); permanent and never used again: A-Z, a-z, 0-9, `-`, `.` and `_`.',
  );

export const usage = z
  .enum(usageNames)
  .describe('What AWS may do with it; permanent, and set on the key object too.');

export const shownKey = z
  .strictObject({
    id: z.uuid(),
    keySetId: z.uuid(),
    keySetName: z.string(),
    name: z.string(),
    description,
    externalKeyId: z.string().describe('How AWS refers to it (XksKeyId); permanent.'),
    state: keyStates.describe(
      'Only AVAILABLE ones can be used. CREATING: its key object is being generated.',
    ),
    effectiveState: effectiveStates.describe(
      'The state that applies to requests: `state`, or FROZEN if it is AVAILABLE and its key set or vault is ' +
        'FROZEN.',
    ),
    region,
    administrators: keyFields.administrators,
    users: keyFields.users,
    usage: z.enum(usageNames),
    currentVersion: z.int().describe('The version that encrypts.'),
    rotation,
    rotatedAt: time.describe('When the current version was created.'),
    nextRotationAt: time.nullable().describe('When it is rotated next; null for never.'),
    expiresAt: time.nullable(),
    deletionAt: time.nullable().describe('With PENDING_DELETION: when its key objects are destroyed.'),
    deletedAt: time.nullable(),
    quota: shownQuota,
    use: z
      .strictObject({
        encrypts: z.int(),
        lastEncryptAt: time.nullable(),
        decrypts: z.int(),
        lastDecryptAt: time.nullable(),
      })
      .describe('How often AWS has used it, and when last.'),
    kmsKeys: z.array(shownShortKmsKey).describe('Its KMS keys in AWS, one for each external key store.'),
    createdAt: time,
    updatedAt: time,
  })
  .meta({ id: 'CloudKey' });

/** After an act that may be done in AWS as well. */
export const shownActedKey = shownKey
  .extend({
    aws: z
      .array(shownOutcome)
      .optional()
      .describe('With `cloud` set to `both`, or with `applyToKms`: the outcome in AWS.'),
  })
  .meta({ id: 'ActedCloudKey' });

/** One CloudKey, with what a list would have to ask for each. */
export const shownOneKey = shownKey
  .extend({
    token: z.string().describe('Token that holds its key objects.'),
    madeBy: z
      .strictObject({
        kind: z.string().describe('`user`, `api-key`, `command` or `system`.'),
        name: z.string(),
      })
      .nullable()
      .describe(
        'Who created or adopted it, at `createdAt`. Null if the audit event of it was pruned, and for callers who may not read the ' +
          'audit trail.',
      ),
    frozenBy: z
      .array(
        z.strictObject({
          by: z
            .enum(['key-set', 'vault', 'appliance'])
            .describe(
              '`key-set`: its key set is frozen; `vault`: the vault is, until its own administrators thaw it; `appliance`: the vault is, until ' +
                'the appliance’s administrators thaw it.',
            ),
          since: time,
        }),
      )
      .describe(
        'The freezes of its key set and vault: it cannot be used while there is one, and each is ended by itself.',
      ),
  })
  .meta({ id: 'OneCloudKey' });

const lastUse = z.discriminatedUnion('known', [
  z.strictObject({ known: z.literal('NEVER'), at: z.null() }),
  z.strictObject({ known: z.literal('AT'), at: time }),
  z.strictObject({ known: z.literal('NOT_AFTER'), at: time }),
]);
const needs = {
  GONE: 'its key object is destroyed, or is about to be.',
  BEING_MADE: 'it is being generated.',
  CURRENT: 'it is the version that encrypts.',
  ADOPTED: 'it was adopted with ciphertext of the AWS sample proxy, of which nothing is known.',
  NEVER_ENCRYPTED: 'no encryption was ever counted for it, so there is nothing to decrypt.',
  MAY_HAVE_ENCRYPTED: 'it may have encrypted, and AWS does not tell what still has the ciphertext.',
} as const satisfies Record<VersionUse['need'], string>;
const needNames = Object.keys(needs) as VersionUse['need'][];

export const shownVersion = z
  .strictObject({
    version: z.int(),
    state: z
      .enum(['PENDING', 'ACTIVE', 'DESTROYING', 'DESTROYED'])
      .describe('ACTIVE versions decrypt what they encrypted; PENDING ones are being generated.'),
    origin: z
      .enum(['holdfast', 'aws-sample-proxy'])
      .describe('Generated by Holdfast, or adopted from the AWS sample proxy.'),
    current: z.boolean().describe('Whether it is the version that encrypts.'),
    encryptionsAtMost: z
      .int()
      .describe(
        'Upper bound of the number of encryptions with it. At 2³¹ the CloudKey is rotated automatically.',
      ),
    lastEncrypt: lastUse.describe(
      'When it encrypted last. Only the current version encrypts. `AT`: within seconds, of the current version; `NOT_AFTER`: of an earlier ' +
        'one, when the next had taken its place, give or take the lease of an XKS worker; `NEVER`: it never has, as far as is on record.',
    ),
    lastDecrypt: lastUse.describe(
      'When it decrypted last. Uses are kept by CloudKey, not by version. `AT`: of the only version; `NOT_AFTER`: when the CloudKey ' +
        'decrypted last, with whichever version; `NEVER`: it never has, as far as is on record.',
    ),
    safeToDestroy: z
      .boolean()
      .describe(
        'Whether nothing that AWS has can need its key object. Holdfast destroys no single version: its versions go with the CloudKey.',
      ),
    safeToDestroyReason: z
      .enum(needNames)
      .describe(`Why. ${needNames.map((name) => `${name}: ${needs[name]}`).join(' ')}`),
    objectId: z
      .string()
      .describe(
        'CKA_ID of its key object in the token, in hexadecimal digits: what the vendor’s tools find it by.',
      ),
    label: z.string().describe('CKA_LABEL that its key object was given.'),
    createdAt: time,
    destroyedAt: time.nullable(),
    proven: z
      .boolean()
      .describe(
        'Whether its key object must decrypt a proof, made when the key was generated, before it is used. False ' +
          'for older versions until they are reconciled, and for keys with a single usage, which are recognized by ' +
          'label and attributes.',
      ),
    unfit: z
      .strictObject({ since: time, why: z.string() })
      .nullable()
      .describe(
        'Set if the key object in the token is not the key on record: nothing is encrypted or decrypted with it, ' +
          'and requests for it fail.',
      ),
  })
  .meta({ id: 'CloudKeyVersion' });

export function showKey(row: UsedCloudKey, kmsKeys: readonly KmsKey[], now: Date): z.output<typeof shownKey> {
  return {
    id: row.id,
    keySetId: row.key_set_id,
    keySetName: row.key_set_name,
    name: row.name,
    description: row.description,
    externalKeyId: row.external_key_id,
    state: keyState(row, now),
    effectiveState: effectiveState(row, now),
    region: row.region,
    administrators: toList(row.administrators),
    users: toList(row.users),
    usage: usageOf(row),
    currentVersion: row.current_version,
    rotation:
      row.rotation === 'DAYS'
        ? { kind: row.rotation, days: Number(row.rotation_days) }
        : { kind: row.rotation },
    rotatedAt: row.rotated_at,
    nextRotationAt: row.next_rotation_at,
    expiresAt: row.expires_at,
    deletionAt: row.deletion_at,
    deletedAt: row.deleted_at,
    quota: showQuota(row),
    use: {
      encrypts: row.encrypts,
      lastEncryptAt: row.last_encrypt_at,
      decrypts: row.decrypts,
      lastDecryptAt: row.last_decrypt_at,
    },
    kmsKeys: kmsKeys.map(showShortKmsKey),
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}

function usageOf(row: UsedCloudKey): keyof typeof usages {
  if (row.can_encrypt === 1) return row.can_decrypt === 1 ? 'encrypt-decrypt' : 'encrypt-only';
  return row.can_decrypt === 1 ? 'decrypt-only' : 'neither';
}

export function showVersion(key: UsedCloudKey, row: KeyVersionRecord, all: readonly OtherVersion[]) {
  const { lastEncrypt, lastDecrypt, need } = useOfVersion(key, row, all);
  return {
    version: row.version,
    state: row.state,
    origin: row.origin,
    current: row.version === key.current_version && row.state === 'ACTIVE',
    encryptionsAtMost: row.encryptions_leased,
    lastEncrypt,
    lastDecrypt,
    safeToDestroy: need === 'GONE' || need === 'NEVER_ENCRYPTED',
    safeToDestroyReason: need,
    objectId: row.object_id.toString('hex'),
    label: row.label ?? versionLabel(key.key_set_id, key.external_key_id, row.version),
    createdAt: row.created_at,
    destroyedAt: row.destroyed_at,
    proven: row.proof !== null,
    unfit: row.unfit_since === null ? null : { since: row.unfit_since, why: row.unfit_why ?? '' },
  };
}
