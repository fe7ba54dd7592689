import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import test from 'ava';
import { rooms } from '../scripts/walls/rooms.ts';
import { writers } from '../scripts/walls/tables.ts';
import { lintPlanted } from './support/planted-lint.ts';

/* scripts/walls: what may import what, held by lint. */

const top = path.join(import.meta.dirname, '..');

const lint = async (files: Record<string, string>) =>
  lintPlanted({ plugin: 'scripts/walls/lint.js', rule: 'walls/room' }, files);

const admin = /^src\/xks may not import src\/admin\/\*\*; its rooms: src, src\/config, /;

const planted: [kind: string, file: string, text: string, refusal: RegExp][] = [
  ['an import', 'src/xks/a.ts', "import { x } from '../admin/route.ts';\nx();", admin],
  [
    'an import of a type',
    'src/xks/b.ts',
    "import type { X } from '../admin/route.ts';\nexport let x: X;",
    admin,
  ],
  ['an import for its effects', 'src/xks/c.ts', "import '../admin/route.ts';", admin],
  ['a type by import()', 'src/xks/d.ts', "export type X = import('../admin/route.ts').X;", admin],
  ['a re-export', 'src/xks/e.ts', "export { x } from '../admin/route.ts';", admin],
  ['a re-export of all', 'src/xks/f.ts', "export * from '../admin/route.ts';", admin],
  ['a dynamic import', 'src/xks/g.ts', "export const x = await import('../admin/route.ts');", admin],
  ['require', 'src/xks/h.ts', "import x = require('../admin/route.ts');\nx();", admin],
  [
    'the address of a process',
    'src/xks/i.ts',
    "export const x = new URL('../admin/route.ts', import.meta.url);",
    admin,
  ],
  [
    'a path put together from where the file is',
    'src/xks/z.ts',
    "export const x = import.meta.dirname + '/../admin/route.ts';",
    /^a file of ours is named by new URL/,
  ],
  [
    'import.meta.resolve',
    'src/xks/j.ts',
    "export const x = import.meta.resolve('../admin/route.ts');",
    admin,
  ],
  [
    'a dynamic import of a name that is not told',
    'src/xks/k.ts',
    'export const x = async (name: string) => import(name);',
    /named by a plain string/,
  ],
  [
    'a package of another room',
    'src/xks/l.ts',
    "import koa from 'koa';\nkoa();",
    /^src\/xks may not import the package koa; its packages: zod/,
  ],
  [
    'a part of such a package',
    'src/vault/m.ts',
    "import { x } from '@aws-sdk/client-kms/dist/x.js';\nx();",
    /^src\/vault may not import the package @aws-sdk\/client-kms; /,
  ],
  [
    'a room below one that may be imported',
    'src/vault/n.ts',
    "import { x } from '../token/probe/walk.ts';\nx();",
    /^src\/vault may not import src\/token\/probe; /,
  ],
  [
    'a folder without a row',
    'src/vault/o.ts',
    "import { x } from './new/x.ts';\nx();",
    /^src\/vault may not import src\/vault\/new; /,
  ],
  [
    'from a folder without a row',
    'src/vault/new/p.ts',
    "import { x } from '../names.ts';\nx();",
    /^src\/vault\/new has no row in scripts\/walls\/rooms\.ts$/,
  ],
  [
    'our code in the simulator',
    'simulator/kms/q.ts',
    "import { x } from '../../src/sigv4/sign.ts';\nx();",
    /^simulator\/kms may not import src\/sigv4; /,
  ],
  [
    'tests in what we ship',
    'src/cli/r.ts',
    "import { x } from '../../test/support/free-port.ts';\nx();",
    /^src\/cli may not import test\/\*\*; /,
  ],
  [
    'what tests share in what we ship',
    'src/cli/s.ts',
    "import { x } from '../../testing/free-port.ts';\nx();",
    /^src\/cli may not import testing\/\*\*; /,
  ],
  [
    'tests in a measurement',
    'bench/t.ts',
    "import { x } from '../test/support/left-open.ts';\nx();",
    /^bench may not import test\/\*\*; /,
  ],
  [
    'tests in what they share',
    'testing/u.ts',
    "import { x } from '../test/support/left-open.ts';\nx();",
    /^testing\/\*\* may not import test\/\*\*; /,
  ],
];

test('what no row allows is refused, in whichever way it is imported', async (t) => {
  const said = await lint(Object.fromEntries(planted.map(([, file, text]) => [file, text])));
  for (const [kind, file, , refusal] of planted) t.regex(said.get(file) ?? 'nothing was said', refusal, kind);
});

test('what a row allows passes, and so do the room itself and Node', async (t) => {
  const said = await lint({
    'src/xks/a.ts': [
      "import { readFile } from 'node:fs/promises';",
      "import { z } from 'zod';",
      "import type { X } from '../token/messages.ts';",
      "import { y } from './wire.ts';",
      'export const used: X = [readFile, z, y];',
      "export const data = new URL('../admin/a.json', import.meta.url);",
    ].join('\n'),
    'test/deep/below/b.test.ts':
      "import ava from 'ava';\nimport { x } from '../../../src/xks/wire.ts';\nava(x);",
  });
  t.deepEqual([...said], []);
});

const lintTables = async (files: Record<string, string>) =>
  lintPlanted({ plugin: 'scripts/walls/lint.js', rule: 'walls/table' }, files);

const users = /^users is written by src\/identity\/\*\* alone, not by src\/vault: /;
const untold = /named by a plain string/;
const edit = "import { editRecord } from './edit-record.ts';\n";

const plantedWrites: [kind: string, file: string, text: string, refusal: RegExp][] = [
  ['INSERT', 'src/vault/a.ts', "export const x = (trx) => trx.insertInto('users').values({});", users],
  ['UPDATE', 'src/vault/b.ts', "export const x = (trx) => trx.updateTable('users').set({});", users],
  ['DELETE', 'src/vault/c.ts', "export const x = (trx) => trx.deleteFrom('users').execute();", users],
  ['MERGE', 'src/vault/d.ts', "export const x = (trx) => trx.mergeInto('users');", users],
  ['REPLACE', 'src/vault/e.ts', "export const x = (trx) => trx.replaceInto('users').values({});", users],
  ['a call by index', 'src/vault/f.ts', "export const x = (trx) => trx['insertInto']('users');", users],
  [
    'a table with an alias',
    'src/vault/g.ts',
    "export const x = (trx) => trx.updateTable('users as u');",
    users,
  ],
  ['a table of main', 'src/vault/h.ts', "export const x = (trx) => trx.deleteFrom('main.users');", users],
  [
    'in a WITH',
    'src/vault/i.ts',
    "export const x = (trx) => trx.with('gone', (db) => db.deleteFrom('users'));",
    users,
  ],
  [
    'taken out of the transaction',
    'src/vault/j.ts',
    "export const x = ({ deleteFrom }) => deleteFrom('users');",
    users,
  ],
  [
    'an edit',
    'src/vault/k.ts',
    `${edit}export const x = (trx, b) => editRecord(trx, 'users', b, {});`,
    users,
  ],
  ['a bump', 'src/vault/l.ts', "export const x = (trx, b) => bumpRecord(trx, 'users', b);", users],
  ['bumps', 'src/vault/m.ts', "export const x = (trx, ids) => bumpRecords(trx, 'users', ids, {});", users],
  ['a save', 'src/vault/n.ts', "export const x = (trx, b) => saveRecord(trx, 'users', b, {});", users],
  ['a note', 'src/vault/o.ts', "export const x = (trx) => noteOn(trx, 'users').set({});", users],
  [
    'an edit by another name',
    'src/vault/p.ts',
    "import { editRecord as e } from './edit-record.ts';\nexport const x = (trx, b) => e(trx, 'users', b, {});",
    untold,
  ],
  ['what has served', 'src/vault/q.ts', 'export const x = rowsOf("users", sql`id = 1`);', users],
  [
    'a table that only shows when it runs',
    'src/vault/r.ts',
    'export const x = (trx, table) => trx.deleteFrom(table);',
    untold,
  ],
  ['several tables', 'src/vault/s.ts', "export const x = (trx) => trx.deleteFrom(['users']);", untold],
  ['SQL', 'src/vault/t.ts', 'export const x = sql`DELETE FROM users WHERE id = 1`;', users],
  ['SQL in a string', 'src/vault/u.ts', `export const x = 'UPDATE OR IGNORE "users" SET name = 1';`, users],
  [
    'SQL of many lines',
    'src/vault/v.ts',
    'export const x = sql`WITH a AS (SELECT 1)\n insert into main.users`;',
    users,
  ],
  ['REPLACE in SQL', 'src/vault/w.ts', 'export const x = sql`REPLACE INTO users VALUES (1)`;', users],
  ['SQL of some table', 'src/vault/x.ts', 'export const x = (t) => sql`DELETE FROM ${t}`;', untold],
  [
    'a table without a row',
    'src/vault/y.ts',
    "export const x = (trx) => trx.deleteFrom('new_things');",
    /^new_things has no row in scripts\/walls\/tables\.ts$/,
  ],
  [
    'a folder below that has a row of its own',
    'src/cloud/y.ts',
    "export const x = (trx) => trx.deleteFrom('kms_keys');",
    /^kms_keys is written by src\/cloud\/kms-keys /,
  ],
];

test('a table is written by no other room than its own, in whichever way', async (t) => {
  const said = await lintTables(Object.fromEntries(plantedWrites.map(([, file, text]) => [file, text])));
  for (const [kind, file, , refusal] of plantedWrites)
    t.regex(said.get(file) ?? 'nothing was said', refusal, kind);
});

test('a room writes its own tables and reads all, and the store and tests write any', async (t) => {
  const write = "export const x = (trx) => trx.deleteFrom('users').execute();";
  const said = await lintTables({
    'src/identity/oidc/a.ts': `${write}\nexport const y = sql\`UPDATE users SET name = 1\`;`,
    'src/vault/b.ts': "export const x = (db) => db.selectFrom('users').selectAll().forUpdate();",
    'src/store/c.ts': write,
    'src/store/migrations/d.ts': write,
    'test/e.test.ts': write,
  });
  t.deepEqual([...said], []);
});

test('every table has a room that writes it, and every such room is there', async (t) => {
  const schema = await readFile(path.join(top, 'src/store/schema.ts'), 'utf8');
  const tables = /export interface Tables \{\n(.*?)\n\}/s.exec(schema)?.[1] ?? '';
  t.deepEqual(
    Object.keys(writers).toSorted(),
    [...tables.matchAll(/^ {2}(\w+):/gm)].map(([, name = '']) => name).toSorted(),
  );
  t.deepEqual(
    Object.values(writers)
      .flat()
      .filter((room) => !Object.hasOwn(rooms, room)),
    [],
  );
});

/** Names without `src/`, and without the ground that all may have. */
function short(names: readonly string[]): string[] {
  return names
    .filter((name) => name !== 'src' && name !== '.')
    .map((name) => name.replace(/^src\//, '').replace(/\/\*\*$/, ''))
    .toSorted();
}

test('docs/architecture.md says of each room what its row does', async (t) => {
  const page = await readFile(path.join(top, 'docs/architecture.md'), 'utf8');
  const told = new Map(
    [...page.matchAll(/^\| `(src\/[^`]+)\/` +\|[^|]+\| ([^|]+?) +\|$/gm)].map(([, room = '', names = '']) => [
      room,
      names === 'no room' ? [] : names.split(', ').toSorted(),
    ]),
  );
  const rows = Object.entries(rooms).filter(([room]) => room.startsWith('src/') && !room.endsWith('.ts'));
  t.deepEqual(
    Object.fromEntries(told),
    Object.fromEntries(rows.map(([room, row]) => [room.replace(/\/\*\*$/, ''), short(row.rooms)] as const)),
  );
});

test('what the console may have of src is there where it is built, and is built anew when it changes', async (t) => {
  const builders = { Dockerfile: /^COPY (src\S+) /gm, 'scripts/set-up': / (src\/\S+)(?= .*-type f)/g };
  for (const [file, copied] of Object.entries(builders)) {
    const text = await readFile(path.join(top, file), 'utf8');
    const there = new Set([...text.matchAll(copied)].map(([, name]) => name));
    for (const room of rooms['web/**']?.rooms ?? []) t.true(there.has(room), `${file}: ${room}`);
  }
});

test('rooms depend on each other one way: no circle goes through several of them', (t) => {
  // The program has commands that have the program’s context, and a file's row is its room's business.
  const next = (room: string) =>
    (rooms[room]?.rooms ?? []).filter((name) => name in rooms && !name.endsWith('.ts') && name !== room);
  const open = new Set<string>();
  const done = new Set<string>();
  const walk = (room: string, way: readonly string[]): void => {
    if (done.has(room)) return;
    if (open.has(room)) return t.fail([...way.slice(way.indexOf(room)), room].join(' → '));
    open.add(room);
    for (const other of next(room)) walk(other, [...way, room]);
    open.delete(room);
    done.add(room);
  };
  for (const room of Object.keys(rooms).filter((name) => name.startsWith('src'))) walk(room, []);
  t.true(done.size > 30);
});

test('what is named by its address from a file of ours is there', async (t) => {
  // Set-up makes it, with what git says.
  const made = new Set(['build/commit', 'build/stripped']);
  let looked = 0;
  for (const entry of await readdir(path.join(top, 'src'), { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const text = await readFile(path.join(entry.parentPath, entry.name), 'utf8');
    for (const [, address = ''] of text.matchAll(/new URL\('([^']+)', import\.meta\.url\)/g)) {
      const file = path.relative(top, path.resolve(entry.parentPath, address));
      looked += 1;
      t.true(made.has(file) || existsSync(path.join(top, file)), file);
    }
  }
  t.true(looked > 8);
});

test('a folder is read at one look: thirty files of code at the most', async (t) => {
  const folders = new Map<string, number>();
  for (const entry of await readdir(path.join(top, 'src'), { recursive: true, withFileTypes: true }))
    if (entry.isFile() && entry.name.endsWith('.ts'))
      folders.set(entry.parentPath, (folders.get(entry.parentPath) ?? 0) + 1);
  t.deepEqual(
    [...folders]
      .map(([folder, files]) => [path.relative(top, folder), files] as const)
      // They are there for ever, and nobody reads them but one by one.
      .filter(([folder, files]) => files > 30 && folder !== 'src/store/migrations'),
    [],
  );
});

test('what AWS calls loads nothing that could call AWS, no management API, no people, no PKCS#11', async (t) => {
  const script = `
    import { registerHooks } from 'node:module';
    const loaded = [];
    registerHooks({ load: (url, context, next) => (loaded.push(url), next(url, context)) });
    await import(${JSON.stringify(pathToFileURL(path.join(top, 'src/node/xks-service.ts')).href)});
    console.log(JSON.stringify(loaded));
    process.exit();`;
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script]);
  const loaded = (JSON.parse(stdout) as string[]).filter((url) => url.startsWith('file:'));
  const names = loaded.map((url) => path.relative(top, fileURLToPath(url)));
  t.true(names.includes('src/xks/encrypt.ts'));
  const foreign =
    /^(?:src\/(?:cloud|admin|identity|tenancy|schedules|reconcile)\/|src\/token\/(?:host|keeper|probe)\/|node_modules\/(?:@aws-sdk|pkcs11js|graphene-pk11|nodemailer|openid-client)\/)/;
  t.deepEqual(
    names.filter((name) => foreign.test(name)),
    [],
  );
});
