import type { Transaction } from 'kysely';
import { willStand } from './read-back.ts';
import type { ServedChangeTable, Tables } from './schema.ts';
import type { ServedChange, ServedChanges } from './served-changes.ts';

/** Whoever has not looked for so many revisions is told that everything may have changed. */
const keptRevisions = 2000;

/** Whoever would have to be told more is told `everything`; one row more than so many need be read. */
export const maxTold = 2000;

/** Whether the list of what was changed between the two is worth reading: else it is told. */
export function toldOutright(since: number, revision: number): ServedChanges | undefined {
  if (since >= revision) return since === revision ? [] : 'everything';
  return revision - since > keptRevisions ? 'everything' : undefined;
}

/**
 * What was changed after `since` up to `revision` at the least, by the rows of `served_changes` after `since`, in order. A
 * revision without a row is one that is not known any more, or that nobody of ours has moved: then it may have been anything.
 */
export function toldChanges(
  rows: readonly ServedChangeTable[],
  since: number,
  revision: number,
): ServedChanges {
  if (rows.length > maxTold) return 'everything';
  const changes: ServedChange[] = [];
  let last = since;
  for (const { revision: at, kind, name } of rows) {
    if (at > last + 1 || kind === 'everything') return 'everything';
    last = at;
    if (kind !== 'nothing') changes.push({ kind, name });
  }
  return last < revision ? 'everything' : changes;
}

/** Moves the revision and notes with it what was changed; last in the transaction, but for the reading back. */
export async function moveRevision(trx: Transaction<Tables>, changes: ServedChanges): Promise<void> {
  const { revision } = await trx
    .updateTable('revision')
    .set((eb) => ({ revision: eb('revision', '+', 1) }))
    .where('id', '=', 1)
    .returning('revision')
    .executeTakeFirstOrThrow();
  const rows =
    changes === 'everything'
      ? [{ revision, kind: 'everything' as const, name: '' }]
      : changes.length === 0
        ? [{ revision, kind: 'nothing' as const, name: '' }]
        : changes.map((change) => ({ revision, ...change }));
  // What a store that was set back to an earlier revision had noted of this one.
  await trx.deleteFrom('served_changes').where('revision', '>=', revision).execute();
  await trx.insertInto('served_changes').values(rows).execute();
  await trx
    .deleteFrom('served_changes')
    .where('revision', '<=', revision - keptRevisions)
    .execute();
  // Without them no worker would see the change.
  willStand(trx, 'the revision', async () => {
    const row = await trx.selectFrom('revision').select('revision').where('id', '=', 1).executeTakeFirst();
    return row?.revision === revision;
  });
  willStand(trx, 'what workers have to hear of', async () => {
    const noted = await trx
      .selectFrom('served_changes')
      .select(['kind', 'name'])
      .where('revision', '=', revision)
      .execute();
    const found = new Set(noted.map(({ kind, name }) => `${kind} ${name}`));
    return rows.every(({ kind, name }) => found.has(`${kind} ${name}`));
  });
}
