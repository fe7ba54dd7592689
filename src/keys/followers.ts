import type { Act } from '../evidence/trail.ts';
import type { ActTransaction } from '../store/store.ts';
import type { VaultContext } from '../vault/context.ts';
import type { CloudKeyRecord } from './key-records.ts';
import type { KeySet } from './key-sets/key-set-records.ts';

/*
 * The door between CloudKeys and what goes along with them at a cloud. A CloudKey knows nothing of it: whoever works with
 * CloudKeys is handed the followers and calls them in the transaction of the act, so that neither is changed without the
 * other. The XKS worker has none.
 */

/** Whether an act on a CloudKey is done to its followers as well. */
export type CloudSide = 'ours' | 'both';

/** What is wanted of the followers of a CloudKey. */
export type FollowerWanted = 'ENABLE' | 'DISABLE' | 'SCHEDULE_DELETION' | 'CANCEL_DELETION';

/** What may be told of the followers of a new CloudKey: each adds a word of its own. */
// oxlint-disable-next-line typescript/no-empty-object-type -- declarations of the followers are merged into it.
export interface FollowerInputs {}

/** Each is called within the transaction of the act, may throw VaultError, and asks nobody outside the store. */
export interface KeyFollower {
  /** The CloudKey was made, with this input. */
  created: (
    trx: ActTransaction,
    act: Act,
    keySet: KeySet,
    key: CloudKeyRecord,
    inputs: FollowerInputs,
  ) => Promise<void>;
  /** The making of the CloudKey came to nothing, and its record is about to go: what was made with it goes too. */
  undone: (trx: ActTransaction, cloudKeyId: string) => Promise<void>;
  /** What is told of it was changed; `apply`: in the cloud too, else it shows there as drift. */
  changed: (
    trx: ActTransaction,
    act: Act,
    before: CloudKeyRecord,
    after: CloudKeyRecord,
    apply: boolean,
  ) => Promise<void>;
  /** `days`: the waiting time of a deletion. */
  wanted: (
    trx: ActTransaction,
    act: Act,
    cloudKeyId: string,
    wanted: FollowerWanted,
    days?: number,
  ) => Promise<void>;
  /** Throws VaultError `conflict` while something in the cloud depends on the key set as it is; `what` cannot be done then. */
  checkFree: (trx: ActTransaction, keySetId: string, what: string) => Promise<void>;
}

/** What acts on CloudKeys and key sets work with. */
export interface KeyContext extends VaultContext {
  followers: readonly KeyFollower[];
}
