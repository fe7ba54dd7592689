import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import test from 'ava';
import { assertNotRefused, knownPins, PinRefusedBeforeError } from '../../src/cli/node/refused-pins.ts';
import type { LoadedConfig, LoadedMember } from '../../src/config/load.ts';
import { Secret } from '../../src/secret.ts';
import { memoryDirectory } from '../../testing/memory-directory.ts';

test('a refused PIN is remembered whole or not at all, and an empty mark keeps no node down', async (t) => {
  const directory = await mkdtemp(path.join(memoryDirectory(), 'holdfast-refused-'));
  t.teardown(async () => rm(directory, { recursive: true }));
  const config = { node: { state_directory: directory } } as LoadedConfig;
  const token = { title: 'primary' } as LoadedMember;
  const mark = path.join(directory, 'refused-pin.primary');
  for (const broken of ['', '{', '{}', 'null', '[]']) {
    await writeFile(mark, broken, { mode: 0o600 });
    await t.notThrowsAsync(async () => assertNotRefused(config, token, new Secret('0000')), broken);
  }
  await knownPins(config, 'primary').refused(new Secret('0000'));
  t.deepEqual(await readdir(directory), ['refused-pin.primary'], 'nothing is left beside it');
  await t.throwsAsync(assertNotRefused(config, token, new Secret('0000')), {
    instanceOf: PinRefusedBeforeError,
  });
  await t.notThrowsAsync(async () => assertNotRefused(config, token, new Secret('1111')));
});

test('a PIN that the token has taken is known over restarts, and cannot be found by what is kept', async (t) => {
  const directory = await mkdtemp(path.join(memoryDirectory(), 'holdfast-proven-'));
  t.teardown(async () => rm(directory, { recursive: true }));
  const config = { node: { state_directory: path.join(directory, 'state') } } as LoadedConfig;
  const mark = path.join(directory, 'state', 'proven-pin.primary');
  const right = new Secret('12345678');
  // One byte is kept: another PIN may happen to have it too.
  const others = ['23456789', '34567890', '45678901'].map((pin) => new Secret(pin));
  const standings = async () =>
    new Set(await Promise.all(others.map(async (pin) => knownPins(config, 'primary').standing(pin))));

  t.is(await knownPins(config, 'primary').standing(right), 'unproven');
  const known = knownPins(config, 'primary');
  await known.accepted(right);
  t.is(await known.standing(right), 'proven');
  t.is(await knownPins(config, 'primary').standing(right), 'proven', 'in another life');
  t.true((await standings()).has('replaced'), 'the PIN was changed: a wrong try may be one with the old one');
  t.is((await stat(mark)).mode & 0o777, 0o600);
  const { hash } = JSON.parse(await readFile(mark, 'utf8')) as { hash: string };
  t.is(Buffer.from(hash, 'base64').length, 1);

  await rm(mark);
  t.is(await knownPins(config, 'primary').standing(right), 'unproven');
  await knownPins(config, 'primary').refused(new Secret('wrong'));
  t.is(
    await knownPins(config, 'primary').standing(right),
    'replaced',
    'this node knows where the wrong try came from',
  );
  const other = knownPins(config, 'primary');
  await other.refused(new Secret('wrong'));
  await rm(path.join(directory, 'state', 'refused-pin.primary'));
  t.is(await other.standing(right), 'replaced', 'in this life too');
  await writeFile(mark, '');
  t.is(
    await knownPins(config, 'primary').standing(right),
    'replaced',
    'a mark that says nothing proves nothing',
  );
  // As one that is root's alone: it cannot be read, and the node starts.
  await rm(mark);
  await mkdir(mark);
  const started = knownPins(config, 'primary');
  t.is(await started.standing(right), 'replaced', 'a mark that cannot be read proves nothing');
  await t.notThrowsAsync(async () => started.accepted(right));
  t.is(await started.standing(right), 'proven');
});

test('a PIN that the token refuses while the node runs is remembered over restarts, and proven no more', async (t) => {
  const directory = await mkdtemp(path.join(memoryDirectory(), 'holdfast-refused-'));
  t.teardown(async () => rm(directory, { recursive: true }));
  const config = { node: { state_directory: directory } } as LoadedConfig;
  const [primary, second] = ['primary', 'second'].map((name) => ({ title: name }) as LoadedMember);
  const [old, changed] = [new Secret('12345678'), new Secret('87654321')];
  const known = knownPins(config, 'primary');
  await known.accepted(old);
  await known.refused(old);
  t.is(await known.standing(old), 'replaced');
  t.is(await knownPins(config, 'primary').standing(old), 'replaced', 'in another life too');
  t.deepEqual(await readdir(directory), ['refused-pin.primary']);
  if (primary === undefined || second === undefined) return t.fail();
  await t.throwsAsync(assertNotRefused(config, primary, old), { instanceOf: PinRefusedBeforeError });
  await t.notThrowsAsync(async () => assertNotRefused(config, primary, changed));
  await t.notThrowsAsync(async () => assertNotRefused(config, second, old), 'each token of its own');

  await known.accepted(changed);
  t.deepEqual(await readdir(directory), ['proven-pin.primary'], 'the token has taken one since');
  // One byte is kept, which one PIN in 256 has too: of another salt it has not.
  while ((await knownPins(config, 'primary').standing(old)) === 'proven') {
    await rm(path.join(directory, 'proven-pin.primary'));
    await knownPins(config, 'primary').accepted(changed);
  }
  await known.refused(old);
  t.is(
    await knownPins(config, 'primary').standing(changed),
    'proven',
    'that another is refused proves nothing of it',
  );

  // Of several hosts at once: what the token said last.
  await Promise.all([known.refused(changed), known.accepted(changed)]);
  t.deepEqual(await readdir(directory), ['proven-pin.primary']);
  await Promise.all([known.accepted(changed), known.refused(changed)]);
  t.deepEqual(await readdir(directory), ['refused-pin.primary']);
});

test('PINs are hashed beside the event loop, and the one in use once in the life of a process', async (t) => {
  const directory = await mkdtemp(path.join(memoryDirectory(), 'holdfast-proven-'));
  t.teardown(async () => rm(directory, { recursive: true }));
  const config = { node: { state_directory: directory } } as LoadedConfig;
  const pin = new Secret('12345678');
  const meanwhile = async (work: Promise<unknown>) =>
    Promise.race([work.then(() => 'nothing else'), nextTurn('other work')]);

  const accepted = knownPins(config, 'primary').accepted(pin);
  t.is(await meanwhile(accepted), 'other work');
  await accepted;
  const known = knownPins(config, 'primary');
  const first = known.standing(pin);
  t.is(await meanwhile(first), 'other work');
  t.is(await first, 'proven');
  await rm(path.join(directory, 'proven-pin.primary'));
  t.is(await known.standing(pin), 'proven');
  await known.accepted(pin);
  t.deepEqual(await readdir(directory), [], 'neither hashed nor written again');

  const refused = known.refused(pin);
  t.is(await meanwhile(refused), 'other work');
  await refused;
  const checked = assertNotRefused(config, { title: 'primary' }, pin);
  t.is(await meanwhile(checked.catch(() => undefined)), 'other work');
  await t.throwsAsync(checked, { instanceOf: PinRefusedBeforeError });
});
