import type { ServedKeySet } from './served-records.ts';

/** An XKS credential that is not withdrawn, and the key set that it opens. */
export interface LiveCredential {
  accessKeyId: string;
  keySet: ServedKeySet;
  sealedSecret: Buffer;
  /** Milliseconds since the epoch; Infinity for never. */
  expiresAt: number;
}

/** Whether a secret that was opened for one belongs to the other: the same seal, and all that the seal is bound to. */
export function opensSame(opened: LiveCredential, asked: LiveCredential): boolean {
  return (
    opened.keySet.id === asked.keySet.id &&
    opened.keySet.vaultId === asked.keySet.vaultId &&
    opened.keySet.token === asked.keySet.token &&
    opened.sealedSecret.equals(asked.sealedSecret)
  );
}
