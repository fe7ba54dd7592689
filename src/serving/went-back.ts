import type { Logger } from '../log.ts';
import { isOtherStore, type Moment } from '../store/revision-log.ts';

/** What was remembered is of a history that the store does not have any more, or of another store. */
export interface WentBack {
  /** The last that was known of it. */
  known: Moment;
  /** Where the store is now. */
  found: Moment;
}

/**
 * What was lost may have been answered as done, or as not yet certain on the standby: neither the store nor the worker knows, and a
 * person can find out.
 */
export function tellWentBack(log: Logger, { known, found }: WentBack): void {
  if (isOtherStore(known, found))
    return log.warn(
      { known, found },
      'the store is another one than before: the worker has forgotten all that it remembered of the other (docs/fleet.md)',
    );
  log.error(
    { known, found },
    'the store has gone back in time: it has lost changes that this worker had seen. A disable among them is undone, and was perhaps ' +
      'answered as done: look at what was taken away lately, and do it again (docs/fleet.md). The worker has forgotten all that it remembered',
  );
}
