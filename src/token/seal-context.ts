import { lengthPrefixed } from './aad-domains.ts';

/** What secrets of ours are sealed for. A purpose's parts and their order never change; a new set of parts is a new purpose. */
export const sealPurposes = [
  /** Vault id, key set id, access key id. */
  'xks-credential',
  /** Vault id, CSP account id, access key id. */
  'csp-access-key',
  /** Where the password goes to: see `mail-settings.ts`. */
  'mail-password',
  /** Where the client secret goes to: see `src/identity/oidc/providers.ts`. */
  'oidc-client-secret',
  /** Whose it is, and of which enrolment: see `second-factor.ts`. */
  'totp-secret',
] as const;

export type SealPurpose = (typeof sealPurposes)[number];

/** What a sealed secret is bound to: moved to another record, tenant or purpose it does not open. */
export interface SealContext {
  purpose: SealPurpose;
  /** Ids and addresses, all that says whose the secret is and where it goes. */
  parts: readonly string[];
  /** The text that the same record's secret was bound to in format 1; '' where there was none. Only opens, never seals. */
  former: string;
}

/** How format 1 named the secrets of XKS credentials; of no other secret's. */
export const formerXksContext = 'holdfast xks credential ';

/** The bytes that stand for a context in messages and seals. */
export function encodeSealContext({ purpose, parts }: SealContext): Buffer {
  return lengthPrefixed([purpose, ...parts]);
}

/** The purpose in what {@link encodeSealContext} wrote; undefined in any other bytes. */
export function purposeOf(encoded: Uint8Array): SealPurpose | undefined {
  return sealPurposes.find((purpose) => {
    const start = lengthPrefixed([purpose]);
    return Buffer.from(encoded.subarray(0, start.length)).equals(start);
  });
}
