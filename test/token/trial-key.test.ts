import { execFile } from 'node:child_process';
import { chmod, readdir } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import test from 'ava';
import { nodeFlags } from '../../src/node-process.ts';
import { CKR } from '../../src/token/faults.ts';
import { LoginGate } from '../../src/token/keeper/host-keeper.ts';
import { trialId } from '../../src/token/host/keys/trial-key.ts';
import { verifyConnection } from '../../src/token/keeper/verification.ts';
import { OpenPool, settingsFor } from './open-pool.ts';
import { preparedToken } from './prepared-token.ts';
import type { TrialOrder, TrialReport } from './trial-report.ts';

const run = promisify(execFile);
const state = preparedToken();

const tokenDirectory = async () => {
  const tokens = path.join(state.fixture.directory, 'tokens');
  const [one = ''] = await readdir(tokens);
  return path.join(tokens, one);
};

const objects = async () =>
  (await readdir(await tokenDirectory())).filter((name) => name.endsWith('.object'));

/** Without the rights by which root writes whatever the modes of a directory are. */
async function report(order: TrialOrder): Promise<TrialReport> {
  const script = path.join(import.meta.dirname, 'trial-report.ts');
  const words = [process.execPath, ...nodeFlags, script, JSON.stringify(order)];
  const { stdout } =
    process.getuid?.() === 0
      ? await run('setpriv', ['--bounding-set', '-dac_override', '--inh-caps', '-dac_override', ...words])
      : await run(words[0] ?? '', words.slice(1));
  return JSON.parse(stdout) as TrialReport;
}

const verify = async () =>
  verifyConnection(settingsFor(state.fixture, { shim: state.shim }, false), new LoginGate());

test.serial(
  'a token directory that is read-only fails the verification and is told at the start of management',
  async (t) => {
    const { module, label, pin, environment } = state.fixture;
    const directory = await tokenDirectory();
    const before = await objects();
    const order = { module, label, pin, environment, writes: [directory, '/nowhere/at/all'] };
    await chmod(directory, 0o555);
    let told: TrialReport;
    try {
      told = await report(order);
    } finally {
      await chmod(directory, 0o755);
    }
    const { verification, noKeys } = told;
    t.false(verification.ok);
    const failed = verification.steps.at(-1);
    t.like(failed, { name: 'key-making', ok: false });
    for (const said of [failed?.detail ?? '', noKeys?.problem ?? '']) {
      t.regex(said, /in C_GenerateKey \(CKR_GENERAL_ERROR\)/);
      t.true(
        said.endsWith(`this process may not write to ${directory}: permission is denied (EACCES)`),
        said,
      );
    }
    for (const remediation of [verification.remediation ?? '', noKeys?.remediation ?? ''])
      t.regex(remediation, /this service may not write where the module keeps keys/);
    t.deepEqual(await objects(), before);

    const well = await report(order);
    t.true(well.verification.ok, JSON.stringify(well.verification.steps));
    t.is(well.noKeys, undefined);
    t.deepEqual(await objects(), before, 'nothing stays behind');
  },
);

test.serial(
  'a trial key that could not be destroyed is told, and goes the next time once it is old; no other key does',
  async (t) => {
    const { fixture, shim } = state;
    await shim.set([{ call: 'C_DestroyObject', rv: CKR.DEVICE_ERROR }]);
    const told = await verify();
    t.like(told.steps.at(-1), { name: 'key-making', ok: false });
    t.regex(told.steps.at(-1)?.detail ?? '', /C_DestroyObject \(CKR_DEVICE_ERROR\)/);
    await shim.clear();

    const open = await OpenPool.start(t, fixture, { prepare: false });
    const make = async (key: Buffer, label: string) =>
      open.call({ kind: 'generateKey', key, binding: Buffer.alloc(0), label, encrypt: true, decrypt: true });
    const hourAgo = Date.now() - 3_600_000;
    const old = trialId(hourAgo);
    await make(old, 'holdfast:trial:1');
    const others: [Buffer, string][] = [
      // The one of just now, another's label, another's id.
      [trialId(Date.now()), 'holdfast:trial:1'],
      [trialId(hourAgo), 'holdfast:trial:10'],
      [Buffer.alloc(32, 7), 'holdfast:trial:1'],
    ];
    for (const [id, label] of others) await make(id, label);
    const before = (await objects()).length;
    t.true((await verify()).ok);
    t.is((await objects()).length, before - 1);

    const again = await OpenPool.start(t, fixture, { prepare: false });
    await t.throwsAsync(again.call({ kind: 'inspectKey', key: old }), { message: /key-missing/ });
    for (const [id] of others) t.true((await again.call({ kind: 'inspectKey', key: id })).compliant);
  },
);

test.serial('a trial key that another host has destroyed meanwhile is no fault', async (t) => {
  await state.shim.set([{ call: 'C_DestroyObject', rv: CKR.OBJECT_HANDLE_INVALID, forward: true }]);
  t.true((await verify()).ok);
});
