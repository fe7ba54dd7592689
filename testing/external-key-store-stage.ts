import type { KeyContext } from '../src/keys/followers.ts';
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { ownAuthority, type Act, type Actor } from '../src/evidence/trail.ts';
import type { SimulatedAccount, Simulator } from '../simulator/simulator.ts';
import { Secret } from '../src/secret.ts';
import type { AwsClients, AwsSettings } from '../src/cloud/aws/clients.ts';
import type { AwsContext } from '../src/cloud/controller/context.ts';
import { listKeyStores, type AwsKeyStore } from '../src/cloud/aws/key-stores.ts';
import { awsAccountOf } from '../src/cloud/accounts/context.ts';
import { credentialState, listCredentials } from '../src/keys/credentials/credentials.ts';
import type { ExternalKeyStore } from '../src/cloud/key-stores/records.ts';
import { refreshExternalKeyStore, keyStoreLooks } from '../src/cloud/key-stores/watch.ts';
import { runDue } from '../src/cloud/controller/scheduled.ts';
import { createExternalKeyStore } from '../src/cloud/key-stores/key-stores.ts';
import { createCspAccount, type CspAccountInput } from '../src/cloud/accounts/accounts.ts';
import { createKeySet, type KeySet, type KeySetInput } from '../src/keys/key-sets/key-sets.ts';
import { clientsOf } from './aws-vault.ts';
import { InProcessNode } from './in-process-node.ts';
import { startAws, type AwsTimes, type TestAws } from './simulated-aws.ts';
import { createSoftHsmToken, type TokenFixture } from './tokens.ts';
import { fresh, insertGroup } from './vault.ts';

/** Under this name AWS reaches the proxy. */
export const hostName = 'xks.example.test';
export const endpoint = `https://${hostName}`;
/** Another name of the same proxy. */
export const secondHostName = 'xks2.example.test';

/** A proxy that serves, an AWS that reaches it, and the vault of both. */
export interface Stage {
  node: InProcessNode;
  simulator: Simulator;
  /** Where AWS finds host names, `host:port`; may be changed. */
  resolve: Record<string, string>;
  aws: AwsClients;
  vaultContext: AwsContext & KeyContext;
  /** The same, whose requests are sent once: what strikes one is seen. */
  once: AwsContext & KeyContext;
  /** How long AWS takes for what; may be changed. */
  time: AwsTimes;
  kindly: TestAws['kindly'];
  /** How far the context's clock stands ahead, milliseconds. */
  clock: { ahead: number };
  vaultId: string;
  group: string;
  act: (options?: { actor?: Actor; idempotencyKey?: string }) => Act;
  /** The context as the next start of the same node has it. */
  restarted: () => AwsContext & KeyContext;
  dispose: () => Promise<void>;
}

export interface StageOptions {
  time?: AwsTimes;
  settings?: Partial<AwsSettings>;
  /** Why AWS has to be a kind one. */
  kind?: string;
  /** Lines of the [store] table; a file without it. */
  store?: StoreLines;
}

type StoreLines = Record<string, string | number> | undefined;

async function nodeOver(store: StoreLines): Promise<{ fixture: TokenFixture; node: InProcessNode }> {
  const fixture = await createSoftHsmToken();
  const node = await InProcessNode.start({
    ...{ tokens: [{ fixture }], hostNames: [hostName, secondHostName] },
    ...(store === undefined ? {} : { store }),
  });
  return { fixture, node };
}

export async function openStage({
  time: given = {},
  settings = {},
  kind,
  store,
}: StageOptions = {}): Promise<Stage> {
  const { fixture, node } = await nodeOver(store);
  const resolve: Record<string, string> = {
    [hostName]: `127.0.0.1:${node.port}`,
    [secondHostName]: `127.0.0.1:${node.port}`,
  };
  // The machine of the tests is busier than AWS's 250 ms allow for.
  const time = { connectMs: 60_000, disconnectMs: 60_000, xksTimeoutMs: 20_000, ...given };
  const clock = { ahead: 0 };
  const now = () => new Date(Date.now() + clock.ahead);
  const { simulator, kindly } = await startAws({
    resolve,
    xksCa: readFileSync(node.ca.certificate, 'utf8'),
    time,
    spreadClock: now,
    ...(kind === undefined ? {} : { kind }),
  });
  // A kind AWS fails where it is told to: that is to be seen.
  const aws = clientsOf(simulator, { ...(kind === undefined ? {} : { maxAttempts: 1 }), ...settings });
  const awsOnce = clientsOf(simulator, { ...settings, maxAttempts: 1 });
  return node.withVault(async ({ vaultContext, vaultId }) => {
    const user: Actor = { kind: 'user', id: randomUUID(), name: 'ada' };
    let starts = 1;
    return {
      node,
      simulator,
      resolve,
      aws,
      time,
      kindly,
      clock,
      vaultId,
      vaultContext: { ...vaultContext, aws, now },
      once: { ...vaultContext, aws: awsOnce, now },
      group: await insertGroup(vaultContext.store, vaultId, 'Cloud Admin Group'),
      restarted: () => ({ ...vaultContext, aws, now, instance: `test-node/${++starts}` }),
      act: ({ actor = user, idempotencyKey } = {}) => ({
        actor,
        address: '192.0.2.7',
        requestId: randomUUID(),
        at: now(),
        now,
        authority: ownAuthority,
        ...(idempotencyKey === undefined
          ? {}
          : { idempotency: { key: idempotencyKey, requestHash: Buffer.from(idempotencyKey) } }),
      }),
      dispose: async () => {
        aws.close();
        awsOnce.close();
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
  { vaultContext, act, vaultId, group, simulator }: Stage,
  {
    account = simulator.account(),
    csp = {},
    ...input
  }: { account?: SimulatedAccount; csp?: Partial<CspAccountInput> } & Partial<KeySetInput> = {},
): Promise<KeySetInAws> {
  const cspAccount = await createCspAccount(vaultContext, act(), vaultId, 'all', {
    name: fresh('csp-account'),
    adminGroupId: group,
    type: 'access-key',
    defaultRegion: 'eu-central-1',
    accessKeyId: account.accessKeyId,
    secretAccessKey: new Secret(account.secretAccessKey),
    ...csp,
  });
  const name = fresh('set');
  const keySet = await createKeySet(vaultContext, act(), vaultId, 'all', {
    name,
    token: 'token',
    pathPrefix: name,
    cspAccountId: cspAccount.id,
    ...input,
  });
  return { keySet, account, cspAccountId: cspAccount.id };
}

export const region = 'eu-central-1';

/** The external key store of the key set in {@link region}, as it is in the records; undefined where there is none. */
export async function storeOf(
  { vaultContext }: Pick<Stage, 'vaultContext'>,
  keySet: KeySet,
  where = region,
): Promise<ExternalKeyStore | undefined> {
  return vaultContext.store.db
    .selectFrom('external_key_stores')
    .selectAll()
    .where('key_set_id', '=', keySet.id)
    .where('region', '=', where)
    .executeTakeFirst();
}

/** What AWS has in the Region, whatever it shows to others. */
export async function inAws(
  { once: vaultContext, simulator }: Pick<Stage, 'once' | 'simulator'>,
  { cspAccountId }: Pick<KeySetInAws, 'cspAccountId'>,
  where = region,
): Promise<AwsKeyStore[]> {
  const account = await vaultContext.store.db
    .selectFrom('csp_accounts')
    .selectAll()
    .where('id', '=', cspAccountId)
    .executeTakeFirstOrThrow();
  simulator.settle();
  return listKeyStores(await awsAccountOf(vaultContext, account, where), where);
}

/** Access key ids of the key set's live credentials, the oldest first. */
export async function liveCredentials(
  { vaultContext }: Pick<Stage, 'vaultContext'>,
  keySet: KeySet,
): Promise<string[]> {
  const { items } = await listCredentials(vaultContext, keySet, { limit: 200 });
  return items
    .filter((credential) => credentialState(credential, vaultContext.now()) === 'LIVE')
    .map((credential) => credential.access_key_id);
}

/** Makes the external key store of a new key set and has AWS connect it. */
export async function newConnected(
  stage: Stage,
  input: Parameters<typeof newKeySetInAws>[1] = {},
): Promise<KeySetInAws & { store: ExternalKeyStore }> {
  const made = await newKeySetInAws(stage, input);
  const { vaultContext, act } = stage;
  const store = await createExternalKeyStore(vaultContext, act(), made.keySet, {
    region,
    connectivity: 'PUBLIC_ENDPOINT',
    uriEndpoint: endpoint,
    connect: true,
  }).catch(async (error: unknown) => {
    // An answer was lost: it is looked for, and gone on with.
    const row = await storeOf(stage, made.keySet);
    if (row === undefined) throw error;
    return row;
  });
  return { ...made, store: await untilConnected(stage, made, store) };
}

/** What AWS does not show yet is gone on with once it does. */
export async function untilConnected(
  { vaultContext, act, simulator }: Stage,
  { keySet }: Pick<KeySetInAws, 'keySet'>,
  { id }: Pick<ExternalKeyStore, 'id'>,
): Promise<ExternalKeyStore> {
  let store: ExternalKeyStore | undefined;
  for (let looks = 0; looks < 6 && store?.state !== 'CONNECTED'; looks++) {
    simulator.settle();
    store = await refreshExternalKeyStore(vaultContext, act(), { keySet, id });
    const isAsked =
      store?.state === 'CONNECTING' || (store?.state === 'DISCONNECTED' && store.wanted === null);
    if (isAsked) await simulator.kms.connected(store?.custom_key_store_id ?? '');
  }
  if (store?.state !== 'CONNECTED') throw new Error(`it is ${store?.state ?? 'gone'}`);
  return store;
}

/** What the watch makes of everything in the next hour, AWS being quick: until nothing is wanted any more. */
export async function anHourOfWatching(
  stage: Stage,
  vaultContext: AwsContext & KeyContext = stage.vaultContext,
): Promise<void> {
  for (let minutes = 0; minutes < 60; minutes += 6) {
    stage.clock.ahead += 6 * 60_000;
    await runDue(keyStoreLooks, vaultContext);
    const stores = await vaultContext.store.db.selectFrom('external_key_stores').selectAll().execute();
    const underWay = stores.filter(({ state, wanted }) => wanted !== null || state.endsWith('ING'));
    if (underWay.length === 0) return;
    for (const { custom_key_store_id: id } of underWay)
      if (id !== '') await stage.simulator.kms.settled(id, { now: true }).catch(() => undefined);
  }
}
