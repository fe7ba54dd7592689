import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Act, Actor } from '../../src/audit/trail.ts';
import { Simulator, type SimulatedAccount } from '../../simulator/simulator.ts';
import { Secret } from '../../src/secret.ts';
import type { AwsClients } from '../../src/aws/clients.ts';
import type { AwsHouse } from '../../src/vault/aws-house.ts';
import { createCspAccount, type CspAccountWish } from '../../src/vault/csp-accounts.ts';
import { createKeySet, type KeySet, type KeySetWish } from '../../src/vault/key-sets.ts';
import { clientsOf } from '../support/aws-vault.ts';
import { InProcessNode } from '../support/in-process-node.ts';
import { createSoftHsmToken } from '../support/tokens.ts';
import { fresh, insertGroup } from '../support/vault.ts';

/** Under this name AWS reaches the proxy. */
export const hostName = 'xks.example.test';
export const endpoint = `https://${hostName}`;

/** A proxy that serves, an AWS that reaches it, and the vault of both. */
export interface Stage {
  node: InProcessNode;
  simulator: Simulator;
  aws: AwsClients;
  house: AwsHouse;
  /** How far the house's clock stands ahead, milliseconds. */
  clock: { ahead: number };
  vaultId: string;
  group: string;
  act: (options?: { actor?: Actor; idempotencyKey?: string }) => Act;
  /** The house as the next start of the same node has it. */
  restarted: () => AwsHouse;
  dispose: () => Promise<void>;
}

export async function openStage(): Promise<Stage> {
  const fixture = await createSoftHsmToken();
  const node = await InProcessNode.start({ tokens: [{ fixture }], hostNames: [hostName] });
  const simulator = await Simulator.start({
    resolve: { [hostName]: `127.0.0.1:${node.port}` },
    xksCa: readFileSync(node.ca.certificate, 'utf8'),
    // The machine of the tests is busier than AWS's 250 ms allow for.
    time: { connectMs: 60_000, disconnectMs: 60_000, xksTimeoutMs: 20_000 },
  });
  const aws = clientsOf(simulator, { maxAttempts: 1 });
  return node.withVault(async ({ house, vaultId }) => {
    const clock = { ahead: 0 };
    const now = () => new Date(Date.now() + clock.ahead);
    const user: Actor = { kind: 'user', id: randomUUID(), name: 'ada' };
    let starts = 1;
    return {
      node,
      simulator,
      aws,
      clock,
      vaultId,
      house: { ...house, aws, now },
      group: await insertGroup(house.store as never, vaultId, 'Cloud Admin Group'),
      restarted: () => ({ ...house, aws, now, instance: `test-node/${++starts}` }),
      act: ({ actor = user, idempotencyKey } = {}) => ({
        actor,
        address: '192.0.2.7',
        requestId: randomUUID(),
        at: now(),
        ...(idempotencyKey === undefined
          ? {}
          : { idempotency: { key: idempotencyKey, requestHash: Buffer.from(idempotencyKey) } }),
      }),
      dispose: async () => {
        aws.close();
        await simulator.close();
        await node.dispose();
        await fixture.dispose();
      },
    };
  });
}

export interface KeySetInAws {
  keySet: KeySet;
  /** The AWS account that it is for. */
  account: SimulatedAccount;
  cspAccountId: string;
}

/** A key set of an AWS account of its own, or of the one that is given. */
export async function newKeySetInAws(
  { house, act, vaultId, group, simulator }: Stage,
  {
    account = simulator.account(),
    csp = {},
    ...wish
  }: { account?: SimulatedAccount; csp?: Partial<CspAccountWish> } & Partial<KeySetWish> = {},
): Promise<KeySetInAws> {
  const cspAccount = await createCspAccount(house, act(), vaultId, 'all', {
    name: fresh('csp-account'),
    adminGroupId: group,
    type: 'access-key',
    defaultRegion: 'eu-central-1',
    accessKeyId: account.accessKeyId,
    secretAccessKey: new Secret(account.secretAccessKey),
    ...csp,
  });
  const name = fresh('set');
  const keySet = await createKeySet(house, act(), vaultId, 'all', {
    name,
    token: 'token',
    pathPrefix: name,
    cspAccountId: cspAccount.id,
    ...wish,
  });
  return { keySet, account, cspAccountId: cspAccount.id };
}
