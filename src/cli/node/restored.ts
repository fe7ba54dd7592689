import type { TokenContents } from '../../reconcile/restored-keys.ts';
import type { BackupManifest } from '../../store/backup/format.ts';
import type { Adjusted } from '../../store/backup/restored-store.ts';

/** What a restore did. */
export interface Restored {
  manifest: BackupManifest;
  tokens: TokenContents[];
  adjusted: Adjusted;
  /** The store that was there before. */
  replaced: Replaced | undefined;
}

export interface Replaced {
  /** Where it is now. */
  keptAs: string;
  /** Of that file. */
  sha256: string;
  /** Why it could not be read; undefined where it could. */
  damaged: string | undefined;
}
