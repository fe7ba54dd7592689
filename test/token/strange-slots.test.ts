import { once } from 'node:events';
import { randomBytes } from 'node:crypto';
import test from 'ava';
import { CKR } from '../../src/token/faults.ts';
import { HostLife } from '../../src/token/keeper/host-life.ts';
import { Secret } from '../../src/secret.ts';
import { waitUntil } from '../support/steady-load.ts';
import { LoginGate } from '../../src/token/login-gate.ts';
import { versionLabel, versionObjectId } from '../../src/token/own-keys.ts';
import { labelled } from '../support/key-identity.ts';
import { inToken } from '../../testing/in-token.ts';
import { encryptOf, nothing, OpenPool, settingsFor } from './open-pool.ts';
import { preparedToken } from './prepared-token.ts';

const state = preparedToken();

for (const [name, rule] of [
  ['slots before it whose numbers nobody knows', { call: 'C_GetSlotList', ghosts: 2 }],
  [
    'a slot after it of which C_GetTokenInfo fails',
    { call: 'C_GetTokenInfo', rv: CKR.TOKEN_NOT_RECOGNIZED, uninitialised: true },
  ],
  [
    'a slot after it of which C_GetSlotInfo fails',
    { call: 'C_GetSlotInfo', rv: CKR.DEVICE_ERROR, uninitialised: true },
  ],
] as const)
  test.serial(`a host starts, and starts again, beside ${name}`, async (t) => {
    await state.shim.set([rule]);
    const open = await OpenPool.start(t, state.fixture, { shim: state.shim, prepare: false });
    await open.call({ kind: 'health' });
    const events = open.events.length;
    process.kill(open.pids[0] ?? Number.NaN, 'SIGKILL');
    await open.event(({ kind }) => kind === 'ready', events);
    await open.call({ kind: 'health' });
    t.false(open.events.some(({ kind }) => kind === 'failed'));
  });

test.serial(
  'where nothing matches, the slots that cannot be read are named with what they say',
  async (t) => {
    await state.shim.set([{ call: 'C_GetSlotList', ghosts: 1 }]);
    const settings = settingsFor(state.fixture, { shim: state.shim }, false);
    settings.order.choose = { label: 'of somebody else' };
    const life = new HostLife(settings, new LoginGate(), new AbortController().signal, undefined, false);
    const { problem, remediation } = await life.ended;
    t.is(problem, 'no token with label "of somebody else"');
    t.true(
      remediation.startsWith(
        'the module shows: slot 1 of 3, which cannot be read: C_GetSlotInfo failed (CKR_SLOT_ID_INVALID), ' +
          `"${state.fixture.label}" (serial `,
      ),
      remediation,
    );
    t.regex(remediation, /; the slot is not there any more: /);
  },
);

test.serial('a host that cannot be told its order leaves nothing open', async (t) => {
  const pipes = () => process.getActiveResourcesInfo().filter((name) => name === 'PipeWrap').length;
  const before = pipes();
  const pins = {
    standing: async () => Promise.reject(new Error('the state directory cannot be read')),
    accepted: async () => undefined,
    refused: async () => undefined,
  };
  const settings = settingsFor(state.fixture, { pins }, false);
  const pin = new Secret(state.fixture.pin);
  const life = new HostLife(settings, new LoginGate(), new AbortController().signal, pin, false);
  t.regex((await life.ended).problem, /could not be made/);
  await waitUntil(() => pipes() <= before);
  t.pass();
});

test.serial(
  'a token that one process misses, as beside a login elsewhere, is looked for by another',
  async (t) => {
    for (const call of ['C_GetTokenInfo', 'C_GetSlotInfo'] as const) {
      await state.shim.set([{ call, rv: CKR.GENERAL_ERROR, claim: await state.shim.claimToken() }]);
      const open = await OpenPool.start(t, state.fixture, { shim: state.shim, prepare: false });
      await open.call({ kind: 'health' });
      t.deepEqual(
        open.events.map(({ kind }) => kind),
        ['ready'],
        call,
      );
    }
  },
);

test.serial('a token that is not there is looked for by two processes, and told once', async (t) => {
  const open = new OpenPool({ ...state.fixture, label: 'of nobody' }, { shim: state.shim, prepare: false });
  t.teardown(async () => open.stop());
  const before = (await state.shim.counts())['C_GetSlotList'] ?? 0;
  open.startAll();
  const failures = () => open.events.filter(({ kind }) => kind === 'failed').length;
  const told = await open.event(() => failures() === 2);
  t.like(told, { kind: 'failed', problem: 'no token with label "of nobody"' });
  await open.stop();
  const lists = ((await state.shim.counts())['C_GetSlotList'] ?? 0) - before;
  // Its length is asked for first. However many more there were before they were stopped.
  t.true(lists >= failures() * 2 * 2, `${lists} for ${failures()}`);
});

test.serial('signals that interrupt its waiting do not end an idle host', async (t) => {
  await state.shim.set([{ call: 'C_Initialize', timerMicroseconds: 2_000 }]);
  const limits = { healthInterval: 600_000 };
  const open = await OpenPool.start(t, state.fixture, { shim: state.shim, prepare: false, limits });
  const { pids } = open;
  for (let count = 0; count < 30; count++) {
    await open.call({ kind: 'health' });
    // Some dozens of signals come while it has nothing to do.
    await once(AbortSignal.timeout(20), 'abort');
  }
  t.deepEqual(open.pids, pids);
  t.deepEqual(
    open.events.map(({ kind }) => kind),
    ['ready'],
  );
});

test.serial(
  'a listing among many foreign keys goes on page by page, and keys are made meanwhile',
  async (t) => {
    const foreign = 60;
    await inToken(
      state.fixture,
      Array.from({ length: foreign }, (_, n) => ({
        do: 'generate' as const,
        id: randomBytes(20).toString('hex'),
        label: `foreign ${n}`,
      })),
    );
    const open = await OpenPool.start(t, state.fixture, {
      shim: state.shim,
      prepare: false,
      fetchAhead: false,
    });
    const cloudKey = '00000000-0000-4000-8000-000000000001';
    const make = async (version: number) =>
      open.call({
        kind: 'generateKey',
        key: versionObjectId(cloudKey, version),
        label: versionLabel(cloudKey, 'key', version),
        binding: nothing,
        encrypt: true,
        decrypt: true,
      });
    await make(1);
    await state.shim.set([{ call: 'C_GetAttributeValue', delayMicroseconds: 10_000 }]);
    const before = (await state.shim.counts())['C_FindObjectsInit'] ?? 0;
    const found: string[] = [];
    let pages = 0;
    for (let after: Uint8Array = nothing, more = true; more; pages++) {
      const page = await open.call({ kind: 'listKeys', after, limit: 1000 });
      found.push(...page.keys.map(({ label }) => label));
      more = page.more;
      after = page.keys.at(-1)?.id ?? after;
      // Each page gets further by a key at least.
      if (pages > 2 * foreign) throw new Error('a list without end');
      if (pages === 0) {
        t.deepEqual(page, { keys: [], more: true }, 'it takes a breath');
        await make(2);
        const identity = labelled(versionLabel(cloudKey, 'key', 1));
        await open.call(encryptOf(versionObjectId(cloudKey, 1), randomBytes(16), { identity }));
      }
    }
    t.deepEqual(found, [versionLabel(cloudKey, 'key', 1)], 'as it was when the listing began');
    t.true(pages > 3);
    const searches = ((await state.shim.counts())['C_FindObjectsInit'] ?? 0) - before;
    t.true(searches <= 3, `one listing, not ${pages}: ${searches}`);
  },
);
