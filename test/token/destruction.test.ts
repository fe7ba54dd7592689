import test from 'ava';
import { CKR } from '../../src/token/faults.ts';
import { labelled } from '../support/key-identity.ts';
import { Shim } from '../../testing/shim.ts';
import { createSoftHsmToken, type TokenFixture } from '../../testing/tokens.ts';
import { inToken } from '../../testing/in-token.ts';
import { encryptOf, OpenPool, throwsFault } from './open-pool.ts';

/* A key object is destroyed when the token said so and a new login finds none; its absence alone proves nothing. */

const state = {} as { fixture: TokenFixture; shim: Shim; open: OpenPool };

test.before(async () => {
  [state.fixture, state.shim] = await Promise.all([createSoftHsmToken(), Shim.create()]);
  const first = new OpenPool(state.fixture);
  await first.startInTurn();
  await first.stop();
  state.open = new OpenPool(state.fixture, {
    shim: state.shim,
    prepare: false,
    limits: { healthInterval: 600_000 },
  });
  await state.open.startInTurn();
});
test.beforeEach(async () => state.open.allReady());
test.afterEach.always(() => state.shim.clear());
test.after.always(async () => {
  await state.open.stop();
  await state.shim.dispose();
  await state.fixture.dispose();
});

const destroy = (key: Buffer) => ({ kind: 'destroyKey', key, identity: labelled(key.toString()) }) as const;

/** Whether the object is in the token, as a process that has nothing to do with ours sees it. */
async function isThere(key: Buffer): Promise<boolean> {
  const [has] = await inToken(state.fixture, [{ do: 'has', id: key.toString('hex') }]);
  return has === true;
}

test.serial(
  'an object that the module has forgotten is destroyed by a host that has not (SoftHSMv2#903)',
  async (t) => {
    // A second host from the start: nobody waits for a replacement on a busy machine.
    const open = await OpenPool.start(t, state.fixture, {
      hosts: 2,
      shim: state.shim,
      prepare: false,
      limits: { healthInterval: 600_000 },
    });
    const key = await open.makeKey('forgotten');
    await state.shim.set([
      { call: 'C_DestroyObject', rv: CKR.OBJECT_HANDLE_INVALID, claim: await state.shim.claimToken() },
      // The search for the key, once it was not destroyed.
      { call: 'C_FindObjects', empty: true, claim: await state.shim.claimToken(), after: 2 },
    ]);
    t.deepEqual(await open.call(destroy(key), 30_000), { destroyed: 1 });
    t.false(await isThere(key));
    await open.event(({ kind }) => kind === 'gone');
  },
);

test.serial(
  'an object that is there still, whatever C_DestroyObject said, is not told as destroyed',
  async (t) => {
    const key = await state.open.makeKey('still there');
    await state.shim.set([{ call: 'C_DestroyObject', rv: CKR.OK }]);
    const error = await throwsFault(t, 'device', state.open.call(destroy(key), 30_000));
    t.regex(error.message, /said OK, and the object is there still/);
    t.true(await isThere(key));
    await state.shim.clear();
    await state.open.allReady();
    t.deepEqual(await state.open.call(destroy(key), 30_000), { destroyed: 1 });
    t.false(await isThere(key));
  },
);

test.serial(
  'where private objects are hidden nothing is told as destroyed, nor as never there',
  async (t) => {
    const key = await state.open.makeKey('hidden');
    await state.open.call(encryptOf(key, Buffer.from('data'), { identity: labelled('hidden') }));
    await state.shim.set([{ call: 'C_FindObjects', empty: true }]);
    const error = await throwsFault(t, 'device', state.open.call(destroy(key), 3_000));
    t.regex(error.message, /an absence proves nothing/);
    await state.shim.clear();
    t.true(await isThere(key));
    await state.open.allReady();
    t.deepEqual(await state.open.call(destroy(key), 30_000), { destroyed: 1 });
  },
);

test.serial('a destruction that the token refuses is told as such, and can be repeated', async (t) => {
  const key = await state.open.makeKey('refused');
  await state.shim.set([{ call: 'C_DestroyObject', rv: CKR.FUNCTION_REJECTED }]);
  await throwsFault(t, 'internal', state.open.call(destroy(key)));
  t.true(await isThere(key));
  await state.shim.clear();
  t.deepEqual(await state.open.call(destroy(key)), { destroyed: 1 });
  t.deepEqual(await state.open.call(destroy(key)), { destroyed: 0 });
});
