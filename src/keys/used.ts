import { sql, type AliasedRawBuilder, type RawBuilder } from 'kysely';
import type { UseTable } from '../store/schema.ts';
import type { Store } from '../store/store.ts';

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

/** Adds uses to those that are on record, in one transaction. */
export async function addUses(store: Pick<Store, 'bookkeep'>, rows: readonly UseTable[]): Promise<void> {
  if (rows.length === 0) return;
  await store.bookkeep('use', async (trx) =>
    trx
      .insertInto('uses')
      .values(rows)
      .onConflict((conflict) =>
        conflict.columns(['kind', 'id']).doUpdateSet((eb) => {
          // Another worker may have written what came later.
          const newer = <C extends 'last_at' | 'last_address'>(column: C) =>
            eb
              .case()
              .when('excluded.last_at', '>=', eb.ref('uses.last_at'))
              .then(eb.ref(`excluded.${column}`))
              .else(eb.ref(`uses.${column}`))
              .end();
          return {
            count: eb('uses.count', '+', eb.ref('excluded.count')),
            last_at: newer('last_at'),
            last_address: newer('last_address'),
          };
        }),
      )
      .execute(),
  );
}
