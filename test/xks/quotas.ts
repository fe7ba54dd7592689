import test, { type ExecutionContext } from 'ava';
import { updateCloudKey } from '../../src/keys/cloud-keys.ts';
import { updateKeySet } from '../../src/keys/key-sets/key-sets.ts';
import { leaseLife } from '../../src/serving/quota-ledger.ts';
import type { QuotaInput } from '../../src/vault/limits.ts';
import type { XksClient, XksResponse } from '../../testing/xks-client.ts';
import { assertError, base64, disabled, useWholeNode } from './file-node.ts';

/* Quotas on a node with two workers: exact for both together. */

const file = useWholeNode({ workers: 2 });

const ofKey = [429, 'ThrottlingException', 'The request quota of the external key is used up.'] as const;
const ofKeySet = [429, 'ThrottlingException', 'The request quota of the key set is used up.'] as const;

async function setKeyQuota(key: string, quota: QuotaInput | null): Promise<void> {
  await file().node.withStore(async (vault) => {
    const { id } = await vault.key(key);
    await updateCloudKey(
      vault.vaultContext,
      vault.act(),
      { vaultId: vault.vaultId, sight: 'all', id },
      { quota },
    );
  });
}

async function setKeySetQuota(name: string, quota: QuotaInput | null): Promise<void> {
  await file().node.withStore(async (vault) => {
    const { id } = await vault.keySet(name);
    await updateKeySet(
      vault.vaultContext,
      vault.act(),
      { vaultId: vault.vaultId, sight: 'all', id },
      { quota },
    );
  });
}

/** A client that does not try again when it is throttled, on so many connections. */
function hastyClient(t: ExecutionContext, maxSockets = 16): XksClient {
  const { node, access } = file();
  const client = node.client(access, { maxSockets });
  t.teardown(() => client.close());
  return client;
}

/** So many requests of this test were told that the supervisor is late. */
let timesLate = 0;
test.beforeEach(() => {
  timesLate = 0;
});

/**
 * Sends so many requests at once; how many were let through. All others must have met `refusal`. On a machine that is
 * starved the supervisor may be late, which the request is told; then it is sent again.
 */
async function letThrough(
  t: ExecutionContext,
  many: number,
  send: () => Promise<XksResponse>,
  refusal: readonly [number, string, string],
): Promise<number> {
  const patient = async () => {
    for (;;) {
      const answer = await send();
      if (!/could not be checked in time/.test(answer.text)) return answer;
      timesLate++;
    }
  };
  const answers = await Promise.all(Array.from({ length: many }, patient));
  const refused = answers.filter(({ status }) => status !== 200);
  for (const answer of refused) assertError(t, answer, ...refusal);
  return many - refused.length;
}

/**
 * As many as the burst, and what came in meanwhile. What was granted too late for whoever had asked counts as used where the
 * worker then stands still for as long as a lease.
 */
function assertWithin(
  t: ExecutionContext,
  successes: number,
  burst: number,
  rate: number,
  since: number,
): void {
  const took = performance.now() - since;
  const max = burst + (rate * took) / 1000;
  const min = timesLate > 0 && took >= leaseLife ? 1 : burst;
  t.true(successes >= min && successes <= max, `${successes} of ${min} to ${max}`);
}

test.serial(
  'the quota of a key holds for both workers together and for all three operations on it',
  async (t) => {
    const { node, client: patient } = file();
    const client = hastyClient(t);
    for (const operation of ['encrypt', 'decrypt', 'metadata'] as const) {
      const key = await node.makeKey('first', `limited-${operation}`);
      const made = (await patient.encrypt(key, 'x')).body;
      const send = {
        encrypt: async () => client.encrypt(key, 'x'),
        decrypt: async () => client.decrypt(key, made),
        metadata: async () => client.metadata(key),
      };
      t.is(await letThrough(t, 60, send[operation], ofKey), 60, 'without a quota all go through');
      await setKeyQuota(key, { requestsPerSecond: 1, burst: 20 });
      const since = performance.now();
      assertWithin(t, await letThrough(t, 60, send[operation], ofKey), 20, 1, since);
      // Of four of each, so that what comes in while the machine stands still is not enough for any operation.
      const others = await Promise.all(
        Object.values(send).flatMap((another) => Array.from({ length: 4 }, async () => another())),
      );
      t.true(
        others.filter(({ status }) => status === 429).length >= 9,
        'what one operation used another lacks',
      );
      await setKeyQuota(key, null);
      t.is(await letThrough(t, 30, send[operation], ofKey), 30, 'without it all go through again');
    }
    const lines = node.log.filter((line) => line['throttledBy'] === 'cloud-key');
    t.is(new Set(lines.map((line) => line['pid'])).size, 2, 'both workers were asked');
  },
);

test.serial(
  'the quota of a key set is of all its keys; a key over its own takes nothing from the others',
  async (t) => {
    const { node } = file();
    const client = hastyClient(t);
    const [greedy, modest] = [await node.makeKey('first', 'greedy'), await node.makeKey('first', 'modest')];
    await setKeyQuota(greedy, { requestsPerSecond: 1, burst: 10 });
    await setKeySetQuota('first', { requestsPerSecond: 1, burst: 50 });
    const since = performance.now();
    const first = await letThrough(t, 100, async () => client.encrypt(greedy, 'x'), ofKey);
    assertWithin(t, first, 10, 1, since);
    const second = await letThrough(t, 100, async () => client.encrypt(modest, 'x'), ofKeySet);
    assertWithin(t, first + second, 50, 1, since);
    // A health check is never held up: AWS would take a busy key store for an ill one.
    for (let i = 0; i < 20; i++) t.not((await client.health()).status, 429);
    await setKeySetQuota('first', null);
    t.is((await client.encrypt(modest, 'x')).status, 200);
  },
);

test.serial('a request that the key set holds up costs the quota of its key nothing', async (t) => {
  const { node } = file();
  const client = hastyClient(t);
  let [first, second, since] = [0, 0, 0];
  // What a worker holds counts as used where it, or who lends it, stands still for as long as a lease: not each time.
  for (let tries = 1; tries <= 3 && first + second < 20; tries++) {
    const key = await node.makeKey('first', `held-up-${tries}`);
    await setKeyQuota(key, { requestsPerSecond: 1, burst: 20 });
    await setKeySetQuota('first', { requestsPerSecond: 1, burst: 1 });
    since = performance.now();
    first = await letThrough(t, 60, async () => client.encrypt(key, 'x'), ofKeySet);
    await setKeySetQuota('first', null);
    second = await letThrough(t, 60, async () => client.encrypt(key, 'x'), ofKey);
    t.true(first < 10);
  }
  assertWithin(t, first + second, 20, 1, since);
});

test.serial(
  'state and usage come before the quota, and what is refused for them is not counted',
  async (t) => {
    const { node } = file();
    const client = hastyClient(t);
    const key = await node.makeKey('first', 'refused', 'encrypt-only');
    const usage = [400, 'InvalidKeyUsageException', 'The external key does not support decryption.'] as const;
    const anything = { ciphertext: base64('x'), initializationVector: '', authenticationTag: '' };
    await setKeyQuota(key, { requestsPerSecond: 1, burst: 10 });
    await node.withStore(async (vault) => vault.disableKey(key));
    t.is(await letThrough(t, 30, async () => client.encrypt(key, 'x'), disabled), 0);
    await node.withStore(async (vault) => vault.enableKey(key));
    t.is(await letThrough(t, 30, async () => client.decrypt(key, anything), usage), 0);
    const since = performance.now();
    assertWithin(t, await letThrough(t, 30, async () => client.encrypt(key, 'x'), ofKey), 10, 1, since);
  },
);

test.serial(
  'what is throttled never reaches the token, and its log line says whose quota it was',
  async (t) => {
    const { node } = file();
    const client = hastyClient(t);
    const key = await node.makeKey('first', 'logged');
    await setKeyQuota(key, { requestsPerSecond: 1, burst: 1 });
    await letThrough(t, 10, async () => client.encrypt(key, 'x'), ofKey);
    const line = await node.waitForLog(
      (other) => other['externalKeyId'] === key && other['errorName'] === 'ThrottlingException',
    );
    const { status, throttledBy, quota, tokenHost } = line as unknown as Record<string, unknown>;
    t.deepEqual(
      { status, throttledBy, quota, tokenHost },
      {
        status: 429,
        throttledBy: 'cloud-key',
        quota: 'spent',
        tokenHost: undefined,
      },
    );
  },
);

test.serial('one connection alone, so one worker, gets the whole quota, and not more', async (t) => {
  const { node } = file();
  const client = hastyClient(t, 1);
  const key = await node.makeKey('first', 'alone');
  const [rate, burst] = [60, 30];
  await setKeyQuota(key, { requestsPerSecond: rate, burst });
  const since = performance.now();
  let [successes, refusals] = [0, 0];
  // So many could be let through of what was asked when it was: while nobody asks, a full bucket takes no more.
  let possible = 0;
  let [left, at] = [burst, since];
  while (performance.now() - since < 3000) {
    const { status, text } = await client.metadata(key);
    const now = performance.now();
    left = Math.min(burst, left + (rate * (now - at)) / 1000);
    at = now;
    if (/could not be checked in time/.test(text)) continue;
    if (left >= 1) {
      left--;
      possible++;
    }
    if (status === 200) successes++;
    else refusals++;
  }
  const seconds = (performance.now() - since) / 1000;
  t.log(`${successes} of ${possible} in ${seconds.toFixed(2)} s, ${refusals} refused`);
  t.true(successes <= burst + rate * seconds, `${successes}`);
  t.true(successes >= 0.6 * possible, `${successes} of ${possible}, ${refusals} refused`);
});

test.serial(
  'while the supervisor does not answer, requests with a quota are throttled in time; others go on',
  async (t) => {
    const { node, client: patient, key: free } = file();
    const client = hastyClient(t);
    const key = await node.makeKey('first', 'unanswered');
    await setKeyQuota(key, { requestsPerSecond: 1000, burst: 1000 });
    t.is((await client.encrypt(key, 'x')).status, 200);
    // Whichever worker is asked later has encryptions of it leased.
    for (const { status } of await Promise.all(
      Array.from({ length: 16 }, async () => patient.encrypt(free, 'x')),
    ))
      t.is(status, 200);
    process.kill(node.pid, 'SIGSTOP');
    try {
      const unanswered = [
        429,
        'ThrottlingException',
        'The request quota of the external key could not be checked in time.',
      ] as const;
      const some = async () => Promise.all(Array.from({ length: 16 }, async () => client.encrypt(key, 'x')));
      // What is leased ahead is used first, and ends by itself.
      for (const until = performance.now() + 1500; performance.now() < until;) await some();
      const late = [...(await some()), ...(await some())];
      for (const answer of late) assertError(t, answer, ...unanswered);
      t.true(Math.max(...late.map(({ took }) => took)) < 10_000, 'not only by the deadline of this node');
      t.is((await patient.encrypt(free, 'x')).status, 200);
    } finally {
      process.kill(node.pid, 'SIGCONT');
    }
    await node.waitForLog((line) => line['quota'] === 'unanswered');
    t.is(await letThrough(t, 10, async () => client.encrypt(key, 'x'), ofKey), 10);
  },
);
