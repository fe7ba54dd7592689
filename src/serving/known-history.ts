import type { LostChange } from '../store/lost-changes.ts';
import type { OtherStore } from '../store/kept-histories.ts';
import type { Moment } from '../store/revision-log.ts';

/** What the node knows of the store's history beside the store, and tells its workers. */
export interface KnownHistory {
  /** The last moment that it knew when this process started. */
  at: Moment;
  /** What the store has lost, as the node knows it. */
  readonly lost: readonly LostChange[];
  /** The store was changed. Nobody waits for it. */
  moved: () => void;
  /** The store has gone back in time: resolves once `lost` has all that the node knows to be lost by that. */
  settled: () => Promise<void>;
}

/** What the supervisor tells a worker of the store's history. */
export interface ToldHistory {
  /** Which ask of this worker it answers, and all before; 0 for none. */
  asked: number;
  /** All up to it is kept, over restarts too. */
  at: Moment;
  /** What the store has lost and nobody has decided on: it stays taken away. */
  lost: readonly LostChange[];
}

/** What a look at the store's history has come to. */
export interface FollowedHistory extends Omit<ToldHistory, 'asked'> {
  /** The store has gone back in time since the last look. */
  wentBack: { known: Moment; found: Moment } | undefined;
  /** The store is another one than at the last look. */
  otherStore: OtherStore | undefined;
  /** Whether the store knows what it has lost; it is told at once. */
  isTold: boolean;
  /** Why the store could not be told. */
  problem: string | undefined;
  /** Why what is kept is not on the disk. */
  unkept: string | undefined;
}
