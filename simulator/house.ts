import type { Accounts } from './accounts.ts';
import type { SimulatorOptions } from './simulator-options.ts';

/** What the frame gives each service when it makes it. */
export interface House {
  readonly accounts: Accounts;
  readonly options: SimulatorOptions;
  /** The simulator's clock. */
  now(): Date;
  /** Something that the state file keeps has changed. */
  changed(): void;
  log(line: string): void;
}
