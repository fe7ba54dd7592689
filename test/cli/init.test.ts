import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import test from 'ava';
import { makeStoreOfStep1 } from '../support/older-store.ts';
import { writeNodeFiles } from '../../testing/node-files.ts';
import { createSoftHsmToken } from '../../testing/tokens.ts';
import { runCommand } from './command-line.ts';

test('an older store that comes without its state directory is brought up to date, and that is said', async (t) => {
  const fixture = await createSoftHsmToken();
  t.teardown(async () => fixture.dispose());
  const { directory, config } = await writeNodeFiles({ tokens: [{ fixture }] });
  t.teardown(() => rmSync(directory, { recursive: true }));
  // As on a machine that took over a disk with the store, and nothing else.
  const kept = path.join(directory, 'kept');
  mkdirSync(kept, { mode: 0o700 });
  const store = path.join(kept, 'holdfast.db');
  await makeStoreOfStep1(store);
  writeFileSync(config, '\n\n[store]\nkind = "sqlite"\npath = "kept/holdfast.db"\n', { flag: 'a' });
  t.false(existsSync(path.join(directory, 'state')));

  const first = await runCommand(['--config', config, 'init']);
  t.is(first.code, 0, first.stderr);
  t.true(
    first.stdout.includes(
      `store ${store}: brought up to date; the release that it was of does not open it any more\n`,
    ),
    first.stdout,
  );
  const second = await runCommand(['--config', config, 'init']);
  t.is(second.code, 0, second.stderr);
  t.true(second.stdout.includes(`store ${store}: up to date\n`), second.stdout);
});
