import {
  AliasNode,
  DeleteQueryNode,
  IdentifierNode,
  InsertQueryNode,
  RawNode,
  ReturningNode,
  SelectionNode,
  TableNode,
  UpdateQueryNode,
  type OperationNode,
  type RootOperationNode,
} from 'kysely';
import type { ServedKind, Tables } from './schema.ts';

/** One thing that XKS workers serve by. */
export interface ServedChange {
  kind: ServedKind;
  name: string;
}

/** What was changed between two revisions; `everything` where that is not known any more, or is too much to tell. */
export type ServedChanges = readonly ServedChange[] | 'everything';

/** The same since a moment that somebody remembers; `went-back` where that is none of the store's history: it has gone back in time, or is another. */
export type ChangesSince = ServedChanges | 'went-back';

/** The columns that XKS workers read. They may read no others: a change of them is not told. */
export const servedColumns = {
  vaults: ['id', 'tokens', 'frozen_at', 'appliance_frozen_at'],
  key_sets: [
    'id',
    'vault_id',
    'name',
    'token',
    'external_key_store',
    'path_prefix',
    'frozen_at',
    'quota_rate',
    'quota_burst',
  ],
  cloud_keys: [
    'id',
    'key_set_id',
    'external_key_id',
    'state',
    'expires_at',
    'can_encrypt',
    'can_decrypt',
    'current_version',
    'quota_rate',
    'quota_burst',
  ],
  key_versions: ['cloud_key_id', 'version', 'object_id', 'state', 'origin', 'proof', 'label', 'unfit_since'],
  xks_credentials: ['access_key_id', 'key_set_id', 'sealed_secret', 'expires_at', 'withdrawn_at'],
} as const satisfies { [T in keyof Tables]?: readonly (keyof Tables[T])[] };

type ServedTable = keyof typeof servedColumns;

/** What a row of the table is told as, and the SQL of its name, as a RETURNING clause takes it. */
const told: Readonly<Record<ServedTable, { kind: ServedKind; name: string }>> = {
  vaults: { kind: 'vault', name: '"id"' },
  key_sets: { kind: 'key-set', name: '"id"' },
  cloud_keys: { kind: 'cloud-key', name: '"external_key_id"' },
  key_versions: {
    kind: 'cloud-key',
    name: '(select "external_key_id" from "cloud_keys" where "cloud_keys"."id" = "key_versions"."cloud_key_id")',
  },
  xks_credentials: { kind: 'credential', name: '"access_key_id"' },
};

/** A column of each row that is asked for besides, and taken out again. */
const nameColumn = 'holdfast_served_name';

/** More than so many things in one transaction are told as everything. */
const maxTold = 200;
/** So many are named beside that, of which the store notes what was taken away: they may be lost like any other. */
const maxNamed = 2000;

type Writing = UpdateQueryNode | InsertQueryNode | DeleteQueryNode;

/** A statement that changes what XKS workers serve by, made to name what it changes. */
export interface TellingStatement {
  query: RootOperationNode;
  /** Of each row that it returns; taken out of it. */
  nameOf: (row: Record<string, unknown>) => string | null;
  kind: ServedKind;
  /** It may change which path prefixes are in use. */
  changesPrefixes: boolean;
  /** Whether it returned rows before. */
  returns: boolean;
}

/** Undefined for a statement that changes nothing of what XKS workers serve by; `unknown` where that cannot be told. */
export function tellingStatement(query: RootOperationNode): TellingStatement | 'unknown' | undefined {
  if (RawNode.is(query)) return mayWriteServed(query) ? 'unknown' : undefined;
  if (!UpdateQueryNode.is(query) && !InsertQueryNode.is(query) && !DeleteQueryNode.is(query))
    return query.kind === 'MergeQueryNode' ? 'unknown' : undefined;
  const table = tableOf(query);
  if (isToldWhole(table)) return 'unknown';
  if (!isServed(table)) return undefined;
  const columns = UpdateQueryNode.is(query) ? updatedColumns(query) : undefined;
  const served: readonly string[] = servedColumns[table];
  if (columns !== undefined && !columns.some((column) => served.includes(column))) return undefined;
  const { kind, name } = told[table];
  const selection = SelectionNode.create(
    AliasNode.create(RawNode.createWithSql(name), IdentifierNode.create(nameColumn)),
  );
  const returning = query.returning;
  return {
    query: {
      ...query,
      returning: returning
        ? ReturningNode.cloneWithSelections(returning, [selection])
        : ReturningNode.create([selection]),
    },
    nameOf: (row) => {
      const found = row[nameColumn];
      Reflect.deleteProperty(row, nameColumn);
      return typeof found === 'string' ? found : null;
    },
    kind,
    changesPrefixes:
      table === 'key_sets' &&
      (columns === undefined || columns.some((one) => one === 'path_prefix' || one === 'external_key_store')),
    returns: returning !== undefined,
  };
}

/** What one transaction has changed so far of what XKS workers serve by. */
export class ChangesOfTransaction {
  #changes = new Map<string, ServedChange>();
  #everything = false;

  get any(): boolean {
    return this.#everything || this.#changes.size > 0;
  }

  note(kind: ServedKind, name: string): void {
    if (this.#changes.size < maxNamed) this.#changes.set(`${kind} ${name}`, { kind, name });
    if (this.#changes.size > maxTold) this.noteEverything();
  }

  noteEverything(): void {
    this.#everything = true;
  }

  /** What workers are told. */
  get changes(): ServedChanges {
    return this.#everything ? 'everything' : this.named;
  }

  /** Those that are known by name, where everything is told too. */
  get named(): readonly ServedChange[] {
    return [...this.#changes.values()];
  }
}

/** Workers refuse by all that is lost, and read it whole. */
function isToldWhole(table: string | undefined): table is 'lost_changes' | undefined {
  return table === undefined || table === 'lost_changes';
}

/** Whether XKS workers serve by rows of this table. */
export function isServed(table: string): table is ServedTable {
  return Object.hasOwn(servedColumns, table);
}

function tableOf(query: Writing): string | undefined {
  const [node] = UpdateQueryNode.is(query)
    ? [query.table]
    : InsertQueryNode.is(query)
      ? [query.into]
      : query.from.froms;
  const table = node !== undefined && AliasNode.is(node) ? node.node : node;
  return table !== undefined && TableNode.is(table) ? table.table.identifier.name : undefined;
}

/** Undefined where they cannot be told: then it may be any. */
function updatedColumns({ updates }: UpdateQueryNode): string[] | undefined {
  const names = updates?.map(({ column }) => nameOfColumn(column));
  return names?.every((name) => name !== undefined) ? names : undefined;
}

function nameOfColumn(node: OperationNode): string | undefined {
  const { column } = node as { column?: { kind?: string; name?: string } & OperationNode };
  if (node.kind === 'ColumnNode') return column?.name;
  return node.kind === 'ReferenceNode' && column !== undefined ? nameOfColumn(column) : undefined;
}

/** SQL of our own making that names a table: what it does to it is not looked into. */
function mayWriteServed(node: RawNode): boolean {
  const names = [...node.sqlFragments, ...node.parameters.map(wordsOf)].join(' ');
  if (!/\b(update|insert|delete|replace)\b/i.test(names)) return false;
  return Object.keys(servedColumns).some((table) => new RegExp(String.raw`\b${table}\b`).test(names));
}

function wordsOf(node: OperationNode): string {
  if (RawNode.is(node)) return [...node.sqlFragments, ...node.parameters.map(wordsOf)].join(' ');
  return TableNode.is(node) ? node.table.identifier.name : '';
}
