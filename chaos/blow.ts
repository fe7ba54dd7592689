import type { Random } from '../testing/random.ts';
import type { Fleet, FleetDatabase } from './fleet.ts';
import type { History } from './recorder.ts';

export interface Blow<D extends FleetDatabase = FleetDatabase> {
  fleet: Fleet<D>;
  history: History;
  random: Random;
  /** Notes what is done, for people. */
  tell: (what: string) => void;
  /** Milliseconds that a fault lasts at the most. */
  longest: number;
}

/** Makes one kind of fault, and has mended it when it resolves. */
export type Nemesis<D extends FleetDatabase = FleetDatabase> = (blow: Blow<D>) => Promise<void>;

/** Some faults are over before anybody notices, some last. */
export function span({ random, longest }: Pick<Blow, 'random' | 'longest'>): number {
  return random.between(50, random.pick([500, 3_000, longest]));
}
