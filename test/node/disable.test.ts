import { randomBytes, randomInt } from 'node:crypto';
import path from 'node:path';
import test from 'ava';
import { SqliteStore } from '../../src/store/sqlite.ts';
import { findCloudKey, setCloudKeyState } from '../../src/vault/cloud-keys.ts';
import { createSoftHsmToken } from '../support/tokens.ts';
import { TestNode } from '../support/test-node.ts';
import { encryptBody, requestMetadata } from '../support/xks-client.ts';
import { freePort } from './free-port.ts';
import { waitUntil } from './steady-load.ts';

/* When a disable has returned, no request sent later succeeds, on any worker (promise 2). */

const rounds = 50;
const connections = 32;

/** A time in which the key has one state for all requests that are sent in it. */
interface Phase {
  state: 'enabled' | 'disabled' | 'changing';
  sent: number;
  answered: number;
}

test(`no request that is sent after a disable has returned succeeds: ${rounds} times under load`, async (t) => {
  const fixture = await createSoftHsmToken();
  t.teardown(async () => fixture.dispose());
  const node = await TestNode.start({
    tokens: [{ fixture }],
    workers: 2,
    xks: { port: await freePort() },
  });
  t.teardown(async () => node.dispose());
  const access = await node.makeKeySet('first', { prefix: 'first' });
  const key = await node.makeKey('first', 'key');
  const clients = Array.from({ length: connections }, () => node.client(access, { maxSockets: 1 }));
  t.teardown(() => {
    for (const client of clients) client.close();
  });
  const encrypted = (await clients[0]?.encrypt(key, randomBytes(32)))?.body as Record<string, string>;

  const store = await SqliteStore.open(path.join(node.directory, 'state/holdfast.db'));
  t.teardown(async () => store.close());
  const record = await findCloudKey(store, key);

  const wrong: string[] = [];
  let phase: Phase = { state: 'enabled', sent: 0, answered: 0 };
  const load = { over: false };
  const bodies = {
    encrypt: () => encryptBody(randomBytes(32), { cdiv: randomInt(2) === 0 }),
    decrypt: () => ({
      requestMetadata: requestMetadata('Decrypt'),
      encryptionAlgorithm: 'AES_GCM',
      ...encrypted,
    }),
  };
  const loops = clients.map(async (client) => {
    while (!load.over) {
      const kind = randomInt(2) === 0 ? 'encrypt' : 'decrypt';
      // Signed before: from here to sending nothing is waited for.
      const request = await client.sign(`${access.uriPath}/keys/${key}/${kind}`, bodies[kind]());
      const during = phase;
      during.sent++;
      const { status, body } = await client.send(request);
      during.answered++;
      // A busy machine may answer DependencyTimeoutException at any time: that is no success and no refusal either.
      if (status === 503) continue;
      if (during.state === 'disabled' && body.errorName !== 'InvalidStateException')
        wrong.push(`disabled, ${kind}: ${status} ${body.errorName}`);
      // What was still under way when the next disable came may have met it.
      if (during.state === 'enabled' && phase === during && status !== 200)
        wrong.push(`enabled, ${kind}: ${status} ${body.errorName}`);
    }
  });

  let disabledRequests = 0;
  let enabledRequests = 0;
  for (let round = 0; round < rounds; round++) {
    const enabled = phase;
    await waitUntil(() => enabled.answered >= connections, 10_000, 5);
    enabledRequests += enabled.sent;
    phase = { state: 'changing', sent: 0, answered: 0 };
    await setCloudKeyState(store, record, 'DISABLED');
    const disabled: Phase = { state: 'disabled', sent: 0, answered: 0 };
    phase = disabled;
    await waitUntil(() => disabled.answered >= connections, 10_000, 5);
    // Only once every request that was sent while it was disabled is answered is the key enabled again.
    phase = { state: 'changing', sent: 0, answered: 0 };
    await waitUntil(() => disabled.answered === disabled.sent, 10_000, 5);
    disabledRequests += disabled.sent;
    await setCloudKeyState(store, record, 'AVAILABLE');
    phase = { state: 'enabled', sent: 0, answered: 0 };
  }
  load.over = true;
  await Promise.all(loops);
  const workers = new Set(
    node.log.filter((line) => line['operation'] === 'Encrypt').map((line) => line['pid']),
  );
  t.is(workers.size, 2, 'both workers were asked');
  t.log(`${disabledRequests} requests while disabled, ${enabledRequests} while enabled`);
  t.deepEqual(wrong.slice(0, 10), []);
  t.true(node.log.some((line) => line['operation'] === 'Decrypt' && line['status'] === 200));
});
