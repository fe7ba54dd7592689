import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import test from 'ava';
import { knownPins, PinRefusedBeforeError } from '../../src/cli/node/refused-pins.ts';
import { refusedPins } from '../../src/cli/node/unfit-pins.ts';
import type { LoadedConfig } from '../../src/config/load.ts';
import { ConfigError } from '../../src/config/problem.ts';
import { Secret } from '../../src/secret.ts';
import { memoryDirectory } from '../../testing/memory-directory.ts';
import { KeptLog } from '../vault/stage.ts';

test('a PIN that is missing or refused for one HSM of a group is told, and keeps no node from starting that has another', async (t) => {
  const directory = await mkdtemp(path.join(memoryDirectory(), 'holdfast-unfit-'));
  t.teardown(async () => rm(directory, { recursive: true }));
  const file = (name: string) => path.join(directory, `${name}.pin`);
  const members = ['a', 'b', 'c'].map((name) => ({
    token: 'group',
    name,
    title: `group:${name}`,
    pin: { file: file(name) },
  }));
  const config = {
    node: { state_directory: directory },
    tokens: [{ name: 'group', members }],
  } as unknown as LoadedConfig;
  // The first is missing, the second refused, the third right.
  for (const name of ['b', 'c']) await writeFile(file(name), '12345678\n', { mode: 0o600 });
  await knownPins(config, 'group:b').refused(new Secret('12345678'));
  const kept = new KeptLog();
  t.deepEqual(await refusedPins(config, kept.log), new Set(['group:b']));
  const missing = await kept.until(({ message }) => message.includes('a.pin'));
  t.regex(missing.message, /cannot be read \(ENOENT\); put the PIN of this member in place/);
  await kept.until(({ message }) => message.includes('group:b has refused this PIN before'));

  await rm(file('c'));
  await t.throwsAsync(refusedPins(config, kept.log), { instanceOf: ConfigError, message: /c\.pin/ });
  await writeFile(file('c'), '12345678\n', { mode: 0o600 });
  await knownPins(config, 'group:c').refused(new Secret('12345678'));
  await t.throwsAsync(refusedPins(config, kept.log), { instanceOf: PinRefusedBeforeError });
});
