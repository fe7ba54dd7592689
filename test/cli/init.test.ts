import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import test from 'ava';
import { init } from '../../src/cli/node/init.ts';
import { TokenStartError } from '../../src/cli/node/open-node.ts';
import { knownPins, PinRefusedBeforeError } from '../../src/cli/node/refused-pins.ts';
import { loadConfig } from '../../src/config/load.ts';
import { Secret } from '../../src/secret.ts';
import { memberTable } from '../../testing/member-table.ts';
import { makeStoreOfStep1 } from '../support/older-store.ts';
import { writeNodeFiles } from '../../testing/node-files.ts';
import { Shim } from '../../testing/shim.ts';
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

test('a PIN that one HSM of a group has refused is tried on no other that is not known to take it', async (t) => {
  const fixture = await createSoftHsmToken();
  t.teardown(async () => fixture.dispose());
  const { directory, config } = await writeNodeFiles({ tokens: [{ fixture }] });
  t.teardown(() => rmSync(directory, { recursive: true }));
  const shims = [await Shim.create(fixture.module), await Shim.create(fixture.module)];
  t.teardown(async () => Promise.all(shims.map(async (shim) => shim.dispose())));
  const members = shims.map(({ module, environment }, n) => {
    const variables = { ...fixture.environment, ...environment };
    return memberTable({ name: 'ab'.charAt(n), module, environment: variables });
  });
  const group = path.join(directory, 'group.toml');
  writeFileSync(group, readFileSync(config, 'utf8') + members.join(''), { mode: 0o600 });
  const wrong = `x${fixture.pin}`;
  const again = async () => init(loadConfig(group), { username: 'admin' });
  const triesOfEach = async () =>
    Promise.all(shims.map(async (shim) => (await shim.counts())['C_Login'] ?? 0));
  /** What is told, and how often each HSM has been asked since the beginning. */
  const refusal = async () => {
    const error = await t.throwsAsync(again, { instanceOf: TokenStartError });
    t.true(error?.pinRefused);
    t.regex(error?.message ?? '', /; it was not tried on token:b, where it would cost a try too$/);
    return { words: `${error?.message}; ${error?.remediation}`, tries: await triesOfEach() };
  };

  const alone = async () => {
    writeFileSync(fixture.pinFile, fixture.pin);
    t.is((await runCommand(['--config', config, 'init'])).code, 0);
    writeFileSync(fixture.pinFile, wrong);
  };

  // It is on record, so that any member would do.
  await alone();
  const refused = await refusal();
  t.regex(refused.words, /^token token:a: the token refused the PIN /);
  t.regex(
    refused.words,
    /; if the others have that PIN, state the one of token:a as pin in its \[\[token\.member/,
  );
  t.deepEqual(refused.tries, [1, 0]);
  const repeated = await refusal();
  t.regex(repeated.words, /^token token:a: this PIN was refused before; /);
  t.deepEqual(repeated.tries, [1, 0], 'nor does the next run cost the next one a try');

  // As where the PIN of the first was changed alone.
  await knownPins(loadConfig(group), 'token:b').accepted(new Secret(wrong));
  await t.throwsAsync(again, { instanceOf: PinRefusedBeforeError });
  t.deepEqual(await triesOfEach(), [1, 1]);

  // As where the first was away when another refused it. The right PIN gives SoftHSM's tries back.
  await alone();
  const loaded = loadConfig(group);
  rmSync(path.join(loaded.node.state_directory, 'refused-pin.token:a'), { force: true });
  await knownPins(loaded, 'token:b').refused(new Secret(wrong));
  await t.throwsAsync(again);
  t.deepEqual(await triesOfEach(), [1, 1], 'what one that is asked later has refused is tried on none');

  // Where it is not on record every member is needed.
  await alone();
  rmSync(path.dirname(loadConfig(group).storePath), { recursive: true });
  const first = await refusal();
  t.regex(
    first.words,
    /^token token:a: the token refused the PIN .*; every member of an HSM group is needed/,
  );
  t.deepEqual(first.tries, [2, 1]);
});
