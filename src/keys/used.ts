import { sql, type AliasedRawBuilder, type RawBuilder } from 'kysely';
import type { UseTable } from '../store/schema.ts';

/** One column of what is known of a thing's use, for a list of such things; null where it was not used yet. */
export function used<A extends string>(
  kind: UseTable['kind'],
  idColumn: string,
  column: 'last_at' | 'last_address',
  as: A,
): AliasedRawBuilder<string | null, A> {
  return use<string | null>(kind, idColumn, column).as(as);
}

/** How often it was used. */
export function timesUsed<A extends string>(
  kind: UseTable['kind'],
  idColumn: string,
  as: A,
): AliasedRawBuilder<number, A> {
  return sql<number>`coalesce(${use(kind, idColumn, 'count')}, 0)`.as(as);
}

function use<T>(kind: UseTable['kind'], idColumn: string, column: string): RawBuilder<T> {
  return sql<T>`(SELECT ${sql.ref(`uses.${column}`)} FROM uses
    WHERE uses.kind = ${sql.lit(kind)} AND uses.id = ${sql.ref(idColumn)})`;
}
