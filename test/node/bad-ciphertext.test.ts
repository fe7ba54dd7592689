import { randomBytes, randomInt } from 'node:crypto';
import test from 'ava';
import { Shim } from '../../testing/shim.ts';
import { createSoftHsmToken } from '../../testing/tokens.ts';
import { TestNode } from '../../testing/test-node.ts';
import { requestMetadata, type XksClient } from '../../testing/xks-client.ts';
import { freePort } from '../../testing/free-port.ts';
import { quantile } from '../support/steady-load.ts';

/* Bad ciphertext costs no session, no host and no other caller's answer (issue 2, "What it must show"). */

/** `HOLDFAST_BAD_CIPHERTEXTS=1000000` for the full number. */
const total = Number(process.env['HOLDFAST_BAD_CIPHERTEXTS'] ?? 3_000);
const connections = 16;
/** Requests of each connection that are measured for comparison, beside good ones in place of bad ones. */
const control = 200;
/** The good caller may wait so many times as long beside bad requests as beside as many good ones, by the median. */
const maxSlowdown = 4;

test(`${total} random bad ciphertexts are told as such, and nobody else notices`, async (t) => {
  t.timeout(60_000 + total * 20);
  const fixture = await createSoftHsmToken();
  t.teardown(async () => fixture.dispose());
  const shim = await Shim.create(fixture.module);
  t.teardown(async () => shim.dispose());
  const node = await TestNode.start({
    tokens: [{ fixture, shim, settings: { hosts: 2 } }],
    workers: 2,
    xks: { port: await freePort() },
  });
  t.teardown(async () => node.dispose());
  const access = await node.makeKeySet('first', { prefix: 'first' });
  const key = await node.makeKey('first', 'key');
  const clients = Array.from({ length: connections }, () => node.client(access, { maxSockets: 1 }));
  const good = node.client(access, { maxSockets: 1 });
  t.teardown(() => {
    for (const client of [...clients, good]) client.close();
  });
  const plaintext = randomBytes(32);
  const { body: encrypted } = await good.encrypt(key, plaintext, { aad: 'aad' });
  await Promise.all(clients.map(async (client) => client.health()));

  const callWell = async (): Promise<number> => {
    const { status, body, took } = await good.decrypt(key, encrypted, { aad: 'aad' });
    t.is(status, 200);
    t.deepEqual(Buffer.from(body.plaintext, 'base64'), plaintext);
    return took;
  };
  /** Runs `attack` on every connection until `count` are done; the good caller calls all the while. */
  const flood = async (count: number, attack: (client: XksClient) => Promise<void>): Promise<number[]> => {
    const took: number[] = [];
    let begun = 0;
    const attackers = { done: false };
    const caller = (async () => {
      while (!attackers.done) took.push(await callWell());
    })();
    await Promise.all(
      clients.map(async (client) => {
        while (begun++ < count) await attack(client);
      }),
    );
    attackers.done = true;
    await caller;
    return took;
  };

  // The control: the same load of decrypts that are all good.
  const beside = await flood(control * connections, async (client) => {
    const { status } = await client.decrypt(key, encrypted, { aad: 'aad' });
    t.is(status, 200);
  });

  const before = { processes: node.processes(), sessions: (await shim.counts())['C_OpenSession'] };
  const answers = new Map<string, number>();
  const began = performance.now();
  const during = await flood(total, async (client) => {
    const { status, body } = await client.post(`keys/${key}/decrypt`, bad(encrypted));
    const answer = `${status} ${body?.errorName}`;
    answers.set(answer, (answers.get(answer) ?? 0) + 1);
  });
  const seconds = (performance.now() - began) / 1000;
  const after = { processes: node.processes(), sessions: (await shim.counts())['C_OpenSession'] };

  t.deepEqual(Object.fromEntries(answers), { '400 InvalidCiphertextException': total });
  for (const line of node.log.filter(({ msg }) => msg.startsWith('token host')).slice(2))
    t.log(JSON.stringify(line));
  t.deepEqual(after, before);
  t.false(node.log.some(({ msg }) => msg.startsWith('token host gone')));
  await callWell();
  t.log(
    `${total} in ${Math.round(seconds)} s (${Math.round(total / seconds)}/s); the good caller p50 ` +
      `${quantile(during, 0.5)} ms, p99 ${quantile(during, 0.99)} ms, beside as many good ones p50 ` +
      `${quantile(beside, 0.5)} ms, p99 ${quantile(beside, 0.99)} ms`,
  );
  t.true(quantile(during, 0.5) < maxSlowdown * quantile(beside, 0.5));
});

/** Wrong in one thing or in all, and well-formed: what only the token can tell from a good one. */
function bad(encrypted: Record<string, string>): Record<string, unknown> {
  const { ciphertextDataIntegrityValue: _, ...rest } = encrypted;
  const fields: Record<string, unknown> = {
    requestMetadata: requestMetadata('Decrypt'),
    encryptionAlgorithm: 'AES_GCM',
    ...rest,
    additionalAuthenticatedData: Buffer.from('aad').toString('base64'),
  };
  const random = (length: number) => randomBytes(length).toString('base64');
  switch (randomInt(6)) {
    case 0:
      fields['ciphertext'] = random(randomInt(1, 4300));
      break;
    case 1:
      fields['initializationVector'] = random(randomInt(2) === 0 ? 12 : 16);
      break;
    case 2:
      fields['authenticationTag'] = random(16);
      break;
    case 3:
      fields['additionalAuthenticatedData'] = random(randomInt(1, 8192));
      break;
    case 4:
      fields['ciphertextMetadata'] = random(randomInt(1, 21));
      break;
    default:
      Object.assign(fields, {
        ciphertext: random(randomInt(1, 200)),
        initializationVector: random(randomInt(1, 64)),
        authenticationTag: random(randomInt(1, 64)),
      });
  }
  return fields;
}
