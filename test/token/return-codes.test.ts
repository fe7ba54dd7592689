import { randomBytes } from 'node:crypto';
import test, { type ExecutionContext } from 'ava';
import { CKR, ckrName, type TokenFault } from '../../src/token/faults.ts';
import { Shim, type Rule } from '../../testing/shim.ts';
import { createSoftHsmToken, type TokenFixture } from '../../testing/tokens.ts';
import { decryptOf, encryptOf, OpenPool, throwsFault } from './open-pool.ts';

const state = {} as { fixture: TokenFixture; shim: Shim; open: OpenPool };
const plaintext = randomBytes(123);
const work = {} as {
  encrypt: ReturnType<typeof encryptOf>;
  decrypt: ReturnType<typeof decryptOf>;
};

test.before(async () => {
  [state.fixture, state.shim] = await Promise.all([createSoftHsmToken(), Shim.create()]);
  // One host, so that it alone has to cope; no health check of its own, so that every call can be counted.
  const limits = { healthInterval: 600_000, sickAfter: 5000, killAfter: 10_000 };
  state.open = new OpenPool(state.fixture, { shim: state.shim, limits });
  await state.open.startInTurn();
  const key = await state.open.makeKey('return codes');
  work.encrypt = encryptOf(key, plaintext, { aad: randomBytes(50), metadata: randomBytes(6), verify: true });
  work.decrypt = decryptOf(work.encrypt, await state.open.call(work.encrypt));
});

test.afterEach.always(() => state.shim.clear());

test.after.always(async () => {
  await state.open.stop();
  await state.shim.dispose();
  await state.fixture.dispose();
});

async function check(t: ExecutionContext, operation: 'encrypt' | 'decrypt'): Promise<void> {
  if (operation === 'decrypt') {
    t.deepEqual(Buffer.from((await state.open.call(work.decrypt)).plaintext), plaintext);
    return;
  }
  const sealed = await state.open.call(work.encrypt);
  await state.shim.clear();
  const opened = await state.open.call(decryptOf(work.encrypt, sealed));
  t.deepEqual(Buffer.from(opened.plaintext), plaintext);
}

/** What `run` made the module do: calls more than before, by function. */
async function counted(run: () => Promise<void>): Promise<(call: string) => number> {
  const before = await state.shim.counts();
  await run();
  const after = await state.shim.counts();
  return (call) => (after[call] ?? 0) - (before[call] ?? 0);
}

const operationOf = (call: string) => (call.startsWith('C_Encrypt') ? 'encrypt' : 'decrypt');
const cryptoCalls = ['C_EncryptInit', 'C_Encrypt', 'C_DecryptInit', 'C_Decrypt'] as const;
const initCalls = ['C_EncryptInit', 'C_DecryptInit'] as const;

interface Case {
  rv: number;
  calls: readonly (typeof cryptoCalls)[number][];
  /** What is told when it does not go away. */
  fault: TokenFault;
  /** The call that shows the repair, once when the value comes once. */
  repairedBy: 'C_OpenSession' | 'C_FindObjectsInit' | 'C_Login';
  leaveActive?: boolean;
}

const repaired: Case[] = [
  ...[
    CKR.SESSION_HANDLE_INVALID,
    CKR.SESSION_CLOSED,
    CKR.OPERATION_ACTIVE,
    CKR.OPERATION_NOT_INITIALIZED,
    CKR.BUFFER_TOO_SMALL,
    CKR.FUNCTION_CANCELED,
  ].map((rv) => ({ rv, calls: cryptoCalls, fault: 'session-lost', repairedBy: 'C_OpenSession' }) as const),
  {
    rv: CKR.BUFFER_TOO_SMALL,
    calls: ['C_Encrypt', 'C_Decrypt'],
    fault: 'session-lost',
    repairedBy: 'C_OpenSession',
    leaveActive: true,
  },
  ...[CKR.KEY_HANDLE_INVALID, CKR.OBJECT_HANDLE_INVALID].map(
    (rv) => ({ rv, calls: initCalls, fault: 'session-lost', repairedBy: 'C_FindObjectsInit' }) as const,
  ),
  {
    rv: CKR.USER_NOT_LOGGED_IN,
    calls: [...initCalls, 'C_Encrypt', 'C_Decrypt'],
    fault: 'session-lost',
    repairedBy: 'C_Login',
  },
];

for (const { rv, calls, fault, repairedBy, leaveActive = false } of repaired)
  for (const call of calls) {
    const name = `${ckrName(rv)}${leaveActive ? ', operation left active,' : ''} from ${call}`;
    const rule: Rule = { call, rv, ...(leaveActive && { leaveActive }) };

    test.serial(`${name}, once: repaired by one ${repairedBy}, and the answer is right`, async (t) => {
      const [pid] = state.open.pids;
      await state.shim.set([{ ...rule, times: 1 }]);
      const calls = await counted(async () => check(t, operationOf(call)));
      t.is(calls(repairedBy), 1);
      t.deepEqual(state.open.pids, [pid]);
    });

    test.serial(`${name}, always: ${fault} after one repair, and well again afterwards`, async (t) => {
      const [pid] = state.open.pids;
      await state.shim.set([rule]);
      const request = work[operationOf(call)];
      const calls = await counted(async () => void (await throwsFault(t, fault, state.open.call(request))));
      t.is(calls(repairedBy), repairedBy === 'C_OpenSession' && !call.endsWith('Init') ? 2 : 1);
      t.is(calls(call), 2);
      await state.shim.clear();
      await check(t, 'encrypt');
      await check(t, 'decrypt');
      t.deepEqual(state.open.pids, [pid]);
    });
  }

test.serial('an encryption that was repaired tells that C_Encrypt may have run twice', async (t) => {
  await state.shim.set([{ call: 'C_Encrypt', rv: CKR.SESSION_CLOSED, forward: true, times: 1 }]);
  t.is((await state.open.call(work.encrypt)).encryptions, 2);
  t.is((await state.open.call(work.encrypt)).encryptions, 1);
});

for (const [rv, call, request, fault] of [
  [CKR.DATA_INVALID, 'C_Encrypt', 'encrypt', 'data-refused'],
  [CKR.DATA_LEN_RANGE, 'C_Encrypt', 'encrypt', 'data-refused'],
  [CKR.KEY_FUNCTION_NOT_PERMITTED, 'C_EncryptInit', 'encrypt', 'usage-refused'],
  [CKR.KEY_FUNCTION_NOT_PERMITTED, 'C_DecryptInit', 'decrypt', 'usage-refused'],
  [CKR.KEY_TYPE_INCONSISTENT, 'C_DecryptInit', 'decrypt', 'usage-refused'],
  [CKR.ENCRYPTED_DATA_INVALID, 'C_Decrypt', 'decrypt', 'bad-ciphertext'],
  [CKR.ENCRYPTED_DATA_LEN_RANGE, 'C_Decrypt', 'decrypt', 'bad-ciphertext'],
  [CKR.AEAD_DECRYPT_FAILED, 'C_Decrypt', 'decrypt', 'bad-ciphertext'],
  [CKR.DATA_INVALID, 'C_Decrypt', 'decrypt', 'bad-ciphertext'],
  [CKR.DATA_LEN_RANGE, 'C_Decrypt', 'decrypt', 'bad-ciphertext'],
  [CKR.MECHANISM_PARAM_INVALID, 'C_EncryptInit', 'encrypt', 'internal'],
  [CKR.ARGUMENTS_BAD, 'C_DecryptInit', 'decrypt', 'internal'],
  [0x8000_1234, 'C_DecryptInit', 'decrypt', 'internal'],
] as const)
  test.serial(
    `${ckrName(rv)} from ${call}: ${fault} at once, and neither session nor host is lost`,
    async (t) => {
      const [pid] = state.open.pids;
      await state.shim.set([{ call, rv }]);
      const calls = await counted(async () => {
        const error = await throwsFault(t, fault, state.open.call(work[request]));
        t.is(error.rv, rv);
        t.is(error.call, call);
      });
      t.is(calls(call), 1);
      t.is(calls('C_OpenSession'), 0);
      await state.shim.clear();
      await check(t, request);
      t.deepEqual(state.open.pids, [pid]);
    },
  );

test.serial(
  'a value that nobody knows from C_Encrypt is refused, on a session that is not used again',
  async (t) => {
    await state.shim.set([{ call: 'C_Encrypt', rv: 0x8000_0001 }]);
    const calls = await counted(
      async () => void (await throwsFault(t, 'internal', state.open.call(work.encrypt))),
    );
    t.is(calls('C_Encrypt'), 1);
    t.is(calls('C_OpenSession'), 1);
  },
);

const suspects = [CKR.GENERAL_ERROR, CKR.FUNCTION_FAILED, CKR.DEVICE_MEMORY, CKR.HOST_MEMORY];
for (const rv of suspects)
  for (const call of ['C_EncryptInit', 'C_Encrypt', 'C_DecryptInit'] as const) {
    test.serial(
      `${ckrName(rv)} from ${call}, once: the canary is well, and the answer is right`,
      async (t) => {
        const [pid] = state.open.pids;
        await state.shim.set([{ call, rv, times: 1 }]);
        await check(t, operationOf(call));
        t.deepEqual(state.open.pids, [pid]);
      },
    );

    test.serial(
      `${ckrName(rv)} from ${call} for one request only: it fails, the host lives on`,
      async (t) => {
        const [pid] = state.open.pids;
        // The request, then the canary, then the request again.
        await state.shim.set([
          { call, rv, times: 1 },
          { call, rv, after: 2, times: 1 },
        ]);
        const error = await throwsFault(t, 'session-lost', state.open.call(work[operationOf(call)]));
        t.is(error.rv, rv);
        await state.shim.clear();
        await check(t, operationOf(call));
        t.deepEqual(state.open.pids, [pid]);
      },
    );
  }

for (const rv of [CKR.GENERAL_ERROR, CKR.FUNCTION_FAILED])
  for (const leaveActive of [false, true]) {
    const name = `${ckrName(rv)}${leaveActive ? ', operation left active,' : ''} from C_Decrypt`;
    test.serial(`${name}, once: a second opinion after the canary gives the right plaintext`, async (t) => {
      const [pid] = state.open.pids;
      await state.shim.set([{ call: 'C_Decrypt', rv, leaveActive, times: 1 }]);
      const calls = await counted(async () => check(t, 'decrypt'));
      t.is(calls('C_Decrypt'), 3);
      t.is(calls('C_OpenSession'), leaveActive ? 1 : 0);
      t.deepEqual(state.open.pids, [pid]);
    });

    test.serial(`${name} twice for one ciphertext, the canary well: bad ciphertext`, async (t) => {
      const [pid] = state.open.pids;
      await state.shim.set([
        { call: 'C_Decrypt', rv, leaveActive, times: 1 },
        { call: 'C_Decrypt', rv, leaveActive, after: 2, times: 1 },
      ]);
      await throwsFault(t, 'bad-ciphertext', state.open.call(work.decrypt));
      await check(t, 'decrypt');
      t.deepEqual(state.open.pids, [pid]);
    });
  }

for (const call of ['C_FindObjectsInit', 'C_FindObjects'] as const)
  for (const rv of [CKR.GENERAL_ERROR, CKR.DEVICE_ERROR, CKR.OPERATION_ACTIVE]) {
    test.serial(`${ckrName(rv)} from ${call}, once: searched again on a fresh session`, async (t) => {
      await state.shim.set([{ call, rv, times: 1 }]);
      t.like(await state.open.call({ kind: 'findKey', label: 'return codes' }), { compliant: true });
    });

    test.serial(`${ckrName(rv)} from ${call}, always: not told as a missing key`, async (t) => {
      const [pid] = state.open.pids;
      await state.shim.set([{ call, rv }]);
      const search = state.open.call({ kind: 'findKey', label: 'return codes' });
      t.is((await throwsFault(t, 'session-lost', search)).rv, rv);
      t.deepEqual(state.open.pids, [pid]);
    });
  }
