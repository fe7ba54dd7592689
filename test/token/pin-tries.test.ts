import { setTimeout as delay } from 'node:timers/promises';
import pkcs11js from 'pkcs11js';
import test from 'ava';
import { Secret } from '../../src/secret.ts';
import type { KnownPins } from '../../src/token/keeper/host-life.ts';
import type { PinStanding } from '../../src/token/host/pin-state.ts';
import { OpenPool } from './open-pool.ts';
import { preparedToken } from './prepared-token.ts';

const state = preparedToken();

async function logins(): Promise<number> {
  return (await state.shim.counts())['C_Login'] ?? 0;
}

const setUp = (standing: PinStanding, events: string[] = []) => ({
  shim: state.shim,
  prepare: false,
  fetchAhead: false,
  limits: { healthInterval: 600_000 },
  pins: {
    standing: async () => Promise.resolve(standing),
    accepted: async () => Promise.resolve(void events.push('accepted')),
    refused: async () => Promise.resolve(void events.push('refused')),
  } satisfies KnownPins,
});

const { CKF_USER_PIN_COUNT_LOW, CKF_USER_PIN_FINAL_TRY, CKF_USER_PIN_LOCKED } = pkcs11js;

for (const [name, flag, standing, remediation] of [
  [
    'CKF_USER_PIN_FINAL_TRY',
    CKF_USER_PIN_FINAL_TRY,
    'unproven',
    /token probe .* --serial [0-9a-f]{16} --force/,
  ],
  ['CKF_USER_PIN_FINAL_TRY', CKF_USER_PIN_FINAL_TRY, 'replaced', /token probe .* --force/],
  ['CKF_USER_PIN_COUNT_LOW', CKF_USER_PIN_COUNT_LOW, 'unproven', /token probe .* --force/],
  ['CKF_USER_PIN_LOCKED', CKF_USER_PIN_LOCKED, 'proven', /security officer unlock it/],
] as const)
  test.serial(
    `${name}, and a PIN that is ${standing}: it is kept back, and tried once the token says otherwise`,
    async (t) => {
      await state.shim.set([{ call: 'C_GetTokenInfo', setFlags: flag }]);
      const before = await logins();
      const open = new OpenPool(state.fixture, setUp(standing));
      t.teardown(async () => open.stop());
      open.startAll();
      const failure = await open.failure();
      t.true(failure.problem.includes(name), failure.problem);
      t.regex(failure.remediation, remediation);
      t.false(failure.final, 'no PIN was refused');
      t.is(await logins(), before);
      await state.shim.clear();
      await open.allReady();
      t.is(await logins(), before + 1);
    },
  );

for (const [name, flag, standing] of [
  ['CKF_USER_PIN_FINAL_TRY', CKF_USER_PIN_FINAL_TRY, 'proven'],
  ['CKF_USER_PIN_COUNT_LOW', CKF_USER_PIN_COUNT_LOW, 'replaced'],
] as const)
  test.serial(`${name}, and a PIN that is ${standing}: it is tried`, async (t) => {
    await state.shim.set([{ call: 'C_GetTokenInfo', setFlags: flag }]);
    const events: string[] = [];
    const open = await OpenPool.start(t, state.fixture, setUp(standing, events));
    await open.call({ kind: 'health' });
    t.deepEqual(events, ['accepted']);
  });

test.serial(
  'a login that is lost where the tries have run out ends the host, and the next one says why',
  async (t) => {
    const open = await OpenPool.start(t, state.fixture, setUp('unproven'));
    const before = await logins();
    await state.shim.set([
      { call: 'C_GetTokenInfo', setFlags: CKF_USER_PIN_FINAL_TRY },
      { call: 'C_EncryptInit', rv: 0x101, times: 1 },
    ]);
    await t.throwsAsync(open.call({ kind: 'health' }), { message: /CKF_USER_PIN_FINAL_TRY/ });
    t.regex((await open.failure()).problem, /CKF_USER_PIN_FINAL_TRY/);
    t.is(await logins(), before);
  },
);

// Last: the token then says CKF_USER_PIN_COUNT_LOW by itself.
test.serial(
  'a refused PIN is remembered, the one that was given, before anybody else has a turn or is told of it',
  async (t) => {
    const given = ['wrong-1', 'wrong-2'];
    const kept = Promise.withResolvers<void>();
    const asked = Promise.withResolvers<string>();
    const set = setUp('replaced');
    const open = new OpenPool(state.fixture, {
      ...set,
      hosts: 2,
      // Read once more, it would be another by now.
      pin: async () => Promise.resolve(new Secret(given.shift() ?? 'wrong-3')),
      pins: {
        ...set.pins,
        refused: async (pin) => {
          asked.resolve(pin.reveal());
          return kept.promise;
        },
      },
    });
    t.teardown(async () => open.stop());
    open.startAll();
    t.is(await asked.promise, 'wrong-1');
    t.deepEqual([open.gate.refused, open.events], [false, []], 'not before it is kept');
    kept.reject(Object.assign(new Error('write'), { code: 'ENOSPC', errno: -28 }));
    const { problem, final } = await open.failure();
    t.is(
      problem,
      'the token refused the PIN (CKR_PIN_INCORRECT) (which could not be remembered: no space is left on the device (ENOSPC))',
    );
    t.true(final && open.gate.refused);
  },
);

test.serial(
  'a host that is stopped at its login is heard: a refusal that nobody remembers is tried again',
  async (t) => {
    await state.shim.set([{ call: 'C_Login', delayMicroseconds: 300_000 }]);
    const events: string[] = [];
    // One that gets no core for two seconds is killed at its end: that does not come three times in a row.
    for (let tries = 3; tries > 0 && events.length === 0; tries--) {
      const open = new OpenPool(state.fixture, {
        ...setUp('replaced', events),
        pin: async () => Promise.resolve(new Secret('wrong')),
      });
      const before = await logins();
      open.startAll();
      while ((await logins()) === before) await delay(20);
      await open.stop();
    }
    t.deepEqual(events, ['refused']);
  },
);
