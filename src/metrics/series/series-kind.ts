import type { KeptStep } from './steps.ts';

/** What a series of cells is of, and how the store keeps it. `Of` is what it tells apart within a node. */
export interface SeriesKind<Of, Cell, Scope> {
  /** Of what, as a text that nothing else has. */
  nameOf: (of: Of) => string;
  /** So many are told apart in a step of detail; what is beyond counts for `others`. */
  maxInDetail: number;
  others: Of;
  empty: () => Cell;
  /** Adds the second to the first, and keeps nothing of the second. */
  add: (to: Cell, more: Cell) => void;
  /** Whether somebody who asks for this sees it. */
  isIn: (scope: Scope, nodeId: string, of: Of) => boolean;
  /** A scope of all there is. */
  everything: Scope;
  /** Rows of all nodes whose step begins at `from` or later, and before `until` where that is told. */
  read: (asked: Asked<Scope>) => Promise<Kept<Of, Cell>[]>;
  /** Adds all of it to the rows of this node, in one transaction, and deletes those that are too old. */
  write: (writes: readonly Write<Of, Cell>[], now: Date) => Promise<void>;
}

export interface Asked<Scope> {
  scope: Scope;
  step: number;
  /** Milliseconds since the epoch. */
  from: number;
  until?: number;
}

/** One cell; `at` is in milliseconds since the epoch. */
export interface Addition<Of, Cell> {
  of: Of;
  at: number;
  cell: Cell;
}

export interface Kept<Of, Cell> extends Addition<Of, Cell> {
  nodeId: string;
}

/** To be added to the steps of this kind: the beginnings may be those of shorter ones. */
export interface Write<Of, Cell> extends KeptStep {
  additions: readonly Addition<Of, Cell>[];
}
