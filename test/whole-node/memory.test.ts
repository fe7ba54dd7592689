import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import test from 'ava';
import { createSoftHsmToken } from '../../testing/tokens.ts';
import { inToken } from '../../testing/in-token.ts';
import { TestNode } from '../../testing/test-node.ts';
import { mappedFiles, searchMemory } from './process-memory.ts';
import { SteadyLoad } from '../support/steady-load.ts';

/** What a PKCS#11 module or its binding is called, by the module profiles and pkcs11js. */
const pkcs11Library = /softhsm|softokn|cryptoki|pkcs11|opencryptoki|cknfast|cryptoki2|cs_pkcs11/i;
const requests = 3000;

test('after thousands of operations key bytes and PIN are nowhere in the memory of what talks to the network', async (t) => {
  // Letters, so that it stands nowhere by chance as a number might.
  const pin = randomBytes(6).toString('base64url');
  const fixture = await createSoftHsmToken({ pin });
  t.teardown(async () => fixture.dispose());
  const planted = { label: 'planted', id: randomBytes(8), value: randomBytes(32) };
  const [id, value] = [planted.id.toString('hex'), planted.value.toString('hex')];
  await inToken(fixture, [{ do: 'plant', label: planted.label, id, value }]);
  const node = await TestNode.start({ tokens: [{ fixture }], workers: 2 });
  t.teardown(async () => node.dispose());
  const access = await node.makeKeySet('first', { prefix: 'first' });
  const key = await node.withVault(async (vault) => vault.adoptKey('first', 'planted', planted.label));

  const load = new SteadyLoad(node, access, key, { every: 0 });
  t.teardown(() => load.close());
  await load.start();
  while (load.answers.length < requests) await new Promise((resolve) => setTimeout(resolve, 20));
  const { supervisor, workers, hosts } = node.processes();
  t.is(workers.length, 2);
  t.is(hosts.length, 2);
  // While requests are under way: what is only there for the time of an operation counts too.
  const needles = {
    key: planted.value,
    keyInHex: Buffer.from(planted.value.toString('hex')),
    keyInBase64: Buffer.from(planted.value.toString('base64').slice(0, 42)),
    pin: Buffer.from(pin),
    secretAccessKey: Buffer.from(access.secretAccessKey),
    node: Buffer.from('holdfast'),
  };
  const scans = new Map([supervisor, ...workers].map((pid) => [pid, searchMemory(pid, needles)]));
  await load.stop();
  t.deepEqual(load.wrong, []);
  t.true(load.answers.every(({ status }) => status === 200));

  for (const [pid, { found, bytes }] of scans) {
    const isWorker = workers.includes(pid);
    t.log(`${isWorker ? 'worker' : 'supervisor'}: ${Math.round(bytes / 2 ** 20)} MiB read, found`, found);
    t.is(found.key, 0);
    t.is(found.keyInHex, 0);
    t.is(found.keyInBase64, 0);
    // The scanner sees what is there: a worker checks signatures with the secret, every process knows its own name.
    t.true(found.node > 0);
    if (isWorker) t.true(found.secretAccessKey > 0);
    else t.is(found.secretAccessKey, 0);
    // The supervisor reads the PIN and hands it to token hosts (docs/security.md); a worker never has it.
    if (isWorker) t.is(found.pin, 0);
    t.deepEqual(
      mappedFiles(pid).filter((file) => pkcs11Library.test(file)),
      [],
    );
  }
  t.true(searchMemory(process.pid, { key: planted.value }).found.key > 0);
  for (const pid of hosts)
    t.true(mappedFiles(pid).some((file) => file === fixture.module || /softhsm/.test(file)));

  for (const pid of [supervisor, ...workers, ...hosts])
    for (const file of ['environ', 'cmdline'])
      t.false(readFileSync(`/proc/${pid}/${file}`).includes(pin), `PIN in ${file} of ${pid}`);
  t.false(node.output.includes(pin));
  const inHosts = hosts.map((pid) => searchMemory(pid, { pin: needles.pin, key: needles.key }).found);
  t.log('token hosts', inHosts);
});
