import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import test from 'ava';
import {
  assertNotRefused,
  forgetRefusal,
  knownPins,
  PinRefusedBeforeError,
  rememberRefusal,
} from '../../src/cli/refused-pins.ts';
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

test('a PIN that the token has taken is known over restarts, and cannot be found by what is kept', async (t) => {
  const directory = await mkdtemp(path.join(memoryDirectory(), 'holdfast-proven-'));
  t.teardown(async () => rm(directory, { recursive: true }));
  const config = { node: { state_directory: path.join(directory, 'state') } } as LoadedConfig;
  const mark = path.join(directory, 'state', 'proven-pin.primary');
  const right = new Secret('12345678');
  // One byte is kept: another PIN may happen to have it too.
  const others = ['23456789', '34567890', '45678901'].map((pin) => new Secret(pin));
  const standings = () => new Set(others.map((pin) => knownPins(config, 'primary').standing(pin)));

  t.is(knownPins(config, 'primary').standing(right), 'unproven');
  const known = knownPins(config, 'primary');
  known.accepted(right);
  t.is(known.standing(right), 'proven');
  t.is(knownPins(config, 'primary').standing(right), 'proven', 'in another life');
  t.true(standings().has('replaced'), 'the PIN was changed: a wrong try may be one with the old one');
  t.is((await stat(mark)).mode & 0o777, 0o600);
  const { hash } = JSON.parse(await readFile(mark, 'utf8')) as { hash: string };
  t.is(Buffer.from(hash, 'base64').length, 1);

  await rm(mark);
  t.is(knownPins(config, 'primary').standing(right), 'unproven');
  rememberRefusal(config, 'primary', new Secret('wrong'));
  t.is(
    knownPins(config, 'primary').standing(right),
    'replaced',
    'this node knows where the wrong try came from',
  );
  forgetRefusal(config, 'primary');
  const other = knownPins(config, 'primary');
  other.refused(new Secret('wrong'));
  t.is(other.standing(right), 'replaced', 'in this life too');
  await writeFile(mark, '');
  t.is(knownPins(config, 'primary').standing(right), 'replaced', 'a mark that says nothing proves nothing');
  // As one that is root's alone: it cannot be read, and the node starts.
  await rm(mark);
  await mkdir(mark);
  const started = knownPins(config, 'primary');
  t.is(started.standing(right), 'replaced', 'a mark that cannot be read proves nothing');
  t.notThrows(() => started.accepted(right));
  t.is(started.standing(right), 'proven');
});
