import { appendFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import Table from 'cli-table3';
import { cloneSoftHsmToken } from '../testing/cloned-token.ts';
import { memberTable } from '../testing/member-table.ts';
import { Shim, type Rule } from '../testing/shim.ts';
import { TestNode } from '../testing/test-node.ts';
import { createSoftHsmToken, type TokenFixture } from '../testing/tokens.ts';
import { XksClient, type KeySetAccess } from '../testing/xks-client.ts';
import { cellSeconds } from './measure.ts';
import { mainScript, Server } from './processes.ts';
import { requestsOf } from './requests.ts';
import { count, good, late, quantile, sendAll, type Sent } from './streams.ts';

/*
 * One of two HSMs that hold the same keys hangs under load, with the times that production has. Rounds in which it does and quiet ones come
 * in turn, since the machine itself is late now and then: what counts is what is late, or not done, beyond the quiet rounds. With HSMs as
 * quick as SoftHSM is, and with slow ones, where it takes longer to notice and whoever has to do it instead takes longer as well.
 */

/** So many rounds of either. */
const turns = 10;

interface Cell {
  /** What each call that encrypts or decrypts takes, milliseconds: an Encrypt that is verified has one of either. */
  callMilliseconds: number;
  /** Requests a second, in turn an Encrypt with CDIV and a Decrypt: well below what one of the HSMs does alone. */
  rate: number;
}

const cells: readonly Cell[] = [
  { callMilliseconds: 0, rate: 200 },
  { callMilliseconds: 20, rate: 20 },
  { callMilliseconds: 40, rate: 8 },
];

/** An HSM, and what stands between it and its hosts. */
interface Hsm {
  fixture: TokenFixture;
  shim: Shim;
}

const table = new Table({
  head: [
    'a call takes',
    'rounds',
    'asked',
    'not 200',
    '429',
    '503',
    'over 240 ms',
    'p50 ms',
    'p99 ms',
    'longest ms',
  ],
  style: { head: [], border: [] },
});

/** Has one of two HSMs hang, again and again, and prints what became of the requests. */
export async function benchHung(): Promise<void> {
  const fixture = await createSoftHsmToken();
  const node = await TestNode.create({
    tokens: [{ fixture, settings: { hosts: 2 } }],
    workers: 2,
    realTimes: true,
  });
  let hsms: [Hsm, Hsm] | undefined;
  try {
    const access = await node.makeKeySet('hung', { prefix: 'hung' });
    const key = await node.makeKey('hung', 'key');
    hsms = await cloned(node, fixture);
    await appendFile(node.config, hsms.map(memberOf).join(''));
    const log = path.join(node.directory, 'hung.log');
    const served = await Server.start('holdfast serve', [mainScript, '--config', node.config, 'serve'], log);
    try {
      for (const cell of cells) await hang(node, served.port, { access, key, hsms }, cell);
    } finally {
      await served.stop();
    }
    console.log(table.toString());
  } finally {
    await node.dispose();
    for (const { shim, fixture: clone } of hsms ?? []) await Promise.all([shim.dispose(), clone.dispose()]);
    await fixture.dispose();
  }
}

/** The token of the node, and another with the same keys. */
async function cloned(node: TestNode, fixture: TokenFixture): Promise<[Hsm, Hsm]> {
  const serial = await node.withVault(async ({ vaultContext }) =>
    vaultContext.tokens.pool('token').serialOf('token'),
  );
  await node.closeVault();
  const clone = await cloneSoftHsmToken(fixture, serial ?? '');
  return [
    { fixture, shim: await Shim.create(fixture.module) },
    { fixture: clone, shim: await Shim.create(clone.module) },
  ];
}

function memberOf({ fixture, shim }: Hsm, index: number): string {
  const environment = { ...fixture.environment, ...shim.environment };
  return memberTable({ name: index === 0 ? 'a' : 'b', module: shim.module, environment });
}

async function hang(
  node: TestNode,
  port: number,
  { access, key, hsms }: { access: KeySetAccess; key: string; hsms: readonly [Hsm, Hsm] },
  { callMilliseconds, rate }: Cell,
): Promise<void> {
  const ca = node.ca.certificate;
  const client = new XksClient(port, access, { ca, maxSockets: 256 });
  const requests = [
    ...(await requestsOf(access, key, 'encrypt with CDIV', { port, ca })),
    ...(await requestsOf(access, key, 'decrypt', { port, ca })),
  ];
  const send = async () => (await sendAll(client, [{ name: 'hung', rate, requests }])).flat();
  const slow: Rule[] =
    callMilliseconds === 0
      ? []
      : (['C_Encrypt', 'C_Decrypt'] as const).map((call) => ({
          call,
          delayMicroseconds: callMilliseconds * 1000,
        }));
  for (const { shim } of hsms) await shim.set(slow);
  // Code is compiled, connections are open, and hosts know what an operation takes.
  await send();
  await send();
  const quiet: Sent[] = [];
  const hung: Sent[] = [];
  for (let turn = 0; turn < turns; turn++) {
    quiet.push(...(await send()));
    // Of hosts that have nothing to do the same one is asked first.
    const { shim } = hsms[turn % 2 === 0 ? 0 : 1];
    const sending = send();
    await delay((cellSeconds * 1000) / 4);
    const barrier = await shim.barrier();
    await shim.set([{ call: '*', wait: barrier.path }]);
    hung.push(...(await sending));
    await shim.set(slow);
    await barrier.lift();
    await allBack(client);
    // Its new hosts as well.
    await send();
  }
  client.close();
  tell(callMilliseconds, 'quiet', quiet);
  tell(callMilliseconds, 'one of two hangs', hung);
}

async function allBack(client: XksClient): Promise<void> {
  for (;;) {
    const { status, body } = await client.health();
    const fleet =
      status === 200 ? (body as { ekmFleetDetails: { healthStatus: string }[] }).ekmFleetDetails : [];
    if (fleet.length > 0 && fleet.every(({ healthStatus }) => healthStatus === 'ACTIVE')) return;
    await delay(100);
  }
}

function tell(callMilliseconds: number, rounds: string, sent: readonly Sent[]): void {
  const times = good(sent);
  const row = [
    callMilliseconds === 0 ? 'no time' : `${callMilliseconds} ms`,
    rounds,
    sent.length,
    sent.length - count(sent, 200),
    count(sent, 429),
    count(sent, 503),
    sent.filter(({ took }) => took > late).length,
    quantile(times, 0.5),
    quantile(times, 0.99),
    Math.max(...sent.map(({ took }) => took)).toFixed(1),
  ];
  table.push(row);
  console.log(`  ${row.join(', ')}`);
}
