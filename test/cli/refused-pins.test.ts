import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import test from 'ava';
import { assertNotRefused, PinRefusedBeforeError, rememberRefusal } from '../../src/cli/refused-pins.ts';
import type { LoadedConfig, LoadedToken } from '../../src/config/load.ts';
import { Secret } from '../../src/secret.ts';
import { memoryDirectory } from '../support/memory-directory.ts';

test('a refused PIN is remembered whole or not at all, and an empty mark keeps no node down', async (t) => {
  const directory = await mkdtemp(path.join(memoryDirectory(), 'holdfast-refused-'));
  t.teardown(async () => rm(directory, { recursive: true }));
  const config = { node: { state_directory: directory } } as LoadedConfig;
  const token = { name: 'primary' } as LoadedToken;
  const mark = path.join(directory, 'refused-pin.primary');
  for (const broken of ['', '{', '{}', 'null', '[]']) {
    await writeFile(mark, broken, { mode: 0o600 });
    t.notThrows(() => assertNotRefused(config, token, new Secret('0000')), broken);
  }
  rememberRefusal(config, 'primary', new Secret('0000'));
  t.deepEqual(await readdir(directory), ['refused-pin.primary'], 'nothing is left beside it');
  t.throws(() => assertNotRefused(config, token, new Secret('0000')), { instanceOf: PinRefusedBeforeError });
  t.notThrows(() => assertNotRefused(config, token, new Secret('1111')));
});
