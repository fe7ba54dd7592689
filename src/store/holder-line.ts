import type { Moment } from './revision-log.ts';

/** A process that is about to serve from memory. */
export interface NewHolder {
  /** Never used before. */
  id: string;
  nodeId: string;
  hostname: string;
  /** Of its lease, milliseconds. */
  length: number;
}

/** What a renewal is told, as it is then. */
export interface Renewed {
  at: Moment;
  /** A node of a version that waits for no holder has been there lately: then nobody may hold a lease. */
  older: boolean;
}

export interface HolderLineOptions {
  /** How long an answer is waited for, milliseconds: then the connection is taken for dead. */
  timeout: number;
  /** Something may have been changed. A hint alone: one that does not come changes nothing but how soon a renewal is sent. */
  onHint: () => void;
  /** It is closed, by whomever. */
  onGone: () => void;
}

/**
 * What a process that serves from memory says to the database, on a connection of its own (docs/revocation.md). Each is one
 * statement, durable when it returns. Throws StoreError; then it is to be closed, and another opened.
 */
export interface HolderLine {
  /** Commits the row: whoever takes something away from now on waits for it. */
  join(holder: NewHolder): Promise<void>;
  /** Moves the term. Undefined where there is no row: then nothing is renewed. */
  renew(id: string): Promise<Renewed | undefined>;
  /**
   * Nothing that goes by less than this epoch is under way any more. Writes nothing where `at`, which is what the holder knows, is
   * none of the store's history: then the epoch of this number is another one.
   */
  confirm(id: string, epoch: number, at: Moment): Promise<void>;
  /** Gives the row up. Only once nothing is served from memory any more. */
  leave(id: string): Promise<void>;
  close(): Promise<void>;
}
