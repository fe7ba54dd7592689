import { sql, type Expression, type Selectable, type SqlBool } from 'kysely';
import type { AuditEventTable } from '../../store/schema.ts';
import { likelihood } from '../../store/sqlite-words.ts';
import type { VaultContext } from '../../vault/context.ts';
import {
  mergePages,
  notByIndex,
  readPage,
  type Page,
  type PageInput,
  type Through,
} from '../../vault/page.ts';

export interface EventInput extends PageInput {
  /** One event, by its number. */
  sequence?: number | undefined;
  action?: string | undefined;
  actor?: string | undefined;
  target?: string | undefined;
  outcome?: 'done' | 'refused' | undefined;
  requestId?: string | undefined;
  from?: string | undefined;
  to?: string | undefined;
}

/** By time and then by sequence: the same as by sequence, but for a clock that was set back. */
export const eventOrders = { sequence: 'audit_events.at' } as const;

type Column = 'request_id' | 'action' | 'actor_id' | 'actor_name' | 'target_id' | 'target_name' | 'outcome';
/** Equal to one of the values, in one of the columns. */
interface Filter {
  columns: readonly Column[];
  values: readonly string[];
}

/**
 * Events of one vault, or with '' of the appliance: of no other, whatever is asked for. Of the filters that are given the
 * one that lets the least through chooses the index, in the order of the list; the others, and the moments, are asked of
 * what it finds. What stands in either of two columns, or is one of several actions, is looked for in each and merged.
 */
export async function listEvents(
  { store }: Pick<VaultContext, 'store'>,
  ofVault: string,
  input: EventInput,
  deletedVault?: string,
): Promise<Page<Selectable<AuditEventTable>>> {
  if (deletedVault !== undefined && !(await isDeleted(store, deletedVault))) return { items: [], next: null };
  const vaultId = deletedVault ?? ofVault;
  const [leading, ...others] = await filtersOf(store, vaultId, input);
  const { sequence, from, to } = input;
  let all = store.db.selectFrom('audit_events').where('audit_events.vault_id', '=', vaultId);
  if (sequence !== undefined) all = all.where('audit_events.sequence', '=', sequence);
  if (from !== undefined) all = all.where('audit_events.at', '>=', new Date(from).toISOString());
  if (to !== undefined) all = all.where('audit_events.at', '<', new Date(to).toISOString());
  const pages = [];
  for (const through of alternatives(all, leading)) {
    let query = through.selectAll();
    for (const filter of others) query = query.where((eb) => passes(filter, (column) => eb.ref(column)));
    const gone = sequence === undefined ? through : 'few';
    pages.push(await readPage(query, gone, eventOrders, 'audit_events.sequence', input));
  }
  return mergePages(pages, { ...input, sort: input.sort ?? 'sequence' }, ({ at, sequence }) => [
    at,
    sequence,
  ]);
}

/** The events that are gone through: all of them, or those that the leading filter finds, one index after another. */
function alternatives(all: Through<'audit_events'>, leading: Filter | undefined): Through<'audit_events'>[] {
  if (leading === undefined) return [all];
  return leading.columns.flatMap((column) =>
    leading.values.map((value) =>
      // Told to SQLite, which otherwise takes the moments for the narrower.
      all.where((eb) => likelihood(eb(`audit_events.${column}`, '=', value), 0.0001)),
    ),
  );
}

function passes(
  { columns, values }: Filter,
  ref: (column: `audit_events.${Column}`) => Expression<string>,
): Expression<SqlBool> {
  const equal = columns.map(
    (column) => sql`${notByIndex(ref(`audit_events.${column}`))} IN (${sql.join([...values])})`,
  );
  return sql<SqlBool>`(${sql.join(equal, sql` OR `)})`;
}

/** The one that lets the least through first. */
async function filtersOf(
  store: VaultContext['store'],
  vaultId: string,
  { requestId, action, actor, target, outcome }: EventInput,
): Promise<Filter[]> {
  const filters: Filter[] = [];
  if (requestId !== undefined) filters.push({ columns: ['request_id'], values: [requestId] });
  if (target !== undefined) filters.push({ columns: ['target_id', 'target_name'], values: [target] });
  if (actor !== undefined) filters.push({ columns: ['actor_id', 'actor_name'], values: [actor] });
  if (action !== undefined)
    filters.push({
      columns: ['action'],
      values: action.endsWith('.') ? await actionsOf(store, vaultId, action) : [action],
    });
  if (outcome !== undefined) filters.push({ columns: ['outcome'], values: [outcome] });
  return filters;
}

/** The actions in the trail that begin so, from one to the next by the index; of what there is none at all, what was asked for. */
async function actionsOf(
  store: VaultContext['store'],
  vaultId: string,
  beginning: string,
): Promise<string[]> {
  const { rows } = await sql<{ action: string }>`
    WITH RECURSIVE actions (action) AS (
      SELECT min(action) FROM audit_events WHERE vault_id = ${vaultId} AND action >= ${beginning}
      UNION ALL
      SELECT (SELECT min(action) FROM audit_events WHERE vault_id = ${vaultId} AND audit_events.action > actions.action)
      FROM actions WHERE substr(action, 1, ${beginning.length}) = ${beginning})
    SELECT action FROM actions WHERE substr(action, 1, ${beginning.length}) = ${beginning}`.execute(store.db);
  return rows.length === 0 ? [beginning] : rows.map(({ action }) => action);
}

async function isDeleted(store: VaultContext['store'], vaultId: string): Promise<boolean> {
  const found = await store.db
    .selectFrom('vaults')
    .select('id')
    .where('id', '=', vaultId)
    .where('deleted_at', 'is not', null)
    .executeTakeFirst();
  return found !== undefined;
}
