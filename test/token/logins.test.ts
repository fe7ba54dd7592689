import { randomBytes } from 'node:crypto';
import { execFile } from 'node:child_process';
import { rename, writeFile, readFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import test from 'ava';
import { nodeFlags } from '../../src/node-process.ts';
import { pinOf } from '../../src/cli/node/open-node.ts';
import { Secret } from '../../src/secret.ts';
import { CKR, ckrName } from '../../src/token/faults.ts';
import { changePin } from '../support/change-pin.ts';
import { decryptOf, encryptOf, OpenPool } from './open-pool.ts';
import { preparedToken } from './prepared-token.ts';

const state = preparedToken();

async function logins(): Promise<number> {
  return (await state.shim.counts())['C_Login'] ?? 0;
}

test.serial(
  'a wrong PIN is tried once by four hosts together, and the right one then lets all in',
  async (t) => {
    const pinFile = path.join(state.fixture.directory, 'pin of the hosts');
    await writeFile(pinFile, 'wrong');
    const pin = async () => new Secret(await readFile(pinFile, 'utf8'));
    const open = new OpenPool(state.fixture, { hosts: 4, shim: state.shim, pin });
    t.teardown(async () => open.stop());
    const before = await logins();
    open.startAll();
    const { problem, remediation, final } = await open.failure();
    t.is(problem, 'the token refused the PIN (CKR_PIN_INCORRECT)');
    t.regex(remediation, /put the right PIN in place/);
    t.true(final);
    // The others are at the gate: the operator's word sends them through, so none can have been on its way.
    t.is(await logins(), before + 1);
    t.is(open.events.length, 1);

    await writeFile(pinFile, state.fixture.pin);
    open.gate.reset();
    await open.allReady();
    t.is(await logins(), before + 5);
    t.is(open.pool.health, 'ACTIVE');
  },
);

for (const rv of [
  CKR.PIN_INCORRECT,
  CKR.PIN_INVALID,
  CKR.PIN_LEN_RANGE,
  CKR.PIN_EXPIRED,
  CKR.PIN_LOCKED,
  CKR.USER_PIN_NOT_INITIALIZED,
  CKR.FUNCTION_REJECTED,
  0x8000_1234,
])
  test.serial(`C_Login says ${ckrName(rv)}: told as the PIN’s, final, and not tried again`, async (t) => {
    await state.shim.set([{ call: 'C_Login', rv }]);
    const open = new OpenPool(state.fixture, { hosts: 2, shim: state.shim });
    t.teardown(async () => open.stop());
    const before = await logins();
    open.startAll();
    t.like(await open.failure(), { final: true, problem: `the token refused the PIN (${ckrName(rv)})` });
    await open.stop();
    t.is(await logins(), before + 1);
  });

test.serial('C_Login says USER_ALREADY_LOGGED_IN: that is fine', async (t) => {
  await state.shim.set([{ call: 'C_Login', rv: CKR.USER_ALREADY_LOGGED_IN, forward: true }]);
  await t.notThrowsAsync(OpenPool.start(t, state.fixture, { shim: state.shim }));
});

test.serial('C_Login says DEVICE_ERROR: not the PIN’s fault, tried again', async (t) => {
  const claim = await state.shim.claimToken();
  await state.shim.set([{ call: 'C_Login', rv: CKR.DEVICE_ERROR, claim }]);
  const open = new OpenPool(state.fixture, { shim: state.shim });
  t.teardown(async () => open.stop());
  open.startAll();
  t.like(await open.failure(), { final: false, problem: 'device in C_Login (CKR_DEVICE_ERROR)' });
  await open.allReady();
  t.is(open.pool.health, 'ACTIVE');
});

test.serial('a PIN file that cannot be read is told, and read again', async (t) => {
  let times = 0;
  const pin = async () => {
    if (++times < 3) throw new Error('the PIN file is not there');
    return new Secret(state.fixture.pin);
  };
  const open = new OpenPool(state.fixture, { shim: state.shim, pin });
  t.teardown(async () => open.stop());
  open.startAll();
  t.like(await open.failure(1), { problem: 'the PIN file is not there', final: false });
  await open.allReady();
  t.is(times, 3);
});

test.serial('hosts whose login is lost log in again, each once, with the PIN as it is by then', async (t) => {
  let asked = 0;
  const pin = async () => {
    asked++;
    return new Secret(state.fixture.pin);
  };
  const open = await OpenPool.start(t, state.fixture, { hosts: 3, shim: state.shim, pin });
  const key = await open.makeKey('login lost');
  const before = { logins: await logins(), asked, pids: open.pids };
  await state.shim.set([{ call: 'C_EncryptInit', rv: CKR.USER_NOT_LOGGED_IN, times: 1 }]);
  const request = encryptOf(key, randomBytes(30), { verify: true });
  const hosts = new Set<number>();
  while (hosts.size < 3) {
    const batch = Array.from({ length: 30 }, async () => open.callAt(request));
    for (const { host } of await Promise.all(batch)) hosts.add(host);
  }
  t.is(await logins(), before.logins + 3);
  t.is(asked, before.asked + 3);
  t.deepEqual(open.pids, before.pids);
});

test.serial('four hosts lose their login and the PIN is wrong by now: one of them tries it', async (t) => {
  const limits = { healthInterval: 600_000 };
  const open = await OpenPool.start(t, state.fixture, { hosts: 4, shim: state.shim, limits });
  const key = await open.makeKey('login lost for good');
  const request = encryptOf(key, randomBytes(30));
  const before = await logins();
  const already = open.events.length;
  await state.shim.set([
    { call: 'C_EncryptInit', rv: CKR.USER_NOT_LOGGED_IN },
    { call: 'C_Login', rv: CKR.PIN_INCORRECT },
  ]);
  const results = await Promise.allSettled(Array.from({ length: 100 }, async () => open.call(request, 500)));
  t.true(results.every(({ status }) => status === 'rejected'));
  t.true((await open.failure(already)).final);
  t.is(await logins(), before + 1);
  t.is(open.pool.health, 'UNAVAILABLE');
  await open.stop();
  t.is(await logins(), before + 1);
});

test.serial('a login that goes without a word, with all its sessions, is found and made again', async (t) => {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [...nodeFlags, path.join(import.meta.dirname, 'lost-sessions.ts'), JSON.stringify(state.fixture)],
    { env: { ...process.env, ...state.fixture.environment } },
  );
  const told = JSON.parse(stdout) as Record<string, unknown>;
  t.deepEqual(told, {
    'known key': 'encrypt',
    'key not used before': 'inspectKey',
    'key that is not there': 'key-missing',
    'after the login only': 'encrypt',
    'sealed secret': 'seal',
  });
});

test.serial('what was encrypted before a login was lost decrypts after it', async (t) => {
  const open = await OpenPool.start(t, state.fixture, { shim: state.shim });
  const key = await open.makeKey('before and after');
  const request = encryptOf(key, randomBytes(30));
  const sealed = await open.call(request);
  await state.shim.set([{ call: 'C_DecryptInit', rv: CKR.USER_NOT_LOGGED_IN, times: 1 }]);
  const { plaintext } = await open.call(decryptOf(request, sealed));
  t.deepEqual(Buffer.from(plaintext), Buffer.from(request.plaintext));
});

test.serial(
  'a PIN that was changed at the token and in its file is used by the next host, without a restart',
  async (t) => {
    const { fixture } = state;
    const next = `${fixture.pin.slice(0, -1)}x`;
    const file = path.join(fixture.directory, 'changing-pin');
    await writeFile(file, fixture.pin, { mode: 0o600 });
    const pin = async () => pinOf({ title: 'token', pin: { file } });
    const open = await OpenPool.start(t, fixture, { hosts: 2, pin });
    const [first = 0] = open.pids;
    await changePin(fixture, fixture.pin, next);
    try {
      // Those that are logged in work on.
      await open.call({ kind: 'health' });
      // Aside, then in its place: nobody reads half of it.
      await writeFile(`${file}-new`, next, { mode: 0o600 });
      await rename(`${file}-new`, file);
      const already = open.events.length;
      process.kill(first, 'SIGKILL');
      await open.event((event) => event.kind === 'ready', already);
      t.is(open.events.filter(({ kind }) => kind === 'failed').length, 0, 'the old PIN was not tried');
      t.is(open.pids.length, 2);
      t.false(open.pids.includes(first));
    } finally {
      await changePin(fixture, next, fixture.pin);
    }
  },
);
