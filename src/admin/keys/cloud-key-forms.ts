import { z } from 'zod';
import { maxPrincipals } from '../../vault/aws-names.ts';
import {
  effectiveState,
  keyState,
  toList,
  type CloudKeyRecord,
  type KeyVersionRecord,
  type Usage,
  type UsedCloudKey,
} from '../../keys/cloud-keys.ts';
import type { KmsKey } from '../../cloud/kms-keys/records.ts';
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
    z.strictObject({ kind: z.literal('INHERIT') }).describe('As its key set says.'),
    z.strictObject({ kind: z.literal('NEVER') }).describe('Never by itself.'),
    z.strictObject({ kind: z.literal('DAYS'), days: rotationDays.describe('Days of 24 hours.') }),
  ])
  .describe('When it is rotated by itself.');

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
  .describe('What AWS calls it, for ever, and never given again: A-Z, a-z, 0-9, `-`, `.` and `_`.');

export const usage = z
  .enum(usageNames)
  .describe('What AWS may do with it, for ever: the key object has it too.');

export const shownKey = z
  .strictObject({
    id: z.uuid(),
    keySetId: z.uuid(),
    keySetName: z.string(),
    name: z.string(),
    description,
    externalKeyId: z.string().describe('What AWS calls it, for ever.'),
    state: keyStates.describe('Only AVAILABLE ones serve. CREATING: its key object is being made.'),
    effectiveState: effectiveStates.describe(
      'What a request for it meets: `state`, or FROZEN where it is AVAILABLE and its key set or vault is FROZEN.',
    ),
    region,
    administrators: keyFields.administrators,
    users: keyFields.users,
    usage: z.enum(usageNames),
    currentVersion: z.int().describe('The version that new ciphertext is made with.'),
    rotation,
    rotatedAt: time.describe('When the current version was made.'),
    nextRotationAt: time.nullable().describe('When it is rotated by itself; null for never.'),
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
      .describe('How often and when AWS last used it.'),
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
      .describe('With `cloud` both, or `applyToKms`: what came of it in AWS.'),
  })
  .meta({ id: 'ActedCloudKey' });

export const shownVersion = z
  .strictObject({
    version: z.int(),
    state: z
      .enum(['PENDING', 'ACTIVE', 'DESTROYING', 'DESTROYED'])
      .describe('ACTIVE versions decrypt what they encrypted; PENDING ones are being made.'),
    origin: z
      .enum(['holdfast', 'aws-sample-proxy'])
      .describe('Made here, or taken over from AWS’s sample proxy.'),
    current: z.boolean().describe('New ciphertext is made with it.'),
    encryptionsAtMost: z
      .int()
      .describe('No more encryptions than this were done with it. At 2³¹ the CloudKey is rotated by itself.'),
    createdAt: time,
    destroyedAt: time.nullable(),
    proven: z
      .boolean()
      .describe(
        'Its key object has to open a proof that was made with the key before anything is done with it. False for those ' +
          'of before, until they are reconciled, and for keys of one usage: there label and attributes have to do.',
      ),
    unfit: z
      .strictObject({ since: time, why: z.string() })
      .nullable()
      .describe(
        'The key object in the token is not the key on record: nothing is encrypted or decrypted with it, and requests for ' +
          'it fail. Null while it is the right one.',
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

export function showVersion(key: CloudKeyRecord, row: KeyVersionRecord) {
  return {
    version: row.version,
    state: row.state,
    origin: row.origin,
    current: row.version === key.current_version && row.state === 'ACTIVE',
    encryptionsAtMost: row.encryptions_leased,
    createdAt: row.created_at,
    destroyedAt: row.destroyed_at,
    proven: row.proof !== null,
    unfit: row.unfit_since === null ? null : { since: row.unfit_since, why: row.unfit_why ?? '' },
  };
}
