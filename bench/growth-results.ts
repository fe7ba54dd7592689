import type { Stall } from './stalls.ts';

export interface Cell {
  milliseconds: number;
  /** The longest time that the event loop stood still. */
  stall?: Stall;
  more?: string;
}

export type Results = Map<string, Cell>;
