import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import test from 'ava';
import {
  allThere,
  backInService,
  count,
  encryptOverAll,
  healthOverAll,
  hosts,
  setUp,
  type Bench,
} from '../support/failing-hosts.ts';
import type { Rule } from '../../testing/shim.ts';
import { waitUntil } from '../support/steady-load.ts';

/* What the token returns, and what AWS sees of it: trouble of ours never comes out as bad ciphertext or a missing key. */

/** The tests leave the node as they found it, but for the last. */
let bench: Bench;
const undo: (() => Promise<unknown> | void)[] = [];

test.before(async () => {
  bench = await setUp((step) => undo.push(step), {});
});

test.after.always(async () => {
  for (const step of undo.toReversed()) await step();
});

interface Case {
  name: string;
  operation: 'encrypt' | 'decrypt';
  rule: Rule;
  /** Once: in one call of one host. Always: in every call of every host. */
  how: 'once' | 'always';
  answer: readonly [status: number, errorName?: string];
}

const ok = [200] as const;
const internal = [500, 'InternalException'] as const;
const bad = [400, 'InvalidCiphertextException'] as const;
const usage = [400, 'InvalidKeyUsageException'] as const;
const cases: Case[] = [
  ...[0x20, 0x21, 0x40, 0x41, 0x42].map((rv) =>
    once(`caller's fault ${hex(rv)}`, 'decrypt', 'C_Decrypt', rv, bad),
  ),
  once('data too long', 'encrypt', 'C_Encrypt', 0x21, [501, 'UnsupportedOperationException']),
  once('key may not decrypt', 'decrypt', 'C_DecryptInit', 0x68, usage),
  once('key may not encrypt', 'encrypt', 'C_EncryptInit', 0x68, usage),
  // A canary and a second opinion tell a hiccup from bad ciphertext.
  once('ambiguous, a hiccup: GENERAL_ERROR', 'decrypt', 'C_Decrypt', 0x5, ok),
  once('ambiguous, a hiccup: FUNCTION_FAILED', 'decrypt', 'C_Decrypt', 0x6, ok),
  ...[0xb3, 0xb0, 0x90, 0x91, 0x150].flatMap((rv) => [
    once(`session ${hex(rv)}`, 'decrypt', 'C_Decrypt', rv, ok),
    once(`session ${hex(rv)}`, 'encrypt', 'C_EncryptInit', rv, ok),
  ]),
  ...[0x60, 0x82].map((rv) => once(`handle ${hex(rv)}`, 'decrypt', 'C_DecryptInit', rv, ok)),
  once('login lost', 'decrypt', 'C_DecryptInit', 0x101, ok),
  once('no such number', 'encrypt', 'C_EncryptInit', 0x8000_0123, internal),
  always('session 0xb3', 'decrypt', 'C_DecryptInit', 0xb3, internal),
  always('handle 0x60', 'decrypt', 'C_DecryptInit', 0x60, internal),
  always('operation active', 'encrypt', 'C_Encrypt', 0x90, internal),
  // Not known to be more than a hiccup: tried once more here, or by another host.
  once('GENERAL_ERROR elsewhere', 'decrypt', 'C_DecryptInit', 0x5, ok),
  once('GENERAL_ERROR elsewhere', 'encrypt', 'C_Encrypt', 0x5, ok),
  // Another host does it.
  ...[0x30, 0x32, 0xe0, 0x190].map((rv) =>
    once(`module dead ${hex(rv)}`, 'decrypt', 'C_DecryptInit', rv, ok),
  ),
  always('module dead 0x30', 'encrypt', 'C_EncryptInit', 0x30, internal),
];

async function replaceHosts(): Promise<void> {
  const gone = count(bench, 'token host gone');
  const { node } = bench;
  const ready = new Set(
    node.log.filter(({ msg }) => msg === 'token host ready').map((line) => line['tokenHost']),
  );
  // A look whether a host is well may have met the failure too, and ended it: of one that only starts nobody tells that
  // it has gone.
  const pids = node.processes().hosts.filter((pid) => ready.has(pid));
  for (const pid of pids) process.kill(pid, 'SIGKILL');
  await waitUntil(() => count(bench, 'token host gone') >= gone + pids.length);
}

test.serial('each class of return value has its own error name and status', async (t) => {
  await allThere(bench);
  const { node, shim, key, clients } = bench;
  const [client] = clients;
  if (client === undefined) return t.fail();
  const plaintext = randomBytes(32);
  const { body: encrypted } = await client.encrypt(key, plaintext, { aad: 'aad' });
  // Its host may look whether it is well, too.
  await bench.node.closeVault();
  for (const { name, operation, rule, how, answer } of cases) {
    // All hosts are there: else the rule might strike one that starts.
    await allThere(bench);
    const gone = count(bench, 'token host gone');
    const ask = async () => {
      await shim.set([how === 'once' ? { ...rule, claim: await shim.claimToken(), times: 1 } : rule]);
      const got =
        operation === 'encrypt'
          ? await client.encrypt(key, plaintext, { aad: 'aad' })
          : await client.decrypt(key, encrypted, { aad: 'aad' });
      await shim.clear();
      return got;
    };
    let got = await ask();
    // A look whether a host is well may have met the one call that fails: not three times in a row.
    for (let left = 2; left > 0 && answer[0] !== 200 && got.status === 200; left--) got = await ask();
    // A host that has answered with a dead module goes a moment later.
    if (name.startsWith('module dead'))
      await t.notThrowsAsync(
        waitUntil(() => count(bench, 'token host gone') > gone),
        `${operation}, ${how}, ${name}`,
      );
    const [status, errorName] = answer;
    t.is(got.status, status, `${operation}, ${how}, ${name}: ${got.text}`);
    t.is(got.body.errorName, errorName, `${operation}, ${how}, ${name}`);
    if (status === 200 && operation === 'decrypt')
      t.deepEqual(Buffer.from(got.body.plaintext, 'base64'), plaintext, name);
    // The second such failure in a row would be a host's end: each case meets hosts that have had none.
    if (how === 'always' && !name.startsWith('module dead')) await replaceHosts();
  }
  await waitUntil(async () => (await client.decrypt(key, encrypted, { aad: 'aad' })).status === 200);
  t.is(node.processes().workers.length, 2);
});

test.serial(
  'a key that the token has lost, or has twice, is trouble of ours: never KeyNotFoundException',
  async (t) => {
    await allThere(bench);
    const { node, shim, clients } = bench;
    const [client] = clients;
    if (client === undefined) return t.fail();
    // New keys, so that no host knows a handle yet.
    for (const [index, rule] of ([{ empty: true }, { duplicate: true }] as const).entries()) {
      const fresh = await node.makeKey('first', `fresh-${index}`);
      await shim.set([{ call: 'C_FindObjects', ...rule }]);
      const answer = await client.encrypt(fresh, randomBytes(32));
      t.is(answer.status, 500, answer.text);
      t.is(answer.body.errorName, 'InternalException');
      await shim.clear();
      // A token that shows no key at all is taken for one that has been emptied, and its hosts are replaced.
      await allThere(bench);
      await backInService(bench);
      t.is((await client.encrypt(fresh, randomBytes(32))).status, 200);
    }
  },
);

test.serial(
  'a PIN that is refused to one host that starts again stops neither the others nor the node',
  async (t) => {
    await allThere(bench);
    // Its host may look whether it is well, too.
    await bench.node.closeVault();
    const { node, shim } = bench;
    const logins = async () => (await shim.counts())['C_Login'] ?? 0;
    const before = await logins();
    await shim.set([{ call: 'C_Login', rv: 0xa0 }]);
    process.kill(node.processes().hosts[0] ?? 0, 'SIGKILL');
    await node.waitForLog(
      (line) => line.msg === 'token host could not start' && /PIN/.test(String(line['problem'])),
    );
    await delay(1_000);
    t.is((await logins()) - before, 1);
    t.true(
      (await encryptOverAll(bench)).every(({ status }) => status === 200),
      'the others go on',
    );
    // Whichever worker answers, what it tells is the node's, as soon as it has heard of it.
    await t.notThrowsAsync(
      waitUntil(async () =>
        (await healthOverAll(bench)).every(({ body }) => body.ekmFleetDetails[0].healthStatus === 'DEGRADED'),
      ),
    );
    await shim.clear();
    node.signal('SIGHUP');
    await backInService(bench);
  },
);

// The last one: the node does not come back by itself.
test.serial('a PIN that is refused to a running node is not tried again and again', async (t) => {
  await allThere(bench);
  // Its host may look whether it is well, too.
  await bench.node.closeVault();
  const { shim } = bench;
  const logins = async () => (await shim.counts())['C_Login'] ?? 0;
  const before = await logins();
  const gone = count(bench, 'token host gone');
  // Somebody changed the PIN, then the HSM dropped every login.
  await shim.set([
    { call: 'C_EncryptInit', rv: 0x101 },
    { call: 'C_Login', rv: 0xa0 },
  ]);
  await Promise.allSettled([encryptOverAll(bench), encryptOverAll(bench)]);
  await waitUntil(() => count(bench, 'token host gone') - gone >= hosts);
  // Time itself: nothing tells that something is not done again. Hosts that end otherwise are started again within this.
  await delay(1_500);
  const tried = (await logins()) - before;
  t.log(`${tried} logins with the refused PIN`);
  t.is(tried, 1, 'tokens lock themselves after a few');
});

function once(
  name: string,
  operation: Case['operation'],
  call: Rule['call'],
  rv: number,
  answer: Case['answer'],
): Case {
  return { name, operation, rule: { call, rv }, how: 'once', answer };
}

function always(...of: Parameters<typeof once>): Case {
  return { ...once(...of), how: 'always' };
}

function hex(rv: number): string {
  return `0x${rv.toString(16)}`;
}
