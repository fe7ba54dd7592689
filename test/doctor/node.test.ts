import { chmod, copyFile, mkdir, open, readFile, stat, utimes, writeFile } from 'node:fs/promises';
import path from 'node:path';
import test from 'ava';
import Database from 'better-sqlite3';
import { loadConfig } from '../../src/config/load.ts';
import { catalogue, connectionErrorCodes } from '../../src/doctor/catalogue.ts';
import { checksOf, type Finding } from '../../src/doctor/finding.ts';
import { examineModes } from '../../src/doctor/node-files.ts';
import { SqliteStore } from '../../src/store/sqlite/sqlite.ts';
import { runCommand } from '../cli/command-line.ts';
import { makeStoreOfStep1 } from '../support/older-store.ts';
import { TestNode } from '../../testing/test-node.ts';
import { createSoftHsmToken, type TokenFixture } from '../../testing/tokens.ts';
import { allFindings, found } from './findings.ts';

let node: TestNode;
let fixture: TokenFixture;

test.before(async () => {
  fixture = await createSoftHsmToken();
  node = await TestNode.start({ tokens: [{ fixture, name: 'primary' }], admin: true });
});
test.after.always(async () => {
  await node?.dispose();
  await fixture?.dispose();
});

const file = (name: string) => path.join(node.directory, name);

/** What the doctor finds of the node itself, gone to at its port. */
async function findings(backup?: string): Promise<Finding[]> {
  return allFindings({
    node: { config: loadConfig(node.config) },
    connect: { address: '127.0.0.1', port: node.port },
    backup,
  });
}

/** What the doctor says of one file while it has this mode. */
async function withMode(name: string, mode: number): Promise<Finding> {
  const before = (await stat(name)).mode;
  await chmod(name, mode);
  try {
    const about = examineModes(loadConfig(node.config)).find(({ subject }) => subject === name);
    return about ?? (await Promise.reject(new Error(`nothing is said of ${name}`)));
  } finally {
    await chmod(name, before & 0o777);
  }
}

test.serial('of a node as init and serve leave it all is well', async (t) => {
  const all = await findings();
  t.deepEqual(all.map(({ id }) => id).toSorted(), checksOf('node').toSorted());
  for (const id of [
    'node.configuration',
    'node.modes',
    'node.disk',
    'node.store',
    'node.certificate',
  ] as const)
    found(t, all, id, 'OK');
  found(t, all, 'node.port', 'WARNING', /any free port/);
  const limit = /^Max core file size\s+(\S+)/m.exec(await readFile('/proc/self/limits', 'utf8'))?.[1];
  found(t, all, 'node.core-dumps', limit === '0' ? 'OK' : 'WARNING', /processes/);
  found(t, all, 'node.tokens', 'SKIPPED', /\/ready says that some token can be used/);
  found(t, all, 'node.backup', 'SKIPPED');
});

test.serial('files that are too open are named with the command that closes them', async (t) => {
  const config = loadConfig(node.config);
  const pin = config.tokens[0]?.members[0]?.pin;
  const pinFile = pin !== undefined && 'file' in pin ? pin.file : '';
  for (const [name, mode, seen, remediation] of [
    [config.xks.tls.key, 0o640, /TLS key is open to group or others \(mode 0640\)/, 'chmod 0600'],
    [pinFile, 0o604, /PIN file is open/, 'chmod 0600'],
    [config.storePath, 0o644, /store is open/, 'chmod 0600'],
    [config.node.state_directory, 0o755, /state directory is open/, 'chmod 0700'],
    [node.config, 0o666, /configuration can be written/, 'chmod go-w'],
    [config.xks.tls.certificate, 0o664, /certificate can be written/, 'chmod go-w'],
    [path.dirname(config.xks.tls.key), 0o777, /a directory that anybody may write to/, 'chmod o-w'],
  ] as const) {
    const finding = await withMode(name, mode);
    t.is(finding.level, 'PROBLEM');
    t.regex(finding.seen, seen);
    t.is(finding.remediation, `${remediation} ${name}`);
  }
});

test.serial('a certificate file that is not what is served is a renewal that was not taken up', async (t) => {
  const { certificate } = node.tls;
  const before = await readFile(certificate);
  const other = await node.ca.issue('localhost');
  // Half a pair: the node keeps the old one.
  await copyFile(other.certificate, certificate);
  try {
    found(t, await findings(), 'node.certificate', 'PROBLEM', /another one is served/);
  } finally {
    await writeFile(certificate, before);
  }
});

test.serial('a damaged store, one that is none, and one of another version are told apart', async (t) => {
  const config = loadConfig(node.config);
  const say = async (storePath: string) => allFindings({ node: { config: { ...config, storePath } } });
  const damaged = file('damaged.db');
  const store = await SqliteStore.init(damaged);
  await store.close();
  const handle = await open(damaged, 'r+');
  const { size } = await handle.stat();
  await handle.write(Buffer.alloc(4096, 0x5a), 0, 4096, Math.floor(size / 8192) * 4096);
  await handle.close();
  found(t, await say(damaged), 'node.store', 'PROBLEM', /damage[sd]|cannot be read/);
  const none = file('none.db');
  await writeFile(none, 'not a store', { mode: 0o600 });
  found(t, await say(none), 'node.store', 'PROBLEM', /is not an SQLite database/);
  found(t, await say(file('missing.db')), 'node.store', 'PROBLEM');
  const older = file('older.db');
  await makeStoreOfStep1(older);
  found(t, await say(older), 'node.store', 'PROBLEM', /of an older version/);
  const newer = file('newer.db');
  await (await SqliteStore.init(newer)).close();
  const later = new Database(newer);
  later.exec(`INSERT INTO kysely_migration VALUES ('9999-later', '2099-01-01T00:00:00.000Z')`);
  later.close();
  // What `init` would refuse is not what it says.
  t.regex(
    found(t, await say(newer), 'node.store', 'PROBLEM', /of a newer version/).remediation ?? '',
    /^start the newer version, or put back the backup/,
  );
});

test.serial('a backup is judged by its age, its kind and its mode', async (t) => {
  const directory = file('backups');
  await mkdir(directory);
  const backup = path.join(directory, 'holdfast.backup');
  const say = async () => found(t, await allFindings({ backup: directory }), 'node.backup', ...expected);
  let expected: ['OK' | 'WARNING' | 'PROBLEM', RegExp] = ['PROBLEM', /there is none/];
  await say();
  t.is((await runCommand(['--config', node.config, 'backup', '--file', backup])).code, 0);
  expected = ['OK', /^holdfast\.backup, 0 hours old$/];
  await say();
  const aged = async (hours: number) => {
    const then = new Date(Date.now() - hours * 3_600_000);
    await utimes(backup, then, then);
  };
  await aged(30);
  expected = ['WARNING', /30 hours old/];
  await say();
  await aged(24 * 9);
  expected = ['PROBLEM', /9 days old/];
  await say();
  await aged(1);
  await chmod(backup, 0o644);
  expected = ['PROBLEM', /open to group or others/];
  await say();
  await writeFile(path.join(directory, 'newer.age'), 'age-encryption.org/v1', { mode: 0o600 });
  expected = ['WARNING', /newer\.age.*encrypted, compressed or not a Holdfast backup/];
  await say();
  const store = await SqliteStore.init(path.join(directory, 'copy.db'));
  await store.close();
  expected = ['PROBLEM', /copy\.db.*a plain copy of the database, which holdfast restore does not accept/];
  await say();
});

test.serial('what is wrong with the configuration is named, and nothing else is looked at', async (t) => {
  const config = file('broken.toml');
  await writeFile(config, '[xks]\nport = 99999\nsecret = "not-to-be-seen"\n', { mode: 0o600 });
  const { code, stdout } = await runCommand(['doctor', '--json', '--config', config]);
  t.is(code, 1);
  const { findings: all } = JSON.parse(stdout) as { findings: Finding[] };
  const problems = all.filter(({ level }) => level === 'PROBLEM');
  t.true(problems.length > 1 && problems.every(({ id }) => id === 'node.configuration'), stdout);
  t.false(stdout.includes('not-to-be-seen'));
  found(t, all, 'node.store', 'SKIPPED');
});

test.serial('tokens are verified through the management API by whoever is signed in', async (t) => {
  const { endpoint, ca, username, password } = node.admin;
  await writeFile(file('first'), password, { mode: 0o600 });
  await writeFile(file('next'), 'four slow barges passing by', { mode: 0o600 });
  const env = { XDG_CONFIG_HOME: file('sign-ins') };
  const doctor = async () => {
    const { stdout } = await runCommand(['doctor', '--json', '--config', node.config], { env });
    return (JSON.parse(stdout) as { findings: Finding[] }).findings;
  };
  found(t, await doctor(), 'node.tokens', 'SKIPPED', /not signed in/);
  const passwords = ['--password-file', file('first'), '--new-password-file', file('next')];
  const login = await runCommand(
    ['login', '--endpoint', endpoint, '--ca', ca, '--username', username, ...passwords],
    { env },
  );
  t.is(login.code, 0, login.stderr);
  const verified = found(t, await doctor(), 'node.tokens', 'OK', /7 steps in \d+ ms/);
  t.is(verified.subject, 'primary');
});

test('docs/doctor.md has every check and every connection error code', async (t) => {
  const page = await readFile(new URL('../../docs/doctor.md', import.meta.url), 'utf8');
  for (const id of Object.keys(catalogue)) t.true(page.includes(`\`${id}\``), id);
  for (const code of connectionErrorCodes) t.regex(page, new RegExp(`^### ${code}$`, 'm'));
});
