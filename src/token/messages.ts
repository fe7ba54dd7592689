import type { AadForm } from '../config/profile.ts';
import { formerXksContext, purposeOf } from './seal-context.ts';

/**
 * The narrow messages between a network-facing process and a token host. Never a handle, never a PIN, never a
 * CKA_VALUE: a process that speaks only these cannot take a key out.
 */
export type TokenRequest =
  | {
      kind: 'encrypt';
      /** CKA_ID. */
      key: Uint8Array;
      /** What the key object has to show (`encodeKeyIdentity`). */
      identity: Uint8Array;
      aadForm: AadForm;
      aad: Uint8Array;
      metadata: Uint8Array;
      plaintext: Uint8Array;
      /** Compute the CDIV, then decrypt the result and compare, in this order (XKS spec, Appendix C). */
      verify: boolean;
    }
  | {
      kind: 'decrypt';
      key: Uint8Array;
      identity: Uint8Array;
      aadForm: AadForm;
      aad: Uint8Array;
      metadata: Uint8Array;
      iv: Uint8Array;
      ciphertext: Uint8Array;
      tag: Uint8Array;
    }
  /** `binding` is what its proof is bound to (`bindingOf`). */
  | {
      kind: 'generateKey';
      key: Uint8Array;
      label: string;
      binding: Uint8Array;
      encrypt: boolean;
      decrypt: boolean;
    }
  /** Destroys what has this CKA_ID and shows the identity. */
  | { kind: 'destroyKey'; key: Uint8Array; identity: Uint8Array }
  /** Looks whether the key object is the key of the record, whatever is remembered of it. */
  | { kind: 'proveKey'; key: Uint8Array; identity: Uint8Array }
  /** Makes the proof of a key of before, which label and attributes say is the right one. */
  | { kind: 'makeProof'; key: Uint8Array; identity: Uint8Array }
  | { kind: 'inspectKey'; key: Uint8Array }
  /** Looks a key up by its label, for keys that another product made. */
  | { kind: 'findKey'; label: string }
  /**
   * Sets to false, for good, what the one key of another's making with this CKA_ID and label may do that no CloudKey does
   * (`excess` of `findKey`). Changes nothing else, and nothing of a key of ours.
   */
  | { kind: 'restrictKey'; key: Uint8Array; label: string }
  /**
   * Tells our CloudKeys' key objects, those whose label begins with `holdfast:key:`, in order of their CKA_ID: at most
   * `limit` of those that come after the CKA_ID `after`, from the start where that is empty.
   */
  | { kind: 'listKeys'; after: Uint8Array; limit: number }
  /** Seals a secret of ours under the token's sealing key; `context` (`encodeSealContext`) says whose it is. */
  | { kind: 'seal'; context: Uint8Array; secret: Uint8Array }
  /** Opens one; `former` is the context of format 1, '' for none. */
  | { kind: 'unseal'; context: Uint8Array; former: string; sealed: Uint8Array }
  /** Seals in the format of today what is in that of before, without telling the secret. */
  | { kind: 'reseal'; context: Uint8Array; former: string; sealed: Uint8Array }
  /** Encrypts and decrypts with the health key. */
  | { kind: 'health' }
  /** Learns for so long where keys are, ahead of their use, milliseconds. */
  | { kind: 'learn'; milliseconds: number };

export interface TokenResponses {
  encrypt: {
    iv: Uint8Array;
    ciphertext: Uint8Array;
    tag: Uint8Array;
    /** SHA-256 CDIV, empty unless `verify` was asked. */
    cdiv: Uint8Array;
    /** How many times C_Encrypt was called with this key: each counts against the GCM limit. */
    encryptions: number;
  };
  decrypt: { plaintext: Uint8Array };
  /** With its proof; empty for a key that may not decrypt or not encrypt. */
  generateKey: KeyAttributes & { proof: Uint8Array };
  destroyKey: { destroyed: number };
  proveKey: Record<string, never>;
  /** Empty for a key that may not decrypt or not encrypt. */
  makeProof: { proof: Uint8Array };
  inspectKey: KeyAttributes;
  findKey: FoundKey;
  /** It is done, or was so before: a look after a login anew has shown it. */
  restrictKey: Record<string, never>;
  /**
   * Fewer than asked for, or none, where a message would not hold them or others would have to wait; `more` alone says
   * whether the list goes on: after the last of them, or from the same place where there are none.
   */
  listKeys: { keys: ListedKey[]; more: boolean };
  seal: { sealed: Uint8Array };
  unseal: { secret: Uint8Array };
  reseal: { sealed: Uint8Array };
  health: Record<string, never>;
  learn: {
    /** Keys that the host knows by now. */
    known: number;
    /** How long a search in the token takes, milliseconds. */
    searchTime: number;
  };
}

export type TokenRequestKind = TokenRequest['kind'];

/** A search that takes no longer can be made within a request: keys need not be known ahead of use, milliseconds. */
export const quickSearch = 40;

/** What the host of one process does for it. */
export interface Permitted {
  kinds: readonly TokenRequestKind[];
  /** Which sealed secrets it opens: XKS secret access keys, all others, or none. */
  unseals: 'xks' | 'other' | 'none';
}

/**
 * What an XKS worker may ask for: taken over, it can use keys while it lasts and make more of them, but neither destroy
 * one nor seal or look up anything, nor open what people sign in with.
 */
export const workerRequests: Permitted = {
  kinds: ['encrypt', 'decrypt', 'generateKey', 'unseal', 'health', 'learn'],
  unseals: 'xks',
};

/**
 * What the management process may ask for: taken over, it can make, destroy and list keys, but neither read nor write
 * ciphertext with one, nor open the secrets with which AWS has that done.
 */
export const managementRequests: Permitted = {
  kinds: [
    'generateKey',
    'destroyKey',
    'inspectKey',
    'findKey',
    'restrictKey',
    'listKeys',
    'proveKey',
    'makeProof',
    'seal',
    'unseal',
    'reseal',
    'health',
  ],
  unseals: 'other',
};

export function isPermitted({ kinds, unseals }: Permitted, request: TokenRequest): boolean {
  if (!kinds.includes(request.kind)) return false;
  if (request.kind === 'unseal') return unseals === whoseSecret(request);
  // Sealed anew it may be opened by whom its context names: by nobody else than before.
  return request.kind !== 'reseal' || whoseSecret(request) !== 'none';
}

/** Who may open it: both contexts have to say the same, whatever the sealed bytes turn out to be. */
function whoseSecret({ context, former }: { context: Uint8Array; former: string }): 'xks' | 'other' | 'none' {
  const purpose = purposeOf(context);
  if (purpose === undefined) return 'none';
  const isXks = purpose === 'xks-credential';
  if (former !== '' && isXks !== former.startsWith(formerXksContext)) return 'none';
  return isXks ? 'xks' : 'other';
}

/** A key object as the token tells it, read back after creation (promise 1). */
export interface KeyAttributes {
  id: Uint8Array;
  label: string;
  encrypt: boolean;
  decrypt: boolean;
  /** CKA_TOKEN, CKA_PRIVATE, CKA_SENSITIVE and not CKA_EXTRACTABLE, of type AES with 32 bytes. */
  compliant: boolean;
  /** Made in the token and never outside: CKA_LOCAL, CKA_ALWAYS_SENSITIVE, CKA_NEVER_EXTRACTABLE. */
  generatedOnToken: boolean;
  /** Names of attributes that are not as we want them. */
  violations: string[];
}

/** A key object of another's making. */
export interface FoundKey extends KeyAttributes {
  /** Names of what it may do and no CloudKey does, such as CKA_WRAP: what can be set to false. */
  excess: string[];
  /** Names of the attributes that make it unfit and stay as they are: what has left a token does not come back. */
  lasting: string[];
  /** CKA_MODIFIABLE, unless the token does not tell it. */
  modifiable: boolean;
}

/** One CKA_ID of the list and the key object that it names. */
export interface ListedKey extends KeyAttributes {
  /** AES keys with this CKA_ID, whatever their labels: where there are several, none of them can be used. */
  objects: number;
}
