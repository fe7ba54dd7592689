/** Proofs of the keys of our own in one token, Base64 by CKA_LABEL: what a host is given, and what it tells. */
export type OwnKeyProofs = Readonly<Record<string, string>>;

/**
 * Which token the store means by a name: the one whose sealing key opens this proof. A serial number alone does not tell, since
 * modules of one security world hold the same keys under several, and some modules give every token the same.
 */
export interface RecordedToken {
  /** Under which the key was seen. */
  serials: readonly string[];
  /** Of the sealing key, Base64. */
  proof: string;
}

/** `none`: the store has nothing on record of a token of this name. */
export type TokenOnRecord = RecordedToken | 'none';
