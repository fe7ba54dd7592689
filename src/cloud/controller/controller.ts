import type { AwsContext } from './context.ts';
import type { Resource, WantedRow, WantedTable } from './resource.ts';
import { Run, type How, type Outcome } from './run.ts';
import { BusyError, inTurn, type Ownership } from './turn.ts';

export { record } from './recording.ts';
export type { How, Outcome, Stopped } from './run.ts';

/**
 * Brings it as far as it goes now, in a turn of its own. Undefined where another is at it. Never throws: what stopped it is
 * told, and stands in the record unless the store itself failed.
 */
export async function advance<T extends WantedTable, Row extends WantedRow<T>, Seen>(
  context: AwsContext,
  resource: Resource<T, Row, Seen>,
  id: string,
  how: How,
): Promise<Outcome<Row> | undefined> {
  return ofItsOwn(context, resource, id, async (ownership) =>
    new Run(ownership, resource, id, how, true).advance(),
  );
}

/** The same within a turn. */
export async function advanceIn<T extends WantedTable, Row extends WantedRow<T>, Seen>(
  ownership: Ownership,
  resource: Resource<T, Row, Seen>,
  id: string,
  how: How,
): Promise<Outcome<Row>> {
  return new Run(ownership, resource, id, how, false).advance();
}

/** Looks how it is in AWS, and does nothing there. */
export async function look<T extends WantedTable, Row extends WantedRow<T>, Seen>(
  context: AwsContext,
  resource: Resource<T, Row, Seen>,
  id: string,
  how: How,
): Promise<Outcome<Row> | undefined> {
  return ofItsOwn(context, resource, id, async (ownership) =>
    new Run(ownership, resource, id, how, true).look(),
  );
}

async function ofItsOwn<Row>(
  context: AwsContext,
  resource: Parameters<typeof inTurn>[1],
  id: string,
  run: (ownership: Ownership) => Promise<Outcome<Row>>,
): Promise<Outcome<Row> | undefined> {
  try {
    return await inTurn(context, resource, id, run);
  } catch (error) {
    if (error instanceof BusyError) return undefined;
    // The lease could not be taken: the store.
    return { row: undefined, stopped: { fault: 'internal', error, problem: null } };
  }
}
