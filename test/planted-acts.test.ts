import { execFile } from 'node:child_process';
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import anyTest, { type TestFn } from 'ava';
import { memoryDirectory } from '../testing/memory-directory.ts';

/*
 * Three mistakes of whoever writes an act, each planted into a copy of the code, and refused there: a change of what XKS
 * workers serve by that they do not hear of, an act without a record, an act that ignores the row version.
 */

const top = path.join(import.meta.dirname, '..');
const run = promisify(execFile);

interface Copy {
  root: string;
  /** Runs `use` with one piece of one file in the place of another. */
  planted: <T>(file: string, right: RegExp, wrong: string, use: () => Promise<T>) => Promise<T>;
}

const test = anyTest as TestFn<Copy>;

/** An act on an admin group, of a vault of its own, by who has seen so many versions more than there are. */
const script = `
import { ownAuthority } from './src/evidence/trail.ts';
import { createAdminGroup, updateAdminGroup } from './src/identity/admin-groups.ts';
import { SeenVersion } from './src/store/act-transaction.ts';
import { SqliteStore } from './src/store/sqlite/sqlite.ts';
import { insertVault } from './testing/vault.ts';
const store = await SqliteStore.init('./store.db');
const context = { store, now: () => new Date() };
const actor = { kind: 'user', id: 'ada', name: 'ada' };
const act = { actor, address: '', requestId: '', at: new Date(), now: context.now, authority: ownAuthority };
const vault = await insertVault(store, 'first');
const group = await createAdminGroup(context, act, vault.id, { name: 'a group' });
const seen = new SeenVersion(group.row_version + Number(process.argv[2]));
const on = { vaultId: vault.id, groupId: group.id, expected: seen };
const after = await updateAdminGroup(context, { ...act, seen }, on, { name: 'renamed' }).catch((error) => error);
const { name } = await store.db.selectFrom('admin_groups').select('name').where('id', '=', group.id).executeTakeFirst();
console.log(JSON.stringify({ problem: after instanceof Error ? after.name + ': ' + after.message : null, name }));
await store.close();
`;

test.before(async (t) => {
  const root = await mkdtemp(path.join(memoryDirectory(), 'holdfast-planted-'));
  for (const part of ['src', 'testing', 'native-config', 'package.json', 'tsconfig.json'])
    await cp(path.join(top, part), path.join(root, part), { recursive: true });
  await symlink(path.join(top, 'node_modules'), path.join(root, 'node_modules'));
  await writeFile(path.join(root, 'act.ts'), script);
  t.context = {
    root,
    planted: async (file, right, wrong, use) => {
      const place = path.join(root, file);
      const text = await readFile(place, 'utf8');
      const changed = text.replace(right, wrong);
      if (changed === text) throw new Error(`${file} is not as the mistake expects it`);
      await writeFile(place, changed);
      try {
        return await use();
      } finally {
        await writeFile(place, text);
      }
    },
  };
});
test.after.always(async (t) => rm(t.context.root, { recursive: true, force: true }));

async function doTheAct({ root }: Copy, ahead = 0): Promise<{ problem: string | null; name: string }> {
  await rm(path.join(root, 'store.db'), { force: true });
  const { stdout } = await run(process.execPath, ['--no-warnings', 'act.ts', String(ahead)], { cwd: root });
  return JSON.parse(stdout) as { problem: string | null; name: string };
}

test.serial('the act as it is is done', async (t) => {
  t.deepEqual(await doTheAct(t.context), { problem: null, name: 'renamed' });
  t.deepEqual(await doTheAct(t.context, 1), {
    problem: 'VaultError: it has been changed meanwhile; look at it again, then try again',
    name: 'a group',
  });
});

const updated = /(updateAdminGroup\([\s\S]*?)/;

test.serial('an act without a record is refused by the store', async (t) => {
  const { planted } = t.context;
  const record = new RegExp(String.raw`${updated.source}await record\(trx, act, \{[\s\S]*?\n    \}\);`);
  const done = await planted('src/identity/admin-groups.ts', record, '$1', async () => doTheAct(t.context));
  t.deepEqual(done, {
    problem:
      'UnsoundActError: a transaction changed admin_groups and put nothing on record: nothing was done',
    name: 'a group',
  });
});

test.serial('an act that ignores the row version is refused by the store', async (t) => {
  const { planted } = t.context;
  const check = new RegExp(String.raw`${updated.source}checkRowVersion\(before, expected\);`);
  const done = await planted('src/identity/admin-groups.ts', check, '$1', async () => doTheAct(t.context, 1));
  t.deepEqual(done, {
    problem:
      'UnsoundActError: an act did not compare the row version that its caller has seen: nothing was done',
    name: 'a group',
  });
});

test.serial(
  'a change of what is served, in a transaction that workers do not hear of, does not compile',
  async (t) => {
    const { root, planted } = t.context;
    const tsc = async () =>
      run(path.join(root, 'node_modules/.bin/tsc'), ['--noEmit', '-p', 'planted.json'], { cwd: root }).then(
        ({ stdout }) => stdout,
        ({ stdout }: { stdout: string }) => stdout,
      );
    const files = ['src/keys/key-states.ts'];
    await writeFile(
      path.join(root, 'planted.json'),
      JSON.stringify({ extends: './tsconfig.json', include: [], files }),
    );
    const change = /(async function actOnKey\([\s\S]*?store\.)change\(/;
    const said = await planted('src/keys/key-states.ts', change, '$1write(', tsc);
    t.regex(
      said,
      /^src\/keys\/key-states\.ts\(\d+,\d+\): error TS2345: Argument of type 'ActTransaction' is not/m,
    );
    t.regex(said, /ChangeTransaction/);
    t.is(said.match(/error TS/g)?.length, 1, 'and nothing else is wrong');
  },
);
