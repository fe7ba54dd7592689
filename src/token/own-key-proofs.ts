/** Proofs of the keys of our own in one token, Base64 by CKA_LABEL: what a host is given, and what it tells. */
export type OwnKeyProofs = Readonly<Record<string, string>>;
