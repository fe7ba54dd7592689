import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { utimes } from 'node:fs/promises';
import path from 'node:path';
import { createInterface } from 'node:readline';
import test from 'ava';
import { nodeFlags } from '../../src/node-process.ts';
import { buildShim, Shim, type Rule } from '../../testing/shim.ts';
import type { Answer, Request } from '../../testing/shim/client.ts';
import { createSoftHsmToken, type TokenFixture } from '../../testing/tokens.ts';

const client = path.join(import.meta.dirname, '../../testing/shim/client.ts');

/** A process with the shim loaded, a session open and a key in hand, that does what it is told, line by line. */
class Process {
  readonly #child;
  readonly #lines;
  stderr = '';

  constructor(shim: Shim, token: TokenFixture) {
    this.#child = spawn(process.execPath, [...nodeFlags, client, shim.module, token.label, token.pin], {
      env: { ...process.env, ...token.environment, ...shim.environment },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    this.#child.stderr.setEncoding('utf8').on('data', (text: string) => (this.stderr += text));
    this.#child.stdin.on('error', () => {});
    this.#lines = createInterface(this.#child.stdout)[Symbol.asyncIterator]();
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  get exit(): Promise<[number | null, string | null]> {
    const { exitCode, signalCode } = this.#child;
    if (exitCode !== null || signalCode !== null) return Promise.resolve([exitCode, signalCode]);
    return once(this.#child, 'exit') as Promise<[number | null, string | null]>;
  }

  async ask(request: Request): Promise<Answer> {
    this.#child.stdin.write(`${JSON.stringify(request)}\n`);
    const line = await this.#lines.next();
    if (line.done === true) throw new Error(`the process ended: ${this.stderr}`);
    return JSON.parse(line.value) as Answer;
  }

  async stop(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.exit;
  }
}

const state = {} as { shim: Shim; token: TokenFixture; process: Process };
const plaintext = Buffer.from('attack at dawn, not at dusk').toString('hex');
const aad = 'aa55';
const zeroIv = '00'.repeat(12);
const ownIv = '0102030405060708090a0b0c';
const CKR = {
  generalError: 0x5,
  deviceError: 0x30,
  parameterInvalid: 0x71,
  mechanismInvalid: 0x70,
  operationActive: 0x90,
  bufferTooSmall: 0x150,
};
const CKA = { local: 0x163, sensitive: 0x103, extractable: 0x162 };

test.before(async () => {
  [state.shim, state.token] = await Promise.all([Shim.create(), createSoftHsmToken()]);
  state.process = new Process(state.shim, state.token);
  await state.process.ask({ do: 'flags' });
});

test.afterEach.always(() => state.shim.clear());

test.after.always(async () => {
  await state.process.stop();
  await state.shim.dispose();
  await state.token.dispose();
});

/** Rules for the long-lived process, and what a plain Encrypt then gives. */
async function encryptUnder(rules: readonly Rule[], iv = zeroIv): Promise<Answer> {
  await state.shim.set(rules);
  return state.process.ask({ do: 'encrypt', iv, aad, data: plaintext });
}

/** Decrypts without any rule. */
async function decryptPlainly(iv: string, data: string): Promise<Answer> {
  await state.shim.clear();
  return state.process.ask({ do: 'decrypt', iv, aad, data });
}

/** A process of this test's own that is past its set-up. */
async function startProcess(): Promise<Process> {
  const process = new Process(state.shim, state.token);
  await process.ask({ do: 'flags' });
  return process;
}

test.serial('without rules the shim is SoftHSM', async (t) => {
  const sealed = await encryptUnder([], ownIv);
  t.is(sealed.ivAfterCall, ownIv);
  t.is(sealed.out?.length, plaintext.length + 32);
  const opened = await decryptPlainly(ownIv, sealed.out ?? '');
  t.is(opened.out, plaintext);
});

test.serial('processes that race for the build get one and the same module', async (t) => {
  const built = await Promise.all([buildShim(), buildShim(), buildShim()]);
  t.is(new Set(built).size, 1);
});

test.serial('a call is delayed, for as many times as the rule says', async (t) => {
  const late = await encryptUnder([{ call: 'C_Encrypt', delayMicroseconds: 400_000, times: 1 }], ownIv);
  t.true(late.milliseconds >= 400, `${late.milliseconds} ms`);
  // Each of them would be as late; by itself a busy machine may hold one up, and not every one.
  const others: number[] = [];
  for (let i = 0; i < 5; i++)
    others.push((await state.process.ask({ do: 'encrypt', iv: ownIv, data: plaintext })).milliseconds);
  t.true(Math.min(...others) < 400, `${others.join(', ')} ms`);
});

test.serial('a call waits until what it waits for is lifted', async (t) => {
  const barrier = await state.shim.barrier();
  await state.shim.set([{ call: 'C_Encrypt', wait: barrier.path }]);
  const before = (await state.shim.counts())['C_Encrypt'] ?? 0;
  let isDone = false;
  const asked = state.process.ask({ do: 'encrypt', iv: ownIv, data: plaintext }).finally(() => {
    isDone = true;
  });
  while (((await state.shim.counts())['C_Encrypt'] ?? 0) === before)
    await new Promise((resolve) => setTimeout(resolve, 5));
  await new Promise((resolve) => setTimeout(resolve, 50));
  t.false(isDone);
  await barrier.lift();
  t.is((await asked).rv, undefined);
});

test.serial('a call is answered with any CKR, and the operation ends with it', async (t) => {
  const failed = await encryptUnder([{ call: 'C_Encrypt', rv: CKR.deviceError, times: 1 }], ownIv);
  t.like(failed, { call: 'C_Encrypt', rv: CKR.deviceError });
  t.is((await state.process.ask({ do: 'encrypt', iv: ownIv, data: plaintext })).rv, undefined);
});

test.serial('an error may leave the operation active', async (t) => {
  const process = await startProcess();
  await state.shim.set([{ call: 'C_Decrypt', rv: CKR.bufferTooSmall, leaveActive: true, times: 1 }]);
  const data = '00'.repeat(32);
  t.is((await process.ask({ do: 'decrypt', iv: ownIv, data })).rv, CKR.bufferTooSmall);
  t.like(await process.ask({ do: 'decrypt', iv: ownIv, data }), {
    call: 'C_DecryptInit',
    rv: CKR.operationActive,
  });
  await process.stop();
});

test.serial('a key is made and the answer lost', async (t) => {
  const process = await startProcess();
  await state.shim.set([{ call: 'C_GenerateKey', rv: CKR.generalError, forward: true }]);
  t.is((await process.ask({ do: 'generate' })).rv, CKR.generalError);
  t.is((await process.ask({ do: 'find', max: 5 })).handles?.length, 2);
  await process.stop();
});

test.serial('calls before `after` are not touched', async (t) => {
  await state.shim.set([{ call: 'C_GenerateRandom', after: 2, times: 1, rv: CKR.deviceError }]);
  const results: (number | undefined)[] = [];
  for (let i = 0; i < 4; i++) results.push((await state.process.ask({ do: 'random', bytes: 1 })).rv);
  t.deepEqual(results, [undefined, undefined, CKR.deviceError, undefined]);
});

test.serial('a rule for one process id leaves the others alone', async (t) => {
  await state.shim.set([{ call: '*', pid: state.process.pid, rv: CKR.deviceError }]);
  t.is((await state.process.ask({ do: 'random', bytes: 1 })).rv, CKR.deviceError);
  const other = await startProcess();
  t.is((await other.ask({ do: 'random', bytes: 1 })).rv, undefined);
  await other.stop();
});

for (const [crash, signal] of [
  ['abort', 'SIGABRT'],
  ['segv', 'SIGSEGV'],
  ['kill', 'SIGKILL'],
] as const)
  test.serial(`a process crashes in a call by ${signal}`, async (t) => {
    const process = await startProcess();
    await state.shim.set([{ call: 'C_Encrypt', crash }]);
    await t.throwsAsync(process.ask({ do: 'encrypt', iv: ownIv, data: plaintext }));
    t.deepEqual(await process.exit, [null, signal]);
  });

test.serial('of two processes the one that takes the claim hangs, and the other goes on', async (t) => {
  // One after the other: SoftHSM 2.6 may miss the token beside another process's login (testing/bare-session.ts).
  const processes = [await startProcess(), await startProcess()];
  await state.shim.set([{ call: 'C_Encrypt', hang: true, claim: await state.shim.claimToken() }]);
  const asked = processes.map((process) => process.ask({ do: 'encrypt', iv: ownIv, data: plaintext }));
  const index = await Promise.race(asked.map((answer, i) => answer.then(() => i)));
  t.is((await asked[index])?.rv, undefined);
  const hanging = asked[1 - index]?.then(
    () => 'answered',
    () => 'killed',
  );
  t.is(await Promise.race([hanging, new Promise((resolve) => setTimeout(resolve, 150, 'hangs'))]), 'hangs');
  await Promise.all(processes.map((process) => process.stop()));
  t.is(await hanging, 'killed');
});

for (const [iv, wrote] of [
  ['init', 'ivAfterInit'],
  ['encrypt', 'ivAfterCall'],
] as const)
  test.serial(
    `iv=${iv}: the token's IV is in the buffer after C_Encrypt${iv === 'init' ? 'Init' : ''}`,
    async (t) => {
      const first = await encryptUnder([{ call: 'C_EncryptInit', iv }]);
      const second = await encryptUnder([{ call: 'C_EncryptInit', iv }]);
      t.is(first.ivAfterInit === zeroIv, wrote === 'ivAfterCall');
      t.not(first.ivAfterCall, zeroIv);
      t.not(first.ivAfterCall, second.ivAfterCall);
      t.is((await decryptPlainly(first.ivAfterCall ?? '', first.out ?? '')).out, plaintext);
    },
  );

for (const ivBytes of [12, 16] as const)
  test.serial(`iv=append: an IV of ${ivBytes} bytes follows the tag`, async (t) => {
    const sealed = await encryptUnder([{ call: 'C_EncryptInit', iv: 'append', ivBytes }], '');
    t.is(sealed.out?.length, plaintext.length + 32 + 2 * ivBytes);
    const tail = plaintext.length + 32;
    const opened = await decryptPlainly(sealed.out?.slice(tail) ?? '', sealed.out?.slice(0, tail) ?? '');
    t.is(opened.out, plaintext);
  });

test.serial('iv=append: a buffer without room for the IV is too small', async (t) => {
  const process = await startProcess();
  await state.shim.set([{ call: 'C_EncryptInit', iv: 'append' }]);
  const room = plaintext.length / 2 + 16;
  const answer = await process.ask({ do: 'encrypt', data: plaintext, room });
  t.like(answer, { call: 'C_Encrypt', rv: CKR.bufferTooSmall });
  await process.stop();
});

test.serial(
  "a token that makes the IV refuses the caller's, unless it is told not to be strict",
  async (t) => {
    for (const iv of ['init', 'encrypt', 'append'] as const)
      t.like(await encryptUnder([{ call: 'C_EncryptInit', iv }], ownIv), {
        call: 'C_EncryptInit',
        rv: CKR.parameterInvalid,
      });
    const replaced = await encryptUnder([{ call: 'C_EncryptInit', iv: 'init', strict: false }], ownIv);
    t.not(replaced.ivAfterInit, ownIv);
    const used = await encryptUnder([{ call: 'C_EncryptInit', iv: 'append', strict: false }], ownIv);
    t.is((await decryptPlainly(ownIv, used.out ?? '')).out, plaintext);
  },
);

test.serial('a lying token leaves the IV zero', async (t) => {
  const sealed = await encryptUnder([{ call: 'C_EncryptInit', iv: 'zero' }]);
  t.is(sealed.ivAfterCall, zeroIv);
  t.is((await decryptPlainly(zeroIv, sealed.out ?? '')).out, plaintext);
});

test.serial('a lying token keeps its IV to itself', async (t) => {
  const sealed = await encryptUnder([{ call: 'C_EncryptInit', iv: 'unchanged' }]);
  t.is(sealed.ivAfterCall, zeroIv);
  t.is((await decryptPlainly(zeroIv, sealed.out ?? '')).call, 'C_Decrypt');
});

test.serial('a lying token uses one IV for everything', async (t) => {
  const first = await encryptUnder([{ call: 'C_EncryptInit', iv: 'same' }]);
  const second = await encryptUnder([{ call: 'C_EncryptInit', iv: 'same' }]);
  t.not(first.ivAfterCall, zeroIv);
  t.is(first.ivAfterCall, second.ivAfterCall);
  t.is(first.out, second.out);
});

test.serial('a lying token tells another IV than it used', async (t) => {
  const sealed = await encryptUnder([{ call: 'C_EncryptInit', iv: 'encrypt', ivValue: 'wrong' }]);
  t.not(sealed.ivAfterCall, zeroIv);
  t.is((await decryptPlainly(sealed.ivAfterCall ?? '', sealed.out ?? '')).call, 'C_Decrypt');
});

test.serial('a vendor number stands for AES-GCM', async (t) => {
  const mechanism = 0x80000001;
  await state.shim.set([
    { call: 'C_EncryptInit', asGcm: mechanism, iv: 'encrypt' },
    { call: 'C_DecryptInit', asGcm: mechanism },
  ]);
  const sealed = await state.process.ask({ do: 'encrypt', iv: zeroIv, data: plaintext, mechanism });
  const iv = sealed.ivAfterCall ?? '';
  t.is((await state.process.ask({ do: 'decrypt', iv, data: sealed.out ?? '', mechanism })).out, plaintext);
  t.is((await state.process.ask({ do: 'encrypt', iv: zeroIv, data: plaintext })).rv, CKR.mechanismInvalid);
});

test.serial('the v2.40 parameter is refused where the v2.30 one is wanted', async (t) => {
  t.is((await encryptUnder([{ call: 'C_EncryptInit', noIvBits: true }], ownIv)).rv, CKR.parameterInvalid);
});

test.serial('a caller that lets go of the AAD before C_Encrypt is found out', async (t) => {
  const process = await startProcess();
  await state.shim.set([{ call: 'C_EncryptInit', hold: true }]);
  t.is((await process.ask({ do: 'encrypt', iv: ownIv, aad, data: plaintext })).rv, undefined);
  await t.throwsAsync(process.ask({ do: 'encrypt', iv: ownIv, aad, data: plaintext, spoil: true }));
  t.deepEqual(await process.exit, [null, 'SIGABRT']);
  t.regex(process.stderr, /AAD given to the Init call was not there/);
});

for (const corrupt of ['any', 'ciphertext', 'tag'] as const)
  test.serial(
    `one bit of the ${corrupt === 'any' ? 'output' : corrupt} of C_Encrypt is flipped`,
    async (t) => {
      const good = await encryptUnder([], ownIv);
      const bad = await encryptUnder([{ call: 'C_Encrypt', corrupt }], ownIv);
      t.is(distance(good.out, bad.out), 1);
      if (corrupt === 'ciphertext') t.is(bad.out?.slice(plaintext.length), good.out?.slice(plaintext.length));
      if (corrupt === 'tag') t.is(bad.out?.slice(0, plaintext.length), good.out?.slice(0, plaintext.length));
      t.is((await decryptPlainly(ownIv, bad.out ?? '')).call, 'C_Decrypt');
    },
  );

test.serial('one bit of the output of C_Decrypt is flipped', async (t) => {
  const sealed = await encryptUnder([], ownIv);
  await state.shim.set([{ call: 'C_Decrypt', corrupt: 'any' }]);
  const opened = await state.process.ask({ do: 'decrypt', iv: ownIv, aad, data: sealed.out ?? '' });
  t.is(distance(opened.out, plaintext), 1);
});

test.serial('attributes are lied about', async (t) => {
  const types = [CKA.local, CKA.sensitive, CKA.extractable];
  const honest = await state.process.ask({ do: 'attributes', types });
  t.deepEqual(honest.values, ['01', '01', '00']);
  await state.shim.set([
    {
      call: 'C_GetAttributeValue',
      attributes: { [CKA.local]: false, [CKA.sensitive]: false, [CKA.extractable]: true },
    },
  ]);
  const lies = await state.process.ask({ do: 'attributes', types });
  t.deepEqual(lies.values, ['00', '00', '01']);
  await state.shim.set([{ call: 'C_GetAttributeValue', attributes: { [CKA.local]: 'unavailable' } }]);
  t.is((await state.process.ask({ do: 'attributes', types })).rv, 0x12);
});

test.serial('a search finds one key twice, none, or fails', async (t) => {
  const [handle] = (await state.process.ask({ do: 'find', max: 2 })).handles ?? [];
  await state.shim.set([{ call: 'C_FindObjects', duplicate: true }]);
  t.deepEqual((await state.process.ask({ do: 'find', max: 2 })).handles, [handle, handle]);
  t.deepEqual((await state.process.ask({ do: 'findOneByOne' })).handles, [handle, handle]);
  await state.shim.set([{ call: 'C_FindObjects', empty: true }]);
  t.deepEqual((await state.process.ask({ do: 'find', max: 2 })).handles, []);
  await state.shim.set([{ call: 'C_FindObjects', rv: CKR.generalError, times: 1 }]);
  t.like(await state.process.ask({ do: 'find', max: 2 }), { call: 'C_FindObjects', rv: CKR.generalError });
});

test.serial('random bytes are not random', async (t) => {
  await state.shim.set([{ call: 'C_GenerateRandom', fill: 7 }]);
  t.is((await state.process.ask({ do: 'random', bytes: 4 })).out, '07070707');
});

test.serial('a token says that it needs no login', async (t) => {
  const loginRequired = 0x4;
  t.not(((await state.process.ask({ do: 'flags' })).tokenFlags ?? 0) & loginRequired, 0);
  await state.shim.set([{ call: 'C_GetTokenInfo', clearFlags: loginRequired }]);
  t.is(((await state.process.ask({ do: 'flags' })).tokenFlags ?? 0) & loginRequired, 0);
});

test.serial('calls of all processes are counted by function', async (t) => {
  const shim = await Shim.create();
  t.deepEqual(await shim.counts(), {});
  const processes: Process[] = [];
  for (let count = 0; count < 2; count++) {
    const process = new Process(shim, state.token);
    processes.push(process);
    await process.ask({ do: 'random', bytes: 1 });
  }
  await processes[0]?.ask({ do: 'random', bytes: 1 });
  t.like(await shim.counts(), { C_Initialize: 2, C_Login: 2, C_GenerateRandom: 3 });
  t.false('C_Logout' in (await shim.counts()));
  await Promise.all(processes.map((process) => process.stop()));
  await shim.dispose();
});

for (const [rules, violation] of [
  ['C_Encrpyt hang', /not a function/],
  ['C_Encrypt', /without an action/],
  ['C_Encrypt rv=five', /not a number/],
  ['C_Encrypt rv=-1', /not a number/],
  ['C_Encrypt hang=yes', /not understood/],
  ['C_Login corrupt', /does not go with/],
  ['C_Encrypt hang\nC_Sign iv=init', /line 2/],
  ['C_EncryptInit iv=later', /not a choice/],
  ['C_Encrypt forward delay_us=1', /needs rv/],
] as const)
  test.serial(`"${rules.replace('\n', ' / ')}" in the control file aborts the process`, async (t) => {
    const process = await startProcess();
    await state.shim.set(rules);
    await t.throwsAsync(process.ask({ do: 'random', bytes: 1 }));
    t.deepEqual(await process.exit, [null, 'SIGABRT']);
    t.regex(process.stderr, violation);
  });

test.serial('rules of one size and one second apart are told from each other', async (t) => {
  const { HOLDFAST_SHIM_CONTROL: file = '' } = state.shim.environment;
  for (const rv of [0x30, 0x31, 0x32]) {
    await state.shim.set([{ call: 'C_GenerateRandom', rv }]);
    await utimes(file, 1, 1);
    t.is((await state.process.ask({ do: 'random', bytes: 1 })).rv, rv);
  }
});

test.serial('a process outlives its shim’s directory, without rules', async (t) => {
  const shim = await Shim.create();
  const process = new Process(shim, state.token);
  await process.ask({ do: 'flags' });
  await shim.set([{ call: 'C_GenerateRandom', rv: CKR.deviceError }]);
  t.is((await process.ask({ do: 'random', bytes: 1 })).rv, CKR.deviceError);
  await shim.dispose();
  t.is((await process.ask({ do: 'random', bytes: 1 })).rv, undefined);
  await process.stop();
});

/** Bits that differ. */
function distance(one = '', other = ''): number {
  const [a, b] = [Buffer.from(one, 'hex'), Buffer.from(other, 'hex')];
  let bits = Math.abs(a.length - b.length) * 8;
  for (const [i, byte] of a.entries())
    for (let rest = byte ^ (b[i] ?? 0); rest > 0; rest >>= 1) bits += rest & 1;
  return bits;
}
