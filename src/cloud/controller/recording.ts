import { record as writeDown, type Act } from '../../evidence/trail.ts';
import { leaveUnrecorded } from '../../store/act-transaction.ts';
import type { ChangeTransaction } from '../../store/store.ts';
import { bumpRecord, saveRecord } from '../../vault/edit-record.ts';
import type {
  AnyPlan,
  Columns,
  Recorded,
  Resource,
  ServedRecorded,
  WantedRow,
  WantedTable,
} from './resource.ts';
import type { Ownership } from './turn.ts';

/* The one place in which records of what is wanted in AWS are changed. */

/** What a plan came to in its transaction. */
export interface Written<Row> {
  /** Undefined where the plan had nothing to write, or the record is gone. */
  row: Row | undefined;
  again: boolean;
  ends: boolean;
}

export interface Writing {
  act: Act;
  /** The lease is taken with it, where the turn has none yet. */
  hold?: boolean;
  /** Only of this version, where the turn has no lease: another may have been at it since it was read. */
  asRead?: { row_version: number } | undefined;
  /** The turn ends with it unless it says `again`. */
  mayEnd?: boolean;
  /** The plan is being made: the turn is ours, and whoever asked may. */
  onPlan?: () => void;
}

/**
 * A change of the record within a turn, in one transaction: the turn is ours still, then the plan over the row as it is now,
 * what it changes, its audit entries, what else belongs to it. Undefined where nothing was to be written, or the record is
 * gone with it. Throws LostTurnError; what the authority of the act throws.
 */
export async function record<T extends WantedTable, Row extends WantedRow<T>, Seen>(
  ownership: Ownership,
  resource: Resource<T, Row, Seen>,
  id: string,
  act: Act,
  plan: AnyPlan<T, Row>,
): Promise<Row | undefined> {
  return (await write(ownership, resource, id, plan, { act, hold: true })).row;
}

export async function write<T extends WantedTable, Row extends WantedRow<T>, Seen>(
  ownership: Ownership,
  resource: Resource<T, Row, Seen>,
  id: string,
  plan: AnyPlan<T, Row>,
  { act, hold = false, asRead, mayEnd = false, onPlan }: Writing,
): Promise<Written<Row>> {
  const served = typeof plan !== 'function';
  return ownership.write(act, { served, hold }, async (trx) => {
    onPlan?.();
    leaveUnrecorded(trx, 'work in AWS');
    const nothing = { row: undefined, again: false, ends: false };
    const now = await resource.read(trx, id);
    if (now === undefined) return nothing;
    const isLate = asRead !== undefined && !ownership.isHeld && now.row_version !== asRead.row_version;
    const recorded = isLate ? undefined : planned(plan, now);
    if (recorded === undefined) return nothing;
    await put(trx, resource.table, now, recorded);
    for (const entry of recorded.entries ?? []) await writeDown(trx, act, entry);
    await recorded.also?.(trx, act);
    const again = recorded.again === true;
    return { row: await resource.read(trx, id), again, ends: mayEnd && !again };
  });
}

function planned<T extends WantedTable, Row>(plan: AnyPlan<T, Row>, now: Row): ServedRecorded<T> | undefined {
  // In a transaction that XKS workers do not hear of, `also` is of a plan that is not served.
  return typeof plan === 'function' ? plan(now) : plan.served(now);
}

async function put<T extends WantedTable>(
  trx: ChangeTransaction,
  table: T,
  now: WantedRow<T>,
  { change = {}, version }: Pick<Recorded<T>, 'change' | 'version'>,
): Promise<void> {
  const edit = version === 'new' ? bumpRecord : saveRecord;
  // None of the three tables is served; Kysely's types do not follow a table that is a parameter.
  await (edit as unknown as typeof saveRecord<'kms_keys'>)(
    trx,
    table as 'kms_keys',
    now as unknown as Columns<'kms_keys'>,
    change,
  );
}

/** A plan over a plan: of the same kind, so that XKS workers hear of the same. */
export function over<T extends WantedTable, Row>(
  plan: AnyPlan<T, Row>,
  change: (now: Row, recorded: ServedRecorded<T> | undefined) => ServedRecorded<T> | undefined,
): AnyPlan<T, Row> {
  if (typeof plan !== 'function') return { served: (now) => change(now, plan.served(now)) };
  // What it adds says nothing of `also`, which stays of the kind that it is.
  return (now) => change(now, plan(now)) as Recorded<T> | undefined;
}
