import type { Schemas } from '../../src/cli/client/api-types.ts';

/* Versions of a CloudKey, and where it is from. */
export const versions = {
  why: 'Each is one key object in the token, which the vendor’s tools find by its CKA_ID. No check value (KCV) is shown: of an AES-GCM key it is a part of the hash subkey.',
  attributes: 'Attributes',
  attributesWhy:
    'Sensitive, never extractable, made in the token: read back when the current version was made,',
  safe: 'Safe to destroy?',
  reasons: {
    GONE: 'Gone: destroyed, or about to be',
    BEING_MADE: 'No: it is being made',
    CURRENT: 'No: it is what encrypts',
    ADOPTED: 'No: it came with ciphertext that nothing is known of',
    NEVER_ENCRYPTED: 'Yes: it has never encrypted',
    MAY_HAVE_ENCRYPTED: 'No: AWS does not tell what still has its ciphertext',
  } satisfies Record<Schemas['CloudKeyVersion']['safeToDestroyReason'], string>,
  notAfter: 'Not after',
  objectId: 'CKA_ID',
  token: 'Token',
  settings: 'Settings of the vault',
  madeBy: 'Made by',
  madeByUnknown: 'Not known here',
  frozenBy: {
    'key-set': 'Its key set is frozen, since',
    vault: 'The vault is frozen, until its administrators thaw it, since',
    appliance: 'The vault is frozen by the appliance, until its administrators thaw it, since',
  } satisfies Record<Schemas['OneCloudKey']['frozenBy'][number]['by'], string>,
} as const;
