import { existsSync, lstatSync, readFileSync, readdirSync, statSync } from 'node:fs';
import test from 'ava';
import { slotDaemon } from '../../testing/tokens-opencryptoki.ts';
import { createOpencryptokiToken, tokenKinds } from '../../testing/tokens.ts';

for (const { profile, create } of tokenKinds) {
  test.serial(`a ${profile} fixture is made twice, apart, and disposes of its directory`, async (t) => {
    const seen = new Set<string>();
    for (const pin of ['4711', undefined]) {
      const token = await create(pin === undefined ? {} : { pin });
      try {
        t.is(token.profile, profile);
        t.is(statSync(token.directory).mode & 0o777, 0o700);
        t.is(statSync(token.pinFile).mode & 0o777, 0o600);
        t.is(readFileSync(token.pinFile, 'utf8'), token.pin);
        if (pin !== undefined) t.is(token.pin, pin);
        t.true(existsSync(token.module));
        seen.add(token.label).add(token.directory);
      } finally {
        await token.dispose();
      }
      t.false(existsSync(token.directory));
      await t.notThrowsAsync(token.dispose(), 'dispose may be called twice');
    }
    t.is(seen.size, 4);
  });
}

test.serial('two softhsm2 and two nss-softokn fixtures stand side by side', async (t) => {
  const kinds = tokenKinds.filter(({ profile }) => profile !== 'opencryptoki');
  const tokens = await Promise.all([...kinds, ...kinds].map(({ create }) => create()));
  await Promise.all(tokens.map((token) => token.dispose()));
  t.is(new Set(tokens.map(({ directory }) => directory)).size, 4);
});

test.serial(
  'the opencryptoki fixture leaves the daemon, the store and shared memory as they were',
  async (t) => {
    const look = async () => ({
      daemon: await slotDaemon(),
      store: lstatSync('/var/lib/opencryptoki/swtok').isDirectory(),
      kept: existsSync('/var/lib/opencryptoki/swtok.kept-by-holdfast-tests'),
    });
    const before = await look();
    const token = await createOpencryptokiToken();
    t.not(await slotDaemon(), undefined);
    await token.dispose();
    t.deepEqual(await look(), before);
    t.deepEqual(
      readdirSync('/dev/shm').filter((name) => name === 'var.lib.opencryptoki.swtok'),
      [],
    );
  },
);

test.serial('an opencryptoki fixture that cannot be made stops the daemon again', async (t) => {
  const before = await slotDaemon();
  const error = await t.throwsAsync(createOpencryptokiToken({ pin: 'longer than eight' }));
  t.regex(error.message, /CKR_PIN_LEN_RANGE/);
  t.is(await slotDaemon(), before);
});
