import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import {
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import anyTest, { type ExecutionContext, type TestFn } from 'ava';
import Database from 'better-sqlite3';
import { takeNodeLocks } from '../../src/cli/node/node-locks.ts';
import { MissingKeysError, restore, type RestoreInput } from '../../src/cli/node/restore.ts';
import type { Restored } from '../../src/cli/node/restored.ts';
import { loadConfig } from '../../src/config/load.ts';
import { nodeCommand } from '../../src/node-process.ts';
import { SqliteStore, StoreError } from '../../src/store/sqlite/sqlite.ts';
import { ownKeys } from '../../src/token/own-keys.ts';
import { withdrawCredential } from '../../src/keys/credentials/credentials.ts';
import { undoNewestMigration } from '../support/older-store.ts';
import { cloneSoftHsmToken } from '../../testing/cloned-token.ts';
import type { NodeVault } from '../../testing/node-vault.ts';
import { TestNode } from '../../testing/test-node.ts';
import { createSoftHsmToken, type TokenFixture } from '../../testing/tokens.ts';
import { insertVault } from '../../testing/vault.ts';
import type { KeySetAccess } from '../../testing/xks-client.ts';
import { memberTable } from '../../testing/member-table.ts';
import { CommandServer, runCommand, type Run } from './command-line.ts';

/* A real store and a real token; what a backup holds, and what comes back of it. */

interface Context {
  fixture: TokenFixture;
  node: TestNode;
}

const test = anyTest.serial as TestFn<Context>;
const commands = new CommandServer();

test.before(async (t) => {
  const fixture = await createSoftHsmToken();
  t.context = { fixture, node: await TestNode.create({ tokens: [{ fixture }] }) };
});
test.after.always(async ({ context: { node, fixture } }) => {
  commands.close();
  await node.dispose();
  await fixture.dispose();
});

function storePath(node: TestNode): string {
  return loadConfig(node.config).storePath;
}

async function holdfast(node: TestNode, ...words: string[]): Promise<Run> {
  return commands.run(['--config', node.config, ...words]);
}

let made = 0;

/** A backup of the node as it is. */
async function backUp(t: ExecutionContext<Context>, node: TestNode = t.context.node): Promise<string> {
  const file = path.join(node.directory, `${(made += 1)}.backup`);
  const { code, stderr } = await holdfast(node, 'backup', '--file', file);
  t.is(code, 0, stderr);
  return file;
}

/** In the place of the store that the node has, which nobody may have open. */
async function putBack(
  node: TestNode,
  file: string,
  input: RestoreInput = { replace: true },
): Promise<Restored> {
  await node.closeVault();
  return restore(loadConfig(node.config), file, input);
}

/** What a refusal leaves as it was: every file of the state directory, but for locks. */
function stateOf(node: TestNode): Record<string, string> {
  const directory = path.dirname(storePath(node));
  return Object.fromEntries(
    readdirSync(directory)
      .filter((name) => !name.includes('lock'))
      .map((name) => [name, readFileSync(path.join(directory, name)).toString('base64')]),
  );
}

async function statesOf({ vaultContext }: NodeVault): Promise<Record<string, string>> {
  const rows = await vaultContext.store.db.selectFrom('cloud_keys').select(['name', 'state']).execute();
  return Object.fromEntries(rows.map(({ name, state }) => [name, state]));
}

test('a backup has every record, no secret and no key; it is for its owner alone and never written over', async (t) => {
  const { node, fixture } = t.context;
  const access = await node.makeKeySet('payments', { prefix: 'payments' });
  await node.makeKey('payments', 'payroll');
  const file = path.join(node.directory, 'first.backup');
  const { code, stdout } = await holdfast(node, '--json', 'backup', '--file', file);
  t.is(code, 0);
  const manifest = JSON.parse(stdout) as { sha256: string; tokens: unknown[]; rows: Record<string, number> };
  t.is(statSync(file).mode & 0o777, 0o600);
  t.deepEqual(
    readdirSync(node.directory).filter((name) => name.includes('.part')),
    [],
  );

  const text = readFileSync(file, 'utf8');
  for (const [what, secret] of [
    ['the PIN', fixture.pin],
    ['an XKS secret', access.secretAccessKey],
    ['an XKS secret as bytes', Buffer.from(access.secretAccessKey).toString('base64').slice(0, 40)],
  ] as const)
    t.false(text.includes(secret), what);
  t.true(text.includes(access.accessKeyId), 'it is the right file');
  const lines = text.trimEnd().split('\n');
  t.like(JSON.parse(lines[0] ?? ''), { format: 'holdfast-backup', version: 1 });
  t.like(JSON.parse(lines.at(-1) ?? ''), { end: true, sha256: manifest.sha256 });
  t.like(manifest.rows, { cloud_keys: 1, key_sets: 1, xks_credentials: 1 });
  t.like(manifest.tokens[0], { name: 'token', label: fixture.label, sealingKey: 'holdfast:protecting:1' });

  await node.withStore(async ({ vaultContext }) => {
    const event = await vaultContext.store.db
      .selectFrom('audit_events')
      .selectAll()
      .where('action', '=', 'store.back-up')
      .executeTakeFirstOrThrow();
    t.is(event.target_id, manifest.sha256);
    t.regex(event.actor_name, /^backup, run by /);
  });

  const again = await holdfast(node, 'backup', '--file', file);
  t.is(again.code, 73);
  t.regex(again.stderr, /exists already/);
  t.is(readFileSync(file, 'utf8'), text);
});

test('a backup goes through a pipe, and into a directory under a name of its own', async (t) => {
  const { node } = t.context;
  const piped = await runCommand(['--config', node.config, 'backup', '--file', '-']);
  t.is(piped.code, 0);
  t.regex(piped.stderr, /a backup as of .*1 CloudKey, /);
  const words = ['restore', '--check', '--without-token', '-'];
  const check = await runCommand(words, { input: piped.stdout });
  t.is(check.code, 0, check.stderr);
  t.regex(check.stdout, /The file is whole/);
  t.deepEqual(
    readdirSync(path.dirname(storePath(node))).filter((name) => name.includes('-backup-')),
    [],
  );
  const named = await holdfast(node, 'backup', '--file', node.directory);
  t.regex(named.stdout, /\/holdfast-[^/]+-\d{8}T\d{6}Z\.backup: a backup as of/);
});

test('what was put back in place of a store that went on: nothing that was taken away since is usable', async (t) => {
  const { node } = t.context;
  await node.makeKey('payments', 'disabled-since');
  await node.makeKey('payments', 'rotated-since');
  const [kept, withdrawn] = [await node.issueCredential('payments'), await node.issueCredential('payments')];
  for (const name of ['frozen-since', 'removed-since', 'of-a-deleted-vault'])
    await node.makeKeySet(name, { prefix: name });
  await node.withVault(async ({ vaultContext, vaultId }) => {
    await vaultContext.store.db.insertInto('users').values(person('dismissed', vaultId)).execute();
    await insertVault(vaultContext.store, 'held-since');
    const deleted = await insertVault(vaultContext.store, 'deleted-since');
    // A secret opens in no other vault.
    const moved = vaultContext.store.db
      .selectFrom('key_sets')
      .select('id')
      .where('name', '=', 'of-a-deleted-vault');
    await vaultContext.store.db.deleteFrom('xks_credentials').where('key_set_id', 'in', moved).execute();
    await vaultContext.store.db
      .updateTable('key_sets')
      .set({ vault_id: deleted.id })
      .where('name', '=', 'of-a-deleted-vault')
      .execute();
  });
  const file = await backUp(t);

  await node.withVault(async (vault) => {
    const { vaultContext, vaultId } = vault;
    const ids = await vaultContext.store.db
      .selectFrom('cloud_keys')
      .select(['name', 'external_key_id'])
      .execute();
    const idOf = (name: string) => ids.find((key) => key.name === name)?.external_key_id ?? '';
    await vault.disableKey(idOf('disabled-since'));
    await vault.rotateKey(idOf('rotated-since'));
    await vault.makeKey('payments', 'made-since');
    const keySet = await vault.keySet('payments');
    await withdrawCredential(vaultContext, vault.act(), keySet, { accessKeyId: withdrawn.accessKeyId });
    const { db } = vaultContext.store;
    await db
      .updateTable('key_sets')
      .set({ frozen_at: '2026-01-01T00:00:00.000Z' })
      .where('name', '=', 'frozen-since')
      .execute();
    const at = '2026-01-01T00:00:00.000Z';
    await db.updateTable('key_sets').set({ removed_at: at }).where('name', '=', 'removed-since').execute();
    await db.updateTable('vaults').set({ deleted_at: at }).where('name', '=', 'deleted-since').execute();
    await db
      .updateTable('vaults')
      .set({ appliance_frozen_at: '2026-01-01T00:00:00.000Z' })
      .where('name', '=', 'held-since')
      .execute();
    await db.updateTable('users').set({ state: 'DISABLED' }).where('username', '=', 'dismissed').execute();
    await db
      .updateTable('key_versions')
      .set({ encryptions_leased: 123_456_789 })
      .where('state', '=', 'ACTIVE')
      .execute();
    t.is((await db.selectFrom('users').selectAll().where('vault_id', '=', vaultId).execute()).length, 1);
  });
  const { adjusted, replaced, tokens } = await putBack(node, file);

  t.is(adjusted.since, 'known');
  t.deepEqual(
    adjusted.withheld.map(({ kind, name }) => `${kind} ${name}`).toSorted(),
    [
      'cloud-key disabled-since',
      'key-set frozen-since',
      'key-set removed-since',
      'key-set of-a-deleted-vault',
      'user dismissed',
      'vault held-since',
      `xks-credential ${withdrawn.accessKeyId}`,
    ].toSorted(),
  );
  t.deepEqual(
    adjusted.lost.map(({ kind, name }) => `${kind} ${name}`),
    ['cloud-key made-since'],
  );
  t.deepEqual(
    tokens.map(({ missing }) => missing),
    [[]],
  );
  t.is(replaced?.damaged, undefined);
  t.true(existsSync(replaced?.keptAs ?? ''));
  await node.withVault(async (vault) => {
    const { db } = vault.vaultContext.store;
    t.deepEqual(await statesOf(vault), {
      payroll: 'AVAILABLE',
      'disabled-since': 'DISABLED',
      'rotated-since': 'AVAILABLE',
    });
    t.not((await vault.keySet('frozen-since')).frozen_at, null);
    t.is((await vault.keySet('payments')).frozen_at, null);
    const credentials = await db.selectFrom('xks_credentials').selectAll().execute();
    const isLive = ({ accessKeyId }: KeySetAccess) =>
      credentials.find((one) => one.access_key_id === accessKeyId)?.withdrawn_at === null;
    t.deepEqual([isLive(kept), isLive(withdrawn)], [true, false]);
    t.is((await db.selectFrom('users').select('state').executeTakeFirstOrThrow()).state, 'DISABLED');
    const counts = await db.selectFrom('key_versions').select('encryptions_leased').execute();
    t.true(
      counts.every((one) => one.encryptions_leased === 123_456_789),
      'what was encrypted since is counted',
    );
    const [event] = await db
      .selectFrom('audit_events')
      .selectAll()
      .orderBy('sequence', 'desc')
      .where('vault_id', '=', '')
      .limit(1)
      .execute();
    t.is(event?.action, 'store.restore');
    const after = JSON.parse(event?.after ?? '{}') as Record<string, Record<string, unknown>>;
    t.like(after['replaced'], { sha256: replaced?.sha256 });
    t.is(
      after['backup']?.['sha256'],
      /"sha256":"(\w+)"/.exec(readFileSync(file, 'utf8').split('\n').at(-2) ?? '')?.[1],
    );
    t.is(event?.sequence, adjusted.resumesAt);
    t.true(adjusted.resumesAt > (adjusted.lastAuditEvent ?? Infinity));
    const ofVault = await db
      .selectFrom('audit_events')
      .selectAll()
      .where('vault_id', '=', vault.vaultId)
      .where('action', '=', 'store.restore')
      .executeTakeFirstOrThrow();
    t.regex(ofVault.after ?? '', /cloud-key disabled-since/);
  });
});

function person(username: string, vaultId: string) {
  const at = '2026-01-01T00:00:00.000Z';
  return {
    id: `id-of-${username}`,
    vault_id: vaultId,
    username,
    username_key: username,
    display_name: username,
    email: `${username}@example.com`,
    role: 'cloud-admin' as const,
    state: 'ACTIVE' as const,
    sign_in: 'password' as const,
    password_hash: '$argon2id$…',
    must_change_password: 0,
    password_changed_at: at,
    locked_until: null,
    totp_sealed: null,
    totp_token: null,
    totp_state: 'NONE' as const,
    oidc_subject: null,
    last_sign_in_at: null,
    created_at: at,
    updated_at: at,
  };
}

test('where nobody knows what was taken away since, nothing is served and no program gets in', async (t) => {
  const { node } = t.context;
  const soon = new Date(Date.now() + 3_600_000).toISOString();
  await node.withVault(async (vault) => {
    const { db } = vault.vaultContext.store;
    const { id } = await vault.keySet('payments');
    await vault.makeKey('payments', 'waiting');
    await db
      .updateTable('cloud_keys')
      .set({ state: 'PENDING_DELETION', deletion_at: soon })
      .where('key_set_id', '=', id)
      .where('name', '=', 'waiting')
      .execute();
    await db
      .insertInto('api_keys')
      .values({
        id: 'program',
        user_id: 'id-of-dismissed',
        name: 'program',
        hash: Buffer.from('hash'),
        scope: '[]',
        expires_at: soon,
        revoked_at: null,
        last_used_at: null,
        last_address: null,
        created_at: soon,
      })
      .execute();
  });
  const file = backdated(await backUp(t), 3600);
  await node.closeVault();
  for (const end of ['', '-wal', '-shm']) rmSync(`${storePath(node)}${end}`, { force: true });

  const { adjusted, replaced } = await putBack(node, file, {});
  t.is(replaced, undefined);
  t.is(adjusted.since, 'unknown');
  await node.withVault(async (vault) => {
    const { db } = vault.vaultContext.store;
    const keySets = await db.selectFrom('key_sets').select('frozen_at').execute();
    t.true(keySets.every(({ frozen_at: at }) => at !== null));
    t.not((await db.selectFrom('api_keys').select('revoked_at').executeTakeFirstOrThrow()).revoked_at, null);
    t.is((await statesOf(vault))['waiting'], 'DISABLED', 'no key is destroyed because a backup was put back');
    const counts = await db.selectFrom('key_versions').select('encryptions_leased').execute();
    for (const { encryptions_leased: leased } of counts)
      t.true(leased >= 3600 * 1800 && leased <= 2 ** 31, 'what may have been encrypted since is counted');
    const last = await db
      .selectFrom('audit_events')
      .select((eb) => eb.fn.max('sequence').as('last'))
      .executeTakeFirstOrThrow();
    t.true(last.last > 1_000_000, 'no event has a number that another had');
  });

  const { adjusted: asBackedUp } = await putBack(node, file, { replace: true, asBackedUp: true });
  t.is(asBackedUp.since, 'ignored');
  await node.withVault(async (vault) => {
    t.is((await vault.keySet('payments')).frozen_at, null);
    t.is((await statesOf(vault))['waiting'], 'DISABLED');
  });
});

/** The same backup, made so many seconds earlier. */
function backdated(file: string, seconds: number): string {
  const lines = readFileSync(file, 'utf8').trimEnd().split('\n');
  const header = JSON.parse(lines[0] ?? '') as { takenAt: string };
  header.takenAt = new Date(Date.parse(header.takenAt) - seconds * 1000).toISOString();
  lines[0] = JSON.stringify(header);
  return written(`${file}-backdated`, lines.slice(0, -1));
}

/** A file of these lines, and the end that is right for them. */
function written(file: string, lines: readonly string[]): string {
  const body = `${lines.join('\n')}\n`;
  const sha256 = createHash('sha256').update(body).digest('hex');
  const rows: Record<string, number> = {};
  let table = '';
  for (const text of lines)
    if (text.startsWith('[')) rows[table] = (rows[table] ?? 0) + 1;
    else if (text.startsWith('{"table"')) rows[(table = (JSON.parse(text) as { table: string }).table)] = 0;
  writeFileSync(file, `${body}${JSON.stringify({ end: true, rows, sha256 })}\n`);
  return file;
}

test('what is no whole backup of ours, or not for here, is refused in words and nothing is changed', async (t) => {
  const { node } = t.context;
  const file = await backUp(t);
  const text = readFileSync(file, 'utf8');
  const lines = text.trimEnd().split('\n');
  const header = JSON.parse(lines[0] ?? '') as { migrations: string[] };
  const make = (name: string, content: string) => {
    writeFileSync(path.join(node.directory, name), content);
    return path.join(node.directory, name);
  };
  const newer = (fields: object) =>
    written(path.join(node.directory, `newer-${Object.keys(fields).join()}`), [
      JSON.stringify({ ...header, ...fields }),
      ...lines.slice(1, -1),
    ]);
  await node.closeVault();
  const before = stateOf(node);
  for (const [bad, code, problem] of [
    [make('cut', text.slice(0, text.length / 2)), 65, /cut off/],
    [make('no-end', `${lines.slice(0, -1).join('\n')}\n`), 65, /cut off: it has no end/],
    [make('altered', text.replace('payroll', 'payroll2')), 65, /altered or damaged: its digest is another/],
    [make('more', `${text}{}\n`), 65, /something stands after its end/],
    [make('empty', ''), 65, /the backup is empty/],
    [make('other', readFileSync(storePath(node), 'latin1')), 65, /it is no backup of Holdfast/],
    [newer({ version: 2 }), 65, /format 2, and this version of Holdfast reads format 1/],
    [
      newer({ migrations: [...header.migrations, '9999-later'] }),
      65,
      /made by a newer version of Holdfast .*9999-later/,
    ],
    [written(path.join(node.directory, 'less'), lines.slice(0, 3)), 65, /its table \w+ is missing/],
    [path.join(node.directory, 'no such file'), 66, /no such file/],
  ] as const) {
    const { code: found, stderr } = await commands.run([
      '--config',
      node.config,
      'restore',
      '--replace',
      bad,
    ]);
    t.is(found, code, stderr);
    t.regex(stderr, problem);
    t.regex(stderr, /hint: /);
  }
  const unasked = await commands.run(['--config', node.config, 'restore', file]);
  t.is(unasked.code, 73);
  t.regex(unasked.stderr, /there is a store at .*\n.*--replace/);
  const release = takeNodeLocks(loadConfig(node.config), 'serve');
  await t.throwsAsync(restore(loadConfig(node.config), file, { replace: true }), {
    message: /is in use already: holdfast serve, process \d+/,
  });
  release();
  t.deepEqual(stateOf(node), before);
});

test('a link in the place of a lock is refused, and what it leads to stays as it is', async (t) => {
  const { node } = t.context;
  const file = await backUp(t);
  await node.closeVault();
  const config = loadConfig(node.config);
  const target = path.join(node.directory, 'of somebody else');
  for (const lock of [path.join(config.node.state_directory, 'serve.lock'), `${config.storePath}-lock`])
    for (const link of process.geteuid?.() === 0 ? [symlinkSync, linkSync] : [symlinkSync]) {
      writeFileSync(target, 'theirs', { mode: 0o644 });
      rmSync(lock, { force: true });
      link(target, lock);
      await t.throwsAsync(restore(config, file, { replace: true }), {
        instanceOf: StoreError,
        message: /is a link or no plain file/,
      });
      rmSync(lock);
      t.is(statSync(target).mode & 0o777, 0o644);
      t.is(readFileSync(target, 'utf8'), 'theirs');
      rmSync(target);
      symlinkSync(target, lock);
      await t.throwsAsync(restore(config, file, { replace: true }), {
        message: /is a link or no plain file/,
      });
      t.false(existsSync(target));
      rmSync(lock);
    }
});

test('a store that another program has open is not replaced', async (t) => {
  const { node } = t.context;
  const file = await backUp(t);
  await node.closeVault();
  const other = await SqliteStore.open(storePath(node));
  await t.throwsAsync(restore(loadConfig(node.config), file, { replace: true }), {
    instanceOf: StoreError,
    message: /another program has the store at .* open/,
  });
  const revision = await other.db.selectFrom('revision').selectAll().executeTakeFirstOrThrow();
  t.true(revision.revision > 0, 'whoever had it open has it still');
  await other.close();
});

test('keys and secrets that the tokens do not have are named, and only whoever knows goes on without', async (t) => {
  const { node } = t.context;
  const file = await backUp(t);
  const foreign = await createSoftHsmToken();
  t.teardown(async () => foreign.dispose());
  const elsewhere = await TestNode.create({ tokens: [{ fixture: foreign }] });
  t.teardown(async () => elsewhere.dispose());
  await elsewhere.closeVault();
  const before = stateOf(elsewhere);
  const check = await commands.run(['--config', elsewhere.config, 'restore', '--check', file]);
  t.is(check.code, 65, check.stderr);
  t.regex(check.stdout, /CloudKey payroll \([^)]+\), version 1: the token has no such key/);
  t.regex(check.stdout, /XKS credential \w+: the sealing key of the token does not open it/);
  t.regex(check.stderr, /the tokens have not all that this backup needs: \d+ missing/);

  const refused = await t.throwsAsync(restore(loadConfig(elsewhere.config), file, { replace: true }), {
    instanceOf: MissingKeysError,
  });
  t.true(refused?.fields.some(({ where, detail }) => where === 'token token' && /payroll/.test(detail)));
  t.deepEqual(stateOf(elsewhere), before);

  const { tokens } = await restore(loadConfig(elsewhere.config), file, {
    replace: true,
    allowMissingKeys: true,
  });
  t.true((tokens[0]?.missing.length ?? 0) > 3);
  t.is((await commands.run(['--config', node.config, 'restore', '--check', file])).code, 0);
});

test('with one HSM of a group away init and restore go on with another, and say so; a group that is not on record needs all', async (t) => {
  const { fixture } = t.context;
  const node = await TestNode.create({ tokens: [{ fixture }] });
  t.teardown(async () => node.dispose());
  await node.makeKeySet('first', { prefix: 'first' });
  await node.makeKey('first', 'payroll');
  const file = await backUp(t, node);
  await node.closeVault();
  const { module, environment } = fixture;
  const away = { SOFTHSM2_CONF: '/nonexistent' };
  const [serial = ''] = serialsOnRecord(node);
  const clone = await cloneSoftHsmToken(fixture, serial);
  t.teardown(async () => clone.dispose());
  const group = [
    { name: 'a', module, environment: away },
    { name: 'b', module, environment },
    { name: 'c', module, environment: clone.environment },
  ];
  writeFileSync(node.config, group.map(memberTable).join(''), { flag: 'a' });
  const isTold = ({ code, stderr }: Run) => {
    t.is(code, 0, stderr);
    t.regex(stderr, /warning: not looked at, since another member .* stands in: token token:a: /);
  };
  isTold(await holdfast(node, 'init'));
  t.is(serialsOnRecord(node).length, 2, 'of each that was opened, whichever stands in');

  const check = await holdfast(node, 'restore', '--check', file);
  t.is(check.code, 0, check.stderr);
  t.regex(check.stdout, /Not asked, since another member of its HSM group stands in: token token:a: /);
  const [token] = (await restore(loadConfig(node.config), file, { replace: true })).tokens;
  t.like(token, { token: 'token', proven: 1, missing: [] });
  t.is(token?.notAsked.length, 1);

  // As the release before has left it.
  const store = storePath(node);
  await undoNewestMigration(store);
  const upgrade = await holdfast(node, 'init');
  isTold(upgrade);
  t.regex(upgrade.stdout, /brought up to date/);

  rmSync(store);
  rmSync(path.dirname(store), { recursive: true });
  mkdirSync(path.dirname(store), { mode: 0o700 });
  const first = await holdfast(node, 'init');
  t.not(first.code, 0);
  t.regex(first.stderr, /token token:a: .*every member of an HSM group is needed until the store has/s);
  t.false(existsSync(store));
  // The HSM that is there by two names, which the configuration does not show.
  const text = readFileSync(node.config, 'utf8');
  writeFileSync(
    node.config,
    text.replace(
      'SOFTHSM2_CONF = "/nonexistent"',
      `SOFTHSM2_CONF = "${environment['SOFTHSM2_CONF']}", TWIN = "1"`,
    ),
  );
  const twins = await holdfast(node, 'init');
  t.not(twins.code, 0);
  t.regex(twins.stderr, /token token:b: its serial number \w+ is that of member token:a too/);
});

/** Of HSMs whose sealing key is on record. */
function serialsOnRecord(node: TestNode): string[] {
  const store = new Database(storePath(node), { readonly: true });
  try {
    const serials = store.prepare('SELECT serial FROM own_key_proofs WHERE label = ?').pluck();
    return serials.all(ownKeys.sealing.label) as string[];
  } finally {
    store.close();
  }
}

for (const [condition, steps] of [
  ['whole', ['built', 'told', 'kept', 'placed']],
  ['damaged', ['moved', 'moved-wal', 'placed']],
] as const)
  test(`killed at any step over a ${condition} store: the old one or the new one, and then it can be done again`, async (t) => {
    const { fixture } = t.context;
    const node = await TestNode.create({ tokens: [{ fixture }], init: false });
    t.teardown(async () => node.dispose());
    const file = storePath(node);
    mkdirSync(path.dirname(file), { mode: 0o700 });
    await (await SqliteStore.init(file)).close();
    const backup = await backUp(t, node);
    for (const step of steps) {
      await makeOld(file, condition);
      const driver = path.join(import.meta.dirname, 'restore-driver.ts');
      const { signal } = await ended(nodeCommand(driver, node.config, backup, step));
      t.is(signal, 'SIGKILL', step);
      const found = await whichStore(file);
      t.is(found, expected[condition](step), step);
      const { replaced } = await restore(loadConfig(node.config), backup, { replace: true });
      t.is(await whichStore(file), 'new');
      if (found === 'old') t.is(await whichStore(replaced?.keptAs ?? ''), 'old');
      t.deepEqual(besides(file), [], 'nothing is left that SQLite would play into it');
    }
  });

const expected = {
  whole: (step: string) => (step === 'placed' ? 'new' : 'old'),
  // A damaged one is moved away whole, with its log: until the new one is there, there is none, and no node starts.
  damaged: (step: string) => (step === 'placed' ? 'new' : 'gone'),
};

/** The old store, with a mark that the backup has not; damaged, with the log of a node that was killed. */
async function makeOld(file: string, condition: 'whole' | 'damaged'): Promise<void> {
  for (const name of readdirSync(path.dirname(file)).filter((one) => one.startsWith('holdfast.db')))
    rmSync(path.join(path.dirname(file), name));
  const store = await SqliteStore.init(file);
  await insertVault(store, 'old');
  if (condition === 'damaged') {
    const log = readFileSync(`${file}-wal`);
    await store.close();
    writeFileSync(`${file}-wal`, log);
    writeFileSync(`${file}-shm`, '');
    writeFileSync(file, Buffer.alloc(4096, 'x'));
  } else await store.close();
}

async function whichStore(file: string): Promise<'old' | 'new' | 'gone'> {
  try {
    const store = await SqliteStore.open(file);
    const old = await store.db.selectFrom('vaults').select('id').where('name', '=', 'old').execute();
    await store.close();
    return old.length === 1 ? 'old' : 'new';
  } catch (error) {
    if (error instanceof StoreError && error.fault === 'gone') return 'gone';
    throw error;
  }
}

function besides(file: string): string[] {
  return ['-wal', '-shm', '-journal', '-restoring'].filter((end) => existsSync(`${file}${end}`));
}

async function ended([command, ...words]: [string, ...string[]]): Promise<{ signal: string | null }> {
  const child = spawn(command, words, { stdio: 'inherit' });
  const [, signal] = (await once(child, 'exit')) as [number | null, string | null];
  return { signal };
}
