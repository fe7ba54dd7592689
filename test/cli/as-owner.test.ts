import { execFile } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  cpSync,
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { open } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import anyTest, { type TestFn } from 'ava';
import { nodeFlags } from '../../src/node-process.ts';
import { loadConfig } from '../../src/config/load.ts';
import { memoryDirectory } from '../../testing/memory-directory.ts';
import { TestNode } from '../../testing/test-node.ts';
import { createSoftHsmToken, type TokenFixture } from '../../testing/tokens.ts';
import { runCommand, type Run } from './command-line.ts';

/*
 * Root runs commands on a node whose files are the service's: whoever owns a directory puts links in the place of its files, at
 * any moment. What they lead to is a store of root's that would do in every way, but that the owner can neither read nor write.
 */

interface Context {
  fixture: TokenFixture;
  node: TestNode;
  store: string;
  /** Of root alone. */
  vault: string;
  backup: string;
}

const test = anyTest.serial as TestFn<Context>;
const isRoot = process.geteuid?.() === 0;
const asRoot = isRoot ? test : test.skip;
const nobody = 65_534;

function give(directory: string): void {
  chownSync(directory, nobody, nobody);
  for (const entry of readdirSync(directory, { withFileTypes: true }))
    if (entry.isDirectory()) give(path.join(directory, entry.name));
    else chownSync(path.join(directory, entry.name), nobody, nobody);
}

test.before(async (t) => {
  if (!isRoot) return;
  const fixture = await createSoftHsmToken();
  const node = await TestNode.create({ tokens: [{ fixture }] });
  await node.makeKeySet('payments', { prefix: 'payments' });
  await node.makeKey('payments', 'payroll');
  await node.closeVault();
  const store = loadConfig(node.config).storePath;
  const vault = mkdtempSync(path.join(memoryDirectory(), 'holdfast-of-root-'));
  for (const name of readdirSync(path.dirname(store)).filter((one) => one.startsWith('holdfast.db')))
    cpSync(path.join(path.dirname(store), name), path.join(vault, name));
  const backup = path.join(vault, 'first.backup');
  for (const directory of [node.directory, fixture.directory]) give(directory);
  t.context = { fixture, node, store, vault, backup };
  const { code, stderr } = await run(t.context, 'backup', '--file', backup);
  t.is(code, 0, stderr);
});
test.after.always(async ({ context: { node, fixture, vault } }) => {
  if (!isRoot) return;
  await node.dispose();
  await fixture.dispose();
  rmSync(vault, { recursive: true });
});

async function run({ node }: Context, ...words: string[]): Promise<Run> {
  return runCommand(['--config', node.config, ...words]);
}

/** All that there is of root's, and whose. */
function ofRoot({ vault }: Context): Record<string, string> {
  return Object.fromEntries(
    readdirSync(vault).map((name) => {
      const file = path.join(vault, name);
      const { uid, mode } = statSync(file);
      return [name, `${uid} ${mode.toString(8)} ${readFileSync(file).toString('base64')}`];
    }),
  );
}

/** Whose each file of the node is. */
function ownersOf({ node, store }: Context): Set<number> {
  const { state_directory: state } = loadConfig(node.config).node;
  return new Set(
    [state, path.dirname(store)].flatMap((directory) =>
      readdirSync(directory).map((name) => lstatSync(path.join(directory, name)).uid),
    ),
  );
}

asRoot(
  'what root does leaves every file of the node to its owner, and root’s own files to root',
  async (t) => {
    const { context } = t;
    t.is(
      statSync(context.backup).uid,
      0,
      'a backup is where root puts it, though the owner sees nothing there',
    );
    t.is(statSync(context.backup).mode & 0o777, 0o600);
    const init = await run(context, 'init');
    t.is(init.code, 0, init.stderr);
    t.regex(init.stderr, /goes on as user 65534, who has /);
    t.deepEqual(ownersOf(context), new Set([nobody]));
    for (const words of [
      ['serve', '--check'],
      ['restore', '--replace', context.backup],
    ]) {
      const { code, stderr } = await run(context, ...words);
      t.is(code, 0, `${words.join(' ')}: ${stderr}`);
      t.deepEqual(ownersOf(context), new Set([nobody]), words.join(' '));
    }
    t.is(statSync(context.store).mode & 0o777, 0o600);
  },
);

asRoot('a link of the owner’s leads no command of root’s to a file of root’s', async (t) => {
  const { context } = t;
  const { store, vault } = context;
  const own = `${store}-own`;
  renameSync(store, own);
  symlinkSync(path.join(vault, 'holdfast.db'), store);
  const before = ofRoot(context);
  try {
    for (const words of [
      ['serve', '--check'],
      ['init'],
      ['backup', '--file', path.join(vault, 'leaked.backup')],
    ]) {
      const { code, stdout, stderr } = await run(context, ...words);
      const what = words.slice(0, 2).join(' ');
      t.not(code, 0, what);
      t.regex(stderr, /EACCES|SQLITE_CANTOPEN|not permitted|there is no store|holdfast\.db/i, what);
      t.notRegex(stdout, /holdfast-backup|first password/, what);
      t.deepEqual(ofRoot(context), before, what);
    }
    const doctor = await run(context, 'doctor', '--json');
    t.regex(doctor.stdout, /"check":"node\.store","status":"problem"|node\.store/);
    t.deepEqual(ofRoot(context), before, 'doctor');
  } finally {
    rmSync(store);
    renameSync(own, store);
  }
});

asRoot('nor does one that is put in the place of a store while it is being made', async (t) => {
  const { context } = t;
  const { node, fixture, store, vault, backup } = context;
  const before = ofRoot(context);
  // The module reads its configuration when it is loaded: the store has been built by then, and the command waits.
  const fifo = path.join(node.directory, 'softhsm2.conf');
  await promisify(execFile)('mkfifo', [fifo]);
  chownSync(fifo, nobody, nobody);
  const known = fixture.environment['SOFTHSM2_CONF'] ?? '';
  const config = path.join(node.directory, 'waiting.toml');
  writeFileSync(config, readFileSync(node.config, 'utf8').replace(known, fifo));
  chownSync(config, nobody, nobody);
  const restored = runCommand(['--config', config, 'restore', '--replace', backup]);
  const waiting = await open(fifo, 'w');
  const prepared = `${store}-restoring`;
  t.is(lstatSync(prepared).uid, nobody);
  renameSync(prepared, `${prepared}-own`);
  symlinkSync(path.join(vault, 'holdfast.db'), prepared);
  await waiting.writeFile(readFileSync(known));
  await waiting.close();
  const { code, stderr } = await restored;
  t.not(code, 0);
  t.regex(stderr, /CANTOPEN|EACCES/);
  t.deepEqual(ofRoot(context), before);
  for (const name of readdirSync(path.dirname(store)).filter((one) => one.includes('-restoring')))
    rmSync(path.join(path.dirname(store), name));
});

asRoot(
  'who goes on as the owner has the owner’s home, and no directory of root’s by way of the environment',
  async (t) => {
    const directory = mkdtempSync(path.join(memoryDirectory(), 'holdfast-home-'));
    t.teardown(() => rmSync(directory, { recursive: true }));
    const code = `const { becomeOwner } = await import(${JSON.stringify(path.resolve(import.meta.dirname, '../../src/store/owner.ts'))});
    becomeOwner([${JSON.stringify(directory)}]);
    const { HOME, USER, LOGNAME, XDG_CONFIG_HOME, OTHER } = process.env;
    console.log(JSON.stringify([HOME, USER, LOGNAME, XDG_CONFIG_HOME, OTHER, (await import('node:os')).homedir()]));`;
    const env = {
      HOME: '/root',
      USER: 'root',
      LOGNAME: 'root',
      XDG_CONFIG_HOME: '/root/.config',
      OTHER: 'kept',
    };
    const seen = async (uid: number) => {
      chownSync(directory, uid, uid);
      const { stdout } = await promisify(execFile)(
        process.execPath,
        [...nodeFlags, '--input-type=module', '--eval', code],
        { env },
      );
      return JSON.parse(stdout) as unknown;
    };
    // Not every distribution gives nobody the same home.
    const { stdout: entry } = await promisify(execFile)('getent', ['passwd', String(nobody)]);
    const [name, , , , , home] = entry.trim().split(':');
    t.deepEqual(await seen(nobody), [home, name, name, null, 'kept', home]);
    t.deepEqual(await seen(123_456), ['/', null, null, null, 'kept', '/'], 'without a name');
  },
);

asRoot('directories of different owners are refused, and nothing is made', async (t) => {
  const { context } = t;
  const elsewhere = mkdtempSync(path.join(memoryDirectory(), 'holdfast-others-'));
  t.teardown(() => rmSync(elsewhere, { recursive: true }));
  chownSync(elsewhere, nobody - 1, nobody - 1);
  chmodSync(elsewhere, 0o711);
  const config = path.join(context.node.directory, 'two-owners.toml');
  const text = readFileSync(context.node.config, 'utf8');
  writeFileSync(
    config,
    `${text}\n[store]\nkind = "sqlite"\npath = "${path.join(elsewhere, 'holdfast.db')}"\n`,
  );
  const { code, stderr } = await runCommand(['--config', config, 'init']);
  t.not(code, 0);
  t.regex(stderr, /belongs to user 65534, .* to user 65533/);
  t.deepEqual(readdirSync(elsewhere), []);
  // The doctor is asked when something is wrong: this is a finding, and what it looks at after it is there too.
  const doctor = await runCommand(['--config', config, 'doctor', '--json']);
  const { findings } = JSON.parse(doctor.stdout) as { findings: Record<string, string>[] };
  t.regex(findings.find(({ id }) => id === 'node.store')?.['seen'] ?? doctor.stdout, /belongs to user 65534/);
  t.true(
    findings.some(({ id }) => id === 'node.core-dumps'),
    doctor.stdout,
  );
});
