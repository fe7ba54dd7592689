import type { Kysely, Transaction } from 'kysely';
import type { Tables } from '../store/schema.ts';

/** A database or a transaction, to look something up in. */
export type Reading = Pick<Kysely<Tables> | Transaction<Tables>, 'selectFrom'>;

/** Whether an edit would leave the row other than it is. One that would not is no act: no new version, no audit event. */
export function changes<R extends object>(row: R, change: Edit<R>): boolean {
  return Object.entries(change).some(
    ([column, value]) => value !== undefined && row[column as keyof R] !== value,
  );
}

/** What is told of a record; what is left out, or undefined, stays as it is. */
export type Edit<W> = { [F in keyof W]?: W[F] | undefined };
