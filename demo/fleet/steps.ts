import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { writeSafely } from '../../src/cli/node/quickstart-parts.ts';
import type { Haproxy } from '../../testing/haproxy.ts';
import type { Step } from '../steps.ts';
import { Kms, type Outcome } from './kms.ts';
import { FailedCommand, type FleetNode } from './node.ts';

interface CloudKey {
  state: string;
  externalKeyId: string;
}

/** What stands behind the steps; `kms` comes with the credential. */
export interface Fleet {
  directory: string;
  ca: string;
  nodes: readonly [FleetNode, FleetNode];
  haproxy: Haproxy;
  kms?: Kms;
  /** Of the CloudKey, once it is made. */
  externalKeyId: string;
}

const connections = 8;
const key = 'payroll';

/** From the first vault to a key that is pulled away on one node and refused by the other. */
// oxlint-disable-next-line max-lines-per-function -- a list of steps
export function stepsOf(fleet: Fleet): Step[] {
  const [first, second] = fleet.nodes;
  const file = (name: string) => path.join(fleet.directory, 'files', name);
  const ada = ['--profile', 'ada'];
  let vaultId = '';

  return [
    {
      title: 'Two nodes over one database and one token',
      run: async () => {
        await first.command('login', '--username', 'admin', '--password-file', file('admin.password'));
        const nodes = await first.json<{ state: string; version: string }[]>('node', 'list');
        const up = nodes.filter(({ state }) => state === 'UP');
        if (up.length !== 2) throw new Error(`holdfast node list shows ${up.length} of 2`);
        return [
          `holdfast node list: ${up.length} are UP, version ${up[0]?.version}`,
          `HAProxy finds both well: ${[...fleet.haproxy.up].join(', ')}`,
        ];
      },
    },
    {
      title: 'On node-1: a vault, a key set with an XKS credential, and a CloudKey',
      run: async () => {
        ({ id: vaultId } = await first.json<{ id: string }>(
          ...['vault', 'create', 'demo', '--token', 'softhsm', '--first-password-file', file('ada.first')],
          ...['--admin-username', 'ada', '--admin-name', 'Ada Lovelace', '--admin-email', 'ada@example.com'],
        ));
        writeSafely(file('ada.password'), randomBytes(24).toString('base64url'));
        const login = [...ada, 'login', '--vault', vaultId, '--username', 'ada', '--password-file'];
        await first.command(...login, file('ada.first'), '--new-password-file', file('ada.password'));
        await second.command(...login, file('ada.password'));
        await first.command(
          ...[...ada, 'key-set', 'create', 'payments', '--token', 'softhsm', '--path-prefix', 'payments'],
        );
        await first.command(
          ...[...ada, 'credential', 'issue', '--key-set', 'payments', '--console-file', file('console.json')],
        );
        const made = await first.json<CloudKey>(
          ...[...ada, 'cloud-key', 'create', key, '--key-set', 'payments'],
        );
        fleet.externalKeyId = made.externalKeyId;
        fleet.kms = kmsOf(fleet, file('console.json'));
        return [`CloudKey ${fleet.externalKeyId}, an AES-256 key made in the token`];
      },
    },
    {
      title: 'Encrypt through HAProxy: either node answers, and opens what the other encrypted',
      run: async () => {
        for (const node of fleet.nodes) node.answered();
        const kms = ready(fleet);
        const opened = await kms.roundTrip(fleet.externalKeyId, randomBytes(64));
        const outcome = await kms.encrypt(fleet.externalKeyId, 50);
        const shares = fleet.nodes.map((node) => `${node.name} ${node.answered().encrypts}`);
        if (shares.some((share) => share.endsWith(' 0')))
          throw new Error(`one served alone: ${shares.join()}`);
        return [
          `one ciphertext was decrypted over ${opened} other connections, each time to the same plaintext`,
          `${succeeded(outcome)}; by their logs: ${shares.join(', ')}`,
        ];
      },
    },
    {
      title: 'kill -9 of node-1 under load: nothing fails that KMS would not have answered by its one repeat',
      run: async () => {
        let isOver = false;
        const load = ready(fleet).encrypt(fleet.externalKeyId, () => !isOver);
        const processes = await first.kill();
        await fleet.haproxy.sees(1);
        isOver = true;
        const outcome = await load;
        return [
          `${processes} processes of node-1 were killed; HAProxy passes it over since its health check failed twice`,
          succeeded(outcome),
        ];
      },
    },
    {
      title:
        'Disable the key on node-2: once that is in force on every node, no request that begins succeeds',
      run: async () => {
        const lines = await disable(second, ...ada);
        return [...lines, await refused(fleet, second)];
      },
    },
    {
      title: 'node-1 starts again: it refuses the key that was disabled while it was dead',
      run: async () => {
        await first.serve();
        await fleet.haproxy.sees(2);
        fleet.kms?.close();
        fleet.kms = kmsOf(fleet, file('console.json'));
        return [await refused(fleet, first, second)];
      },
    },
    {
      title: 'Enable it on node-1: both serve it at once',
      run: async () => {
        const login = [...ada, 'login', '--vault', vaultId, '--username', 'ada'];
        await first.command(...login, '--password-file', file('ada.password'));
        const { state } = await first.json<CloudKey>(...ada, 'cloud-key', 'enable', key);
        const outcome = await ready(fleet).encrypt(fleet.externalKeyId, 50);
        const shares = fleet.nodes.map((node) => `${node.name} ${node.answered().encrypts}`);
        return [`the CloudKey is ${state}`, `${succeeded(outcome)}: ${shares.join(', ')}`];
      },
    },
  ];
}

interface InForce {
  inForce: boolean;
  nodes: number;
  confirmed: number;
  ended: number;
  waiting: { seconds: number }[];
}

/**
 * Resolves once it is in force. The dead node cannot confirm, and nobody but itself knows that it is dead: until its lease
 * has ended it is waited for (docs/revocation.md).
 */
async function disable(node: FleetNode, ...profile: readonly string[]): Promise<string[]> {
  const lines: string[] = [];
  try {
    await node.command('--json', ...profile, 'cloud-key', 'disable', key);
  } catch (error) {
    const problem = error instanceof FailedCommand ? problemOf(error) : undefined;
    if (problem?.code !== 'not-in-force') throw error;
    lines.push(`holdfast cloud-key disable: ${problem.message.replace(/ \(request .*/, '')}`);
  }
  const { nodes, confirmed, ended } = await untilInForce(node, profile);
  const { state } = await node.json<CloudKey>(...profile, 'cloud-key', 'show', key);
  return [
    ...lines,
    `holdfast in-force: on ${confirmed + ended} of ${nodes}, ${confirmed} confirmed it, of ${ended} the lease has ended; the key is ${state}`,
  ];
}

async function untilInForce(node: FleetNode, profile: readonly string[]): Promise<InForce> {
  for (let round = 0; round < 5; round++) {
    const told = await askInForce(node, profile);
    if (told.inForce) return told;
    await delay(1000 * Math.max(...told.waiting.map(({ seconds }) => seconds)));
  }
  throw new Error('the disable does not come into force');
}

/** It exits with 1 while a node is waited for. */
async function askInForce(node: FleetNode, profile: readonly string[]): Promise<InForce> {
  try {
    return await node.json<InForce>(...profile, 'in-force');
  } catch (error) {
    if (!(error instanceof FailedCommand) || error.output === '') throw error;
    return JSON.parse(error.output) as InForce;
  }
}

/** Undefined where what it said is no problem as JSON. */
function problemOf({ problem }: FailedCommand): { code: string; message: string } | undefined {
  try {
    return JSON.parse(problem) as { code: string; message: string };
  } catch {
    return undefined;
  }
}

/** Sends Encrypts; throws unless each was refused for the state of the key, by each of these nodes. */
async function refused(fleet: Fleet, ...by: readonly FleetNode[]): Promise<string> {
  for (const node of fleet.nodes) node.answered();
  const outcome = await ready(fleet).encrypt(fleet.externalKeyId, 50);
  const count = outcome.failed['400 InvalidStateException'] ?? 0;
  if (count !== connections * 50) throw new Error(`not all were refused: ${told(outcome)}`);
  const shares = by.map((node) => ({ name: node.name, count: node.answered().refused }));
  if (shares.some((share) => share.count === 0)) throw new Error('one of the nodes was not asked');
  return `${count} Encrypts got InvalidStateException: ${shares.map((one) => `${one.name} ${one.count}`).join(', ')}`;
}

function kmsOf({ haproxy, ca }: Fleet, consoleFile: string): Kms {
  const { XksProxyUriPath, XksProxyAuthenticationCredential } = JSON.parse(
    readFileSync(consoleFile, 'utf8'),
  ) as {
    XksProxyUriPath: string;
    XksProxyAuthenticationCredential: { AccessKeyId: string; RawSecretAccessKey: string };
  };
  return new Kms(
    haproxy.port,
    {
      uriPath: XksProxyUriPath,
      accessKeyId: XksProxyAuthenticationCredential.AccessKeyId,
      secretAccessKey: XksProxyAuthenticationCredential.RawSecretAccessKey,
    },
    ca,
    connections,
  );
}

function ready({ kms }: Fleet): Kms {
  if (kms === undefined) throw new Error('there is no credential yet');
  return kms;
}

/** Throws where one failed that KMS would have passed on. */
function succeeded(outcome: Outcome): string {
  if (Object.keys(outcome.failed).length > 0) throw new Error(told(outcome));
  return told(outcome);
}

function told({ first, repeated, failed }: Outcome): string {
  const failures = Object.entries(failed).map(([what, count]) => `${count} ${what}`);
  return `${first} Encrypts succeeded, ${repeated} when they were repeated, ${
    failures.length === 0 ? '0 failed' : `failed: ${failures.join(', ')}`
  }`;
}
