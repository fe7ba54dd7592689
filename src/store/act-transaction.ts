import {
  AliasNode,
  DeleteQueryNode,
  InsertQueryNode,
  RawNode,
  TableNode,
  UpdateQueryNode,
  type KyselyPlugin,
  type OperationNode,
  type PluginTransformQueryArgs,
  type PluginTransformResultArgs,
  type QueryResult,
  type RootOperationNode,
  type Transaction,
  type UnknownRow,
} from 'kysely';
import { assertNothingLost } from './lost-changes.ts';
import type { Moved } from './revision-log.ts';
import type { Tables } from './schema.ts';
import { reasons, type Unrecorded } from './unrecorded.ts';

/*
 * The transactions that there are: of an act, of an act that XKS workers hear of, and of what is nobody's act. An act is not
 * committed unless what it changed is on record in the same transaction, the row version that its caller has seen was
 * compared, and its Idempotency-Key is remembered. So none of the three can be forgotten by who writes an act: the first
 * test that does it fails. Both databases share this.
 */

/** Whoever acts still may: read again in the transaction of the act, so that nothing commits after it was taken away. */
export interface Authority {
  /** Reads by `trx` alone. Throws where whoever acts may no longer; then nothing of the act is done. */
  confirm(trx: Transaction<Tables>): Promise<void>;
}

/** An act as the store needs to know it. */
export interface Acting {
  readonly authority: Authority;
  readonly now: () => Date;
  /** What the caller has seen of the record that the act is on; undefined where any version is meant. */
  readonly seen?: SeenVersion | undefined;
  /** The Idempotency-Key of a create. */
  readonly idempotency?: object;
  /** Filled in once its transactions are committed. */
  readonly changed?: Changed;
  /** It is done though the store has lost changes on which nobody has decided: it can take nothing from what they were. */
  readonly despiteLoss?: boolean;
}

/** Tables of which the transactions of an act have changed rows. */
export interface Changed extends Set<string> {
  /** Where the last of them has moved the store, where another may answer in its place some day. */
  moved?: Moved;
}

/**
 * The row version that the caller of an act has seen (If-Match). An act is not committed unless it is compared within the
 * transaction that changes something first: before it, somebody else may have come between.
 */
export class SeenVersion {
  readonly rowVersion: number;
  #compared = false;
  #isKept = false;

  constructor(rowVersion: number) {
    this.rowVersion = rowVersion;
  }

  get compared(): boolean {
    return this.#compared;
  }

  isOf(row: { row_version: number }): boolean {
    this.#compared = true;
    return row.row_version === this.rowVersion;
  }

  /** A transaction of the act begins: what was compared before, with nothing committed since, says nothing. */
  begin(): void {
    this.#compared = this.#isKept;
  }

  /** A transaction of the act that compared it is committed. */
  keep(): void {
    this.#isKept = this.#compared;
  }
}

declare const confirmed: unique symbol;
declare const served: unique symbol;

/** The transaction of an act whose authority was confirmed in it. Made by {@link beginAct} alone. */
export type ActTransaction = Transaction<Tables> & {
  readonly [confirmed]: true;
  /** When the act is done, which may be a good while after it began. */
  readonly at: Date;
};

/** One that XKS workers hear of: what they serve is changed in no other. */
export type ChangeTransaction = ActTransaction & { readonly [served]: true };

/** An act that must not be committed as it is: a mistake of ours, and never one of who asked for it. */
export class UnsoundActError extends Error {
  constructor(message: string) {
    super(`${message}: nothing was done`);
    this.name = 'UnsoundActError';
  }
}

/** A transaction as an implementation of Store hands it out. */
export interface Begun<Trx extends Transaction<Tables>> {
  trx: Trx;
  /** Last of all before it commits. Throws UnsoundActError. */
  assertSound: () => void;
  /** Once it is committed, and has moved the store there, if it has. */
  committed: (moved?: Moved) => void;
}

/** Confirms the act's authority in a transaction that has just begun. For implementations of Store. */
export async function beginAct(raw: Transaction<Tables>, act: Acting): Promise<Begun<ChangeTransaction>> {
  const ledger = new Ledger(act.seen);
  const watched = raw.withPlugin(ledger);
  ledgers.set(watched, ledger);
  act.seen?.begin();
  await act.authority.confirm(watched);
  if (act.despiteLoss !== true) await assertNothingLost(watched);
  return {
    trx: Object.assign(watched, { at: act.now() }) as ChangeTransaction,
    assertSound: () => {
      ledger.assertRecorded();
      if (ledger.changed.size === 0) return;
      if (act.seen?.compared === false)
        throw new UnsoundActError('an act did not compare the row version that its caller has seen');
      if (act.idempotency !== undefined && !ledger.remembers && !remembered.has(act.idempotency))
        throw new UnsoundActError('an act did not remember its Idempotency-Key');
    },
    committed: (moved) => {
      if (ledger.remembers && act.idempotency !== undefined) remembered.add(act.idempotency);
      if (ledger.changed.size > 0) act.seen?.keep();
      for (const table of ledger.changed) act.changed?.add(table);
      if (moved !== undefined && act.changed !== undefined) act.changed.moved = moved;
    },
  };
}

/** The same for what is nobody's act. */
export function beginUnrecorded(raw: Transaction<Tables>, why: Unrecorded): Begun<Transaction<Tables>> {
  const ledger = new Ledger();
  const trx = raw.withPlugin(ledger);
  ledgers.set(trx, ledger);
  leaveUnrecorded(trx, why);
  return { trx, assertSound: () => ledger.assertRecorded(), committed: () => undefined };
}

/** What this transaction changes of the tables of `why` needs no event in the trail. */
export function leaveUnrecorded(trx: Transaction<Tables>, why: Unrecorded): void {
  ledgers.get(trx)?.unrecorded.add(why);
}

/** A record is changed where it still is this version, and not otherwise: that compares it. */
export function changesOnly(trx: Transaction<Tables>, before: { row_version: number }): void {
  const seen = ledgers.get(trx)?.seen;
  if (seen?.rowVersion === before.row_version) seen.isOf(before);
}

const ledgers = new WeakMap<object, Ledger>();
/** Idempotency-Keys that an earlier transaction of their act has remembered. */
const remembered = new WeakSet();

/** Written by the store itself, or only ever beside something else. */
const besides: ReadonlySet<string> = new Set<keyof Tables>([
  'revision',
  'served_changes',
  'audit_count',
  'idempotency_keys',
  'unfinished_work',
  // Who is at it: no change of a record, and an act that finds its record gone has only that.
  'leases',
]);

interface Write {
  table: string;
  inserts: boolean;
}

/** What a transaction has come to. */
class Ledger implements KyselyPlugin {
  readonly seen: SeenVersion | undefined;
  /** Tables of which rows were changed. */
  readonly changed = new Set<string>();
  readonly unrecorded = new Set<Unrecorded>();
  remembers = false;
  #isOnRecord = false;
  readonly #writes = new WeakMap<object, Write>();

  constructor(seen?: SeenVersion) {
    this.seen = seen;
  }

  transformQuery({ node, queryId }: PluginTransformQueryArgs): RootOperationNode {
    const write = writeOf(node);
    if (write !== undefined) this.#writes.set(queryId, write);
    return node;
  }

  async transformResult({ queryId, result }: PluginTransformResultArgs): Promise<QueryResult<UnknownRow>> {
    const write = this.#writes.get(queryId);
    const rows = BigInt(result.rows.length) + (result.numAffectedRows ?? 0n);
    if (write === undefined || rows === 0n) return result;
    if (write.table === 'audit_events' && write.inserts) this.#isOnRecord = true;
    else if (!besides.has(write.table)) this.changed.add(write.table);
    else if (write.table === 'idempotency_keys' && write.inserts) this.remembers = true;
    return result;
  }

  /** Throws UnsoundActError. */
  assertRecorded(): void {
    if (this.#isOnRecord) return;
    const left = [...this.changed].filter((table) => !this.#mayBeLeftOut(table));
    if (left.length === 0) return;
    throw new UnsoundActError(`a transaction changed ${left.join(', ')} and put nothing on record`);
  }

  #mayBeLeftOut(table: string): boolean {
    return [...this.unrecorded].some((why) => {
      const { tables }: { tables: readonly string[] | 'all' } = reasons[why];
      return tables === 'all' || tables.includes(table);
    });
  }
}

function writeOf(query: RootOperationNode): Write | undefined {
  if (InsertQueryNode.is(query)) return { table: nameOf(query.into), inserts: true };
  if (UpdateQueryNode.is(query)) return { table: nameOf(query.table), inserts: false };
  if (DeleteQueryNode.is(query)) return { table: nameOf(query.from.froms[0]), inserts: false };
  if (query.kind === 'MergeQueryNode') return { table: nameOf(query.into), inserts: false };
  return RawNode.is(query) ? writeInSql(wordsOf(query)) : undefined;
}

function nameOf(node: OperationNode | undefined): string {
  const table = node !== undefined && AliasNode.is(node) ? node.node : node;
  return table !== undefined && TableNode.is(table) ? table.table.identifier.name : 'a table';
}

const writing = /\b(?:insert\s+(?:or\s+\w+\s+)?into|replace\s+into|update|delete\s+from)\s+"?(\w+)/i;

function writeInSql(text: string): Write | undefined {
  const table = writing.exec(text)?.[1];
  return table === undefined ? undefined : { table, inserts: false };
}

function wordsOf(node: OperationNode): string {
  if (!RawNode.is(node)) return TableNode.is(node) ? node.table.identifier.name : '';
  return node.sqlFragments
    .map((fragment, at) => {
      const parameter = node.parameters[at];
      return parameter === undefined ? fragment : fragment + wordsOf(parameter);
    })
    .join('');
}
