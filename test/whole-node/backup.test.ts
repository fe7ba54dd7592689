import { existsSync, statSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import test from 'ava';
import { TestNode } from '../../testing/test-node.ts';
import { createSoftHsmToken } from '../../testing/tokens.ts';

/* The worst day: the machine dies while it works, its store is broken or its disk gone, and a backup is put back. */

const plaintext = 'must be readable again';

test('a node that was killed has its backup put back in the same place, and what was encrypted is readable', async (t) => {
  const fixture = await createSoftHsmToken();
  const node = await TestNode.start({ tokens: [{ fixture }] });
  t.teardown(async () => {
    await node.dispose();
    await fixture.dispose();
  });
  const access = await node.makeKeySet('payments', { prefix: 'payments' });
  const key = await node.makeKey('payments', 'payroll');
  const pulled = await node.makeKey('payments', 'pulled');
  let client = node.client(access);
  const before = await client.encrypt(key, plaintext);
  const ofPulled = await client.encrypt(pulled, plaintext);
  t.is(before.status, 200);

  // Under load, with changes on the management side: every key that was acknowledged before is in it.
  const load = { stop: false, answered: 0, failed: 0, made: [] as string[] };
  const encrypting = (async () => {
    while (!load.stop) {
      const { status } = await client.encrypt(key, plaintext);
      if (status === 200) load.answered++;
      else load.failed++;
    }
  })();
  const making = (async () => {
    while (!load.stop) load.made.push(await node.makeKey('payments', `made-${load.made.length}`));
  })();
  while (load.made.length < 3) await delay(10);
  const acknowledged = [...load.made];
  const file = path.join(node.directory, 'made-under-load.backup');
  await node.cli('backup', '--file', file);
  load.stop = true;
  await Promise.all([encrypting, making]);
  t.is(load.failed, 0);
  t.true(load.answered > 0);

  await node.withVault(async (vault) => vault.disableKey(pulled));
  const after = await client.encrypt(key, plaintext);
  const storePath = path.join(node.directory, 'state/holdfast.db');
  await t.throwsAsync(node.cli('restore', '--replace', file), {
    message: /is in use already: holdfast serve, process/,
  });
  client.close();
  await node.closeVault();
  await node.stop('SIGKILL');
  t.true(
    statSync(`${storePath}-wal`).size > 0,
    'the log of the killed node is there, to be played into whatever comes',
  );

  await t.throwsAsync(node.cli('restore', file), { message: /there is a store at/ });
  const restored = JSON.parse(await node.cli('restore', '--replace', file)) as {
    adjusted: { since: string; withheld: { name: string }[] };
    replaced: { keptAs: string };
  };
  t.is(restored.adjusted.since, 'known');
  t.deepEqual(
    restored.adjusted.withheld.map(({ name }) => name),
    ['pulled'],
  );
  for (const end of ['-wal', '-shm', '-journal', '-restoring'])
    t.false(existsSync(`${storePath}${end}`), end);
  t.is(statSync(storePath).mode & 0o777, 0o600);
  t.is(statSync(restored.replaced.keptAs).mode & 0o777, 0o600);

  await node.serve();
  client = node.client(access);
  for (const encrypted of [before, after]) {
    const { status, body } = await client.decrypt(key, encrypted.body);
    t.is(status, 200);
    t.is(Buffer.from(body.plaintext, 'base64').toString(), plaintext);
  }
  const refused = await client.decrypt(pulled, ofPulled.body);
  t.deepEqual(
    [refused.status, refused.body.errorName],
    [400, 'InvalidStateException'],
    'disabled means disabled',
  );
  for (const id of acknowledged)
    t.is((await client.encrypt(id, plaintext)).status, 200, 'nothing acknowledged is lost');
  client.close();
});
