import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import test from 'ava';
import Database from 'better-sqlite3';
import type { LoadedConfig } from '../../src/config/load.ts';
import { takeNodeLocks } from '../../src/cli/node/node-locks.ts';
import { StoreError } from '../../src/store/store-error.ts';
import { syncToDisk } from '../../src/store/sqlite/sync-to-disk.ts';
import { memoryDirectory } from '../../testing/memory-directory.ts';

/* Who has a node's directories is told to whoever finds them taken, with what is to be done about that. */

for (const [command, named, remediation] of [
  ['serve', /in use already: holdfast serve, process \d+ on .+, has it since/, /^end that node first, or/],
  [
    'restore',
    /in use already: holdfast restore, process \d+ on .+, has it since/,
    /^wait until that restore/,
  ],
] as const)
  test(`what holdfast ${command} has is refused to any other command, which names it`, (t) => {
    const directory = mkdtempSync(path.join(memoryDirectory(), 'holdfast-locks-'));
    t.teardown(() => rmSync(directory, { recursive: true, force: true }));
    const config = {
      file: '/etc/holdfast/holdfast.toml',
      node: { state_directory: directory },
      store: { kind: 'sqlite', path: path.join(directory, 'holdfast.db') },
    } as LoadedConfig;
    // As a release before this one has left it.
    const before = new Database(path.join(directory, 'serve.lock'));
    before.exec('CREATE TABLE holder (pid INTEGER, hostname TEXT, config TEXT, since TEXT)');
    before.close();
    const release = takeNodeLocks(config, command);
    for (const other of ['serve', 'restore'] as const) {
      const error = t.throws(() => takeNodeLocks(config, other), { instanceOf: StoreError, message: named });
      t.is(error?.fault, 'locked');
      t.regex(error?.remediation ?? '', remediation);
    }
    release();
    takeNodeLocks(config, 'serve')();
  });

test('what a node of an earlier release has is told as a node’s', (t) => {
  const directory = mkdtempSync(path.join(memoryDirectory(), 'holdfast-locks-'));
  const older = new Database(path.join(directory, 'serve.lock'));
  t.teardown(() => {
    older.close();
    rmSync(directory, { recursive: true, force: true });
  });
  older.exec('CREATE TABLE holder (pid INTEGER, hostname TEXT, config TEXT, since TEXT)');
  older.exec("INSERT INTO holder VALUES (7, 'keys-1', '/etc/holdfast.toml', '2026-01-01T00:00:00.000Z')");
  older.exec('BEGIN IMMEDIATE');
  const config = {
    file: '/etc/holdfast/holdfast.toml',
    node: { state_directory: directory },
    store: { kind: 'sqlite', path: path.join(directory, 'holdfast.db') },
  } as LoadedConfig;
  t.throws(() => takeNodeLocks(config, 'serve'), {
    instanceOf: StoreError,
    message: /in use already: holdfast serve, process 7 on keys-1, has it since/,
  });
});

test('what cannot be brought to the disk is told, and leaves nothing open', (t) => {
  const open = () => readdirSync('/proc/self/fd').length;
  const before = open();
  // The kernel has nothing there that it could write to a disk (fsync(2), EINVAL).
  for (let times = 0; times < 5; times++) t.throws(() => syncToDisk('/dev/null'), { code: 'EINVAL' });
  t.is(open(), before);
  t.notThrows(() => syncToDisk(memoryDirectory()));
});

test('a node that holdfast init has not been run on is told so, and what to do', (t) => {
  const directory = mkdtempSync(path.join(memoryDirectory(), 'holdfast-locks-'));
  t.teardown(() => rmSync(directory, { recursive: true, force: true }));
  const state = path.join(directory, 'never', 'made');
  const config = {
    file: '/etc/holdfast/holdfast.toml',
    node: { state_directory: state },
    store: { kind: 'postgres' },
  } as LoadedConfig;
  const error = t.throws(() => takeNodeLocks(config, 'serve'), {
    instanceOf: StoreError,
    message: `the state directory ${state} is not there: there is no directory ${state}`,
  });
  t.is(error?.fault, 'missing');
  t.regex(error?.remediation ?? '', /^run holdfast init on this machine/);
  t.deepEqual(readdirSync(directory), []);
});
