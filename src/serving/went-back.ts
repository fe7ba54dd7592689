import type { Logger } from '../log.ts';
import type { Moment } from '../store/revision-log.ts';

/** What was remembered is of a history that the store does not have any more. */
export interface WentBack {
  /** The last that was known of it. */
  known: Moment;
  /** Where the store is now. */
  found: Moment;
}

/** Whoever was answered that something is in force may find it undone, and nobody but a person knows what that was. */
export function tellWentBack(log: Logger, { known, found }: WentBack): void {
  log.error(
    { known, found },
    'the store has gone back in time: changes that were acknowledged are lost, and a key that was disabled may be served again. ' +
      'Look at what was taken away lately, and do it again: docs/fleet.md. Nothing that this worker remembered is used any more',
  );
}
