import { chmodSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import test from 'ava';
import { loadConfig } from '../../src/config/load.ts';
import { TestNode } from '../../testing/test-node.ts';
import { createSoftHsmToken } from '../../testing/tokens.ts';
import { PageTyping, scriptOf } from '../docs/typing.ts';

/* docs/backup.md, typed. */

const root = path.resolve(import.meta.dirname, '../..');

const page = new PageTyping(import.meta.url, 'docs/backup.md');

test('the page on backups does what it says, typed from its first line to its last', async (t) => {
  const fixture = await createSoftHsmToken();
  const node = await TestNode.create({ tokens: [{ fixture }] });
  t.teardown(async () => {
    await node.dispose();
    await fixture.dispose();
  });
  await node.makeKeySet('payments', { prefix: 'payments' });
  await node.makeKey('payments', 'payroll');
  await node.closeVault();

  const place = (name: string) => path.join(node.directory, name);
  const bin = place('bin');
  mkdirSync(bin);
  const program = (name: string, script: string) => {
    writeFileSync(path.join(bin, name), `#!/bin/sh\n${script}\n`);
    chmodSync(path.join(bin, name), 0o755);
  };
  // What a machine has that a test has not: a service manager, another user, an encryption.
  program('sudo', '[ "$1" = -u ] && shift 2; exec "$@"');
  program('systemctl', `echo "$@" >> ${place('systemctl')}`);
  program('age', 'exec cat');
  program('holdfast', `exec ${root}/bin/holdfast --config ${node.config} "$@"`);
  program('holdfast-on-node', `exec ${bin}/holdfast "$@"`);
  const script = scriptOf(page.blocks, {
    put: [
      ['-o holdfast -g holdfast ', ''],
      ['/var/backups', place('backups')],
      ['/opt/holdfast/packaging', path.join(root, 'packaging')],
      ['/etc/systemd/system/', `${place('units')}/`],
    ],
  });
  mkdirSync(place('backups'));
  mkdirSync(place('units'));

  const child = spawn('bash', ['-euo', 'pipefail', '-c', `cd ${node.directory}\n${script}`], {
    env: { ...process.env, PATH: `${bin}:${process.env['PATH']}` },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let printed = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
      printed += text;
    });
  const [code] = (await once(child, 'close')) as [number | null];
  t.is(code, 0, printed);
  t.deepEqual(page.untyped(printed), []);
  t.regex(printed, /Token token: has the key of 1 version, and opens 1 secret$/m);
  t.regex(printed, /It is in place\./);
  t.regex(readFileSync(place('holdfast.backup.age'), 'utf8'), /^\{"format":"holdfast-backup"/);
  t.deepEqual(readdirSync(place('units')).toSorted(), ['holdfast-backup.service', 'holdfast-backup.timer']);
  t.deepEqual(readFileSync(place('systemctl'), 'utf8').trim().split('\n'), [
    'daemon-reload',
    'enable --now holdfast-backup.timer',
    'stop holdfast',
    'start holdfast',
  ]);
  const state = path.dirname(loadConfig(node.config).storePath);
  t.is(readdirSync(state).filter((name) => name.includes('-replaced-')).length, 1);
});

test('the unit makes backups where the page looks for them', (t) => {
  const unit = readFileSync(path.join(root, 'packaging/holdfast-backup.service'), 'utf8');
  t.regex(unit, /^ExecStart=\/opt\/holdfast\/bin\/holdfast backup --file \/var\/backups\/holdfast$/m);
  t.true(page.blocks.some(({ text }) => text.endsWith('/var/backups/holdfast')));
});
