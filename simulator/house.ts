import type { Accounts } from './accounts.ts';
import type { Consistency } from './consistency.ts';
import type { SimulatorOptions } from './simulator-options.ts';

/** What the frame gives each service when it makes it. */
export interface House {
  readonly accounts: Accounts;
  readonly options: SimulatorOptions;
  /** The simulator's clock. */
  readonly now: () => Date;
  /** What of the changes so far shows to whom. */
  readonly consistency: Consistency;
  /** Something that the state file keeps has changed. */
  readonly changed: () => void;
  readonly log: (line: string) => void;
}
