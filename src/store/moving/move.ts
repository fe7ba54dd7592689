import { StoreError } from '../store-error.ts';
import type { MovedTable, Row, Side } from './side.ts';

/** What a migration puts into a new store, and nothing else. */
const ofMigrations: ReadonlySet<string> = new Set(['revision', 'audit_count']);

/**
 * Copies everything from one store to another, which has the same schema and nothing in it, and compares every row of the two
 * afterwards. Answers how many rows each table has. Throws StoreError; then the target is to be taken back as it was.
 */
export async function moveRows(from: Side, to: Side): Promise<Record<string, number>> {
  const [tables, theirs] = await Promise.all([from.tables(), to.tables()]);
  assertAlike(tables, theirs);
  await assertEmpty(to, theirs);
  for (const table of tables) await to.clear(table);
  for (const table of inOrder(tables))
    for await (const rows of from.rows(table)) await to.insert(table, rows);
  const last = await from.lastEvent();
  await to.setLastEvent(last);
  const counts: Record<string, number> = {};
  for (const table of tables) counts[table.name] = await compare(table, from, to);
  if ((await to.lastEvent()) !== last) throw differs('audit_events', 'the number of the last event');
  return counts;
}

function assertAlike(tables: readonly MovedTable[], theirs: readonly MovedTable[]): void {
  const inWords = (all: readonly MovedTable[]) =>
    all
      .map(({ name, columns, key }) => `${name} (${columns.join()}; ${key.join()})`)
      .toSorted()
      .join('\n');
  if (inWords(tables) !== inWords(theirs))
    throw new StoreError(
      'altered',
      'the tables of the two stores are not the same',
      'find out who has changed them: holdfast serve --check names what is not of Holdfast in a file',
    );
}

async function assertEmpty(to: Side, tables: readonly MovedTable[]): Promise<void> {
  for (const table of tables.filter(({ name }) => !ofMigrations.has(name)))
    for await (const rows of to.rows(table))
      if (rows.length > 0)
        throw new StoreError(
          'not-permitted',
          `there is a store already where this one is to go: its table ${table.name} has rows`,
          'name an empty database, or a file that is not there yet',
        );
}

/** Each after those that it refers to. */
function inOrder(tables: readonly MovedTable[]): MovedTable[] {
  const ordered: MovedTable[] = [];
  const place = (table: MovedTable): void => {
    if (ordered.includes(table)) return;
    for (const other of tables) if (other !== table && table.refersTo.includes(other.name)) place(other);
    ordered.push(table);
  };
  for (const table of tables) place(table);
  return ordered;
}

/** Row by row, both sides in the order of the key. Answers how many there are. */
async function compare(table: MovedTable, from: Side, to: Side): Promise<number> {
  const theirs = each(to.rows(table));
  let count = 0;
  for await (const row of each(from.rows(table))) {
    const { value, done } = await theirs.next();
    if (done === true) throw differs(table.name, `only ${count} rows have come`);
    const column = table.columns.find((name) => !isSame(row[name], value[name]));
    if (column !== undefined) throw differs(table.name, `row ${count + 1}, column ${column}`);
    count++;
  }
  if ((await theirs.next()).done !== true) throw differs(table.name, `it has more than ${count} rows`);
  return count;
}

async function* each(batches: AsyncIterable<readonly Row[]>): AsyncGenerator<Row, void, undefined> {
  for await (const rows of batches) yield* rows;
}

function isSame(one: unknown, other: unknown): boolean {
  if (Buffer.isBuffer(one)) return Buffer.isBuffer(other) && one.equals(other);
  return one === other;
}

function differs(table: string, where: string): StoreError {
  return new StoreError(
    'changed-back',
    `what was written is not what was read: table ${table}, ${where}. Nothing was moved`,
    'look at the disks of both, and at what their databases do by themselves when a row is written; then repeat it',
  );
}
