import { mkdtempSync, rmSync } from 'node:fs';
import path from 'node:path';
import test from 'ava';
import Database from 'better-sqlite3';
import { keepingStatements } from '../../src/store/sqlite/prepared-statements.ts';
import { memoryDirectory } from '../../testing/memory-directory.ts';

test('a statement is prepared once, and of many only the latest used are kept', (t) => {
  const database = new Database(':memory:');
  const prepared: string[] = [];
  const kept = keepingStatements(
    {
      prepare: (sql: string) => {
        prepared.push(sql);
        return database.prepare(sql);
      },
      close: () => database.close(),
    },
    3,
  );
  const value = (sql: string) => kept.prepare(sql).all([]);
  for (let i = 0; i < 10; i++) t.deepEqual(value('SELECT 1 AS one'), [{ one: 1 }]);
  t.deepEqual(prepared, ['SELECT 1 AS one']);
  for (const sql of ['SELECT 2', 'SELECT 3', 'SELECT 1 AS one', 'SELECT 4', 'SELECT 1 AS one']) value(sql);
  t.deepEqual(prepared, ['SELECT 1 AS one', 'SELECT 2', 'SELECT 3', 'SELECT 4']);
  value('SELECT 2');
  t.is(prepared.at(-1), 'SELECT 2', 'the one that was not used for longest has gone');
  kept.close();
});

test('a long statement is prepared each time: many of those would be much memory', (t) => {
  const database = new Database(':memory:');
  let prepared = 0;
  const kept = keepingStatements({
    prepare: (sql: string) => {
      prepared++;
      return database.prepare(sql);
    },
    close: () => database.close(),
  });
  const list = (length: number) => `SELECT 1 AS one WHERE 1 IN (${Array(length).fill('?').join(', ')})`;
  for (const [ids, times] of [
    [1_000, 1],
    [5_000, 3],
  ] as const) {
    prepared = 0;
    for (let i = 0; i < 3; i++) t.deepEqual(kept.prepare(list(ids)).all(Array(ids).fill(1)), [{ one: 1 }]);
    t.is(prepared, times, `${ids} ids`);
  }
  kept.close();
});

test('the same statement twice at once: the second does not fail', (t) => {
  const database = new Database(':memory:');
  const kept = keepingStatements(database);
  const numbers = 'SELECT 1 AS n UNION ALL SELECT 2';
  for (const row of kept.prepare(numbers).iterate([]))
    t.deepEqual(kept.prepare(numbers).all([]).length, 2, JSON.stringify(row));
  kept.close();
});

test('a statement that is kept sees the schema as another connection has changed it', (t) => {
  const directory = mkdtempSync(path.join(memoryDirectory(), 'holdfast-statements-'));
  t.teardown(() => rmSync(directory, { recursive: true }));
  const file = path.join(directory, 'store.db');
  const other = new Database(file);
  other.exec('CREATE TABLE things (a); INSERT INTO things VALUES (1)');
  const kept = keepingStatements(new Database(file));
  const all = 'SELECT * FROM things';
  t.deepEqual(kept.prepare(all).all([]), [{ a: 1 }]);
  other.exec('ALTER TABLE things ADD COLUMN b DEFAULT 2');
  t.deepEqual(kept.prepare(all).all([]), [{ a: 1, b: 2 }]);
  other.close();
  kept.close();
});
