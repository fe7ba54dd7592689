import pkcs11js from 'pkcs11js';

/** AES-256, bytes. */
export const keyBytes = 32;

export interface KeyUsage {
  encrypt: boolean;
  decrypt: boolean;
}

export type NamedAttribute = pkcs11js.Attribute & { name: string };

const aes256: readonly NamedAttribute[] = [
  { name: 'CKA_CLASS', type: pkcs11js.CKA_CLASS, value: pkcs11js.CKO_SECRET_KEY },
  { name: 'CKA_KEY_TYPE', type: pkcs11js.CKA_KEY_TYPE, value: pkcs11js.CKK_AES },
  { name: 'CKA_VALUE_LEN', type: pkcs11js.CKA_VALUE_LEN, value: keyBytes },
];

/** What no key of ours may be used for, and what is taken from one of another's making. */
export const neverAllowed: readonly { name: string; type: number }[] = [
  { name: 'CKA_SIGN', type: pkcs11js.CKA_SIGN },
  { name: 'CKA_VERIFY', type: pkcs11js.CKA_VERIFY },
  { name: 'CKA_WRAP', type: pkcs11js.CKA_WRAP },
  { name: 'CKA_UNWRAP', type: pkcs11js.CKA_UNWRAP },
  { name: 'CKA_DERIVE', type: pkcs11js.CKA_DERIVE },
];

/** What a key is made with: every attribute is stated, so that no vendor's default decides. */
export function keyTemplate(id: Uint8Array, label: string, usage: KeyUsage): NamedAttribute[] {
  return [
    ...aes256,
    { name: 'CKA_TOKEN', type: pkcs11js.CKA_TOKEN, value: true },
    { name: 'CKA_PRIVATE', type: pkcs11js.CKA_PRIVATE, value: true },
    { name: 'CKA_SENSITIVE', type: pkcs11js.CKA_SENSITIVE, value: true },
    { name: 'CKA_EXTRACTABLE', type: pkcs11js.CKA_EXTRACTABLE, value: false },
    { name: 'CKA_MODIFIABLE', type: pkcs11js.CKA_MODIFIABLE, value: false },
    { name: 'CKA_ENCRYPT', type: pkcs11js.CKA_ENCRYPT, value: usage.encrypt },
    { name: 'CKA_DECRYPT', type: pkcs11js.CKA_DECRYPT, value: usage.decrypt },
    ...neverAllowed.map(({ name, type }) => ({ name, type, value: false })),
    { name: 'CKA_ID', type: pkcs11js.CKA_ID, value: Buffer.from(id) },
    { name: 'CKA_LABEL', type: pkcs11js.CKA_LABEL, value: Buffer.from(label) },
  ];
}

/** For as long as the session is. */
export function sessionKeyTemplate(names: { id: Buffer; label: string } | undefined): NamedAttribute[] {
  return [
    ...aes256,
    { name: 'CKA_TOKEN', type: pkcs11js.CKA_TOKEN, value: false },
    { name: 'CKA_SENSITIVE', type: pkcs11js.CKA_SENSITIVE, value: true },
    { name: 'CKA_EXTRACTABLE', type: pkcs11js.CKA_EXTRACTABLE, value: false },
    { name: 'CKA_ENCRYPT', type: pkcs11js.CKA_ENCRYPT, value: true },
    { name: 'CKA_DECRYPT', type: pkcs11js.CKA_DECRYPT, value: true },
    ...(names === undefined
      ? []
      : [
          { name: 'CKA_ID', type: pkcs11js.CKA_ID, value: names.id },
          { name: 'CKA_LABEL', type: pkcs11js.CKA_LABEL, value: Buffer.from(names.label) },
        ]),
  ];
}

/** `CKM_AES_KEY_GEN`, which has no parameter. */
export const aesKeyGeneration = {
  mechanism: pkcs11js.CKM_AES_KEY_GEN,
  parameter: null,
} as unknown as pkcs11js.Mechanism;
