import { KMSClient } from '@aws-sdk/client-kms';
import anyTest, { type TestFn } from 'ava';
import fc from '../../testing/properties.ts';
import { AwsError } from '../../src/cloud/aws/aws-error.ts';
import type { AwsAccount } from '../../src/cloud/aws/clients.ts';
import type { AwsKeyStore, ConnectionState } from '../../src/cloud/aws/key-stores.ts';
import { Waiting } from '../../src/cloud/controller/resource.ts';
import { updateExternalKeyStore } from '../../src/cloud/key-stores/edits.ts';
import {
  connectExternalKeyStore,
  createExternalKeyStore,
  deleteExternalKeyStore,
  disconnectExternalKeyStore,
  rotateStoreCredential,
} from '../../src/cloud/key-stores/key-stores.ts';
import type { ExternalKeyStore } from '../../src/cloud/key-stores/records.ts';
import type { StoreRow } from '../../src/cloud/key-stores/row.ts';
import { nextOfMade } from '../../src/cloud/key-stores/steps.ts';
import { readDetails, writeDetails, type WantedDetails } from '../../src/cloud/key-stores/wanted.ts';
import { refreshExternalKeyStore, keyStoreLooks } from '../../src/cloud/key-stores/watch.ts';
import { runDue } from '../../src/cloud/controller/scheduled.ts';
import type { MadeCredential } from '../../src/keys/credentials/credential-making.ts';
import type { KeySet } from '../../src/keys/key-sets/key-sets.ts';
import { VaultError } from '../../src/vault/vault-error.ts';
import {
  anHourOfWatching,
  endpoint,
  inAws,
  liveCredentials,
  newConnected,
  newKeySetInAws,
  openStage,
  region,
  secondHostName,
  storeOf,
  type KeySetInAws,
  type Stage,
} from '../../testing/external-key-store-stage.ts';
import { fresh } from '../../testing/vault.ts';

/*
 * Whatever people want of a key store, in whatever order, while AWS loses, refuses and shows late what it will: it comes to
 * what is wanted, and nothing is sent that is not on record before.
 */

const test = anyTest as TestFn<Stage>;

test.before(async (t) => {
  t.context = await openStage({ kind: 'each run here has troubles of its own, and worse ones' });
});
test.after.always(async (t) => t.context.dispose());

const shown = {
  ...{ id: 'cks-1', name: 'as it is', uriEndpoint: endpoint, uriPath: '/kms/xks/v1', connectionError: '' },
  ...{ connectivity: 'PUBLIC_ENDPOINT', vpcEndpointServiceName: '', vpcEndpointServiceOwner: '' },
  ...{ accessKeyId: 'OLD', createdAt: undefined },
} as unknown as AwsKeyStore;
const recorded = {
  ...{ id: 'store', custom_key_store_id: shown.id, name: shown.name, uri_endpoint: endpoint, region },
  ...{ access_key_id: 'OLD', pending_access_key_id: '', problem: null, credentials: new Map() },
  ...{ state: 'CONNECTED', made_at: null, updated_at: new Date(0).toISOString() },
} as unknown as StoreRow;

type Want = (stage: Stage, on: { keySet: KeySet; id: string }) => Promise<unknown>;

const wants: Record<string, Want> = {
  create: async ({ vaultContext, act }, { keySet }) =>
    createExternalKeyStore(vaultContext, act(), keySet, {
      ...{ region, connectivity: 'PUBLIC_ENDPOINT', uriEndpoint: endpoint, connect: true },
    }),
  connect: async ({ vaultContext, act }, on) => connectExternalKeyStore(vaultContext, act(), on),
  disconnect: async ({ vaultContext, act }, on) => disconnectExternalKeyStore(vaultContext, act(), on),
  rename: async ({ vaultContext, act }, on) =>
    updateExternalKeyStore(vaultContext, act(), on, { name: fresh('renamed') }),
  move: async ({ vaultContext, act }, on) =>
    updateExternalKeyStore(vaultContext, act(), on, {
      ...{ uriEndpoint: `https://${secondHostName}`, disconnect: true },
    }),
  rotate: async ({ vaultContext, act }, on) => rotateStoreCredential(vaultContext, act(), on, 60),
  delete: async ({ vaultContext, act }, on) =>
    deleteExternalKeyStore(vaultContext, act(), on, { disconnect: true }),
};

/** What comes next of what is wanted, by what AWS shows. */
const decisions: readonly [
  ExternalKeyStore['wanted'],
  WantedDetails,
  Readonly<Record<ConnectionState, string>>,
][] = [
  [null, {}, all('nothing')],
  ['CREATE', {}, all('nothing')],
  ['CONNECT', {}, { ...all('Connect'), DISCONNECTING: 'nothing', FAILED: 'Disconnect' }],
  ['CONNECT', { sent: true }, { ...all('Connect'), DISCONNECTING: 'nothing', FAILED: 'done' }],
  ['DISCONNECT', {}, all('Disconnect')],
  ['UPDATE', { change: { name: 'other' } }, all('Update')],
  ['UPDATE', { change: { name: 'as it is' } }, all('done')],
  ['UPDATE', { credential: { quietMinutes: 60 } }, all('Update')],
  [
    'UPDATE',
    { change: { uriEndpoint: `https://${secondHostName}` } },
    { ...all('refused'), DISCONNECTED: 'Update', DISCONNECTING: 'nothing' },
  ],
  [
    'UPDATE',
    { change: { uriEndpoint: `https://${secondHostName}` }, disconnect: true },
    { ...all('Disconnect'), DISCONNECTED: 'Update', DISCONNECTING: 'nothing' },
  ],
  ['DELETE', {}, { ...all('refused'), DISCONNECTED: 'Delete', DISCONNECTING: 'nothing' }],
  ['DELETE', { disconnect: true }, { ...all('Delete'), DISCONNECTING: 'nothing' }],
];

function all(next: string): Readonly<Record<ConnectionState, string>> {
  const states = ['CONNECTED', 'CONNECTING', 'FAILED', 'DISCONNECTING', 'DISCONNECTED'] as const;
  return Object.fromEntries(states.map((state) => [state, next])) as Record<ConnectionState, string>;
}

for (const [wanted, details, by] of decisions)
  test(`the next step of ${wanted ?? 'nothing'} ${JSON.stringify(details)}, by what AWS shows`, async (t) => {
    const row = { ...recorded, wanted, wanted_details: writeDetails(details) };
    const actual = await Promise.all(
      Object.keys(by).map(async (state) => {
        const seen = { ...shown, state: state as ConnectionState, before: state as ConnectionState };
        const at = { now: new Date(), by: 'watch' } as const;
        const makeCredential = () => Promise.resolve({ accessKeyId: 'NEW' } as MadeCredential);
        try {
          const step = await nextOfMade({ row, seen, at, makeCredential, aws: {} as AwsAccount });
          if (step === undefined) return [state, 'nothing'];
          if (step instanceof Waiting) return [state, 'waits'];
          return [state, step.changes ? step.operation.replace('CustomKeyStore', '') : 'done'];
        } catch (error) {
          return [state, error instanceof VaultError ? 'refused' : error];
        }
      }),
    );
    t.deepEqual(Object.fromEntries(actual), by);
  });

/** Stopped while a request of this operation is on its way, as by SIGSTOP or a machine that stands still. */
const holders: Record<
  string,
  { operation: string; begin: (stage: Stage) => Promise<Holding>; want: string }
> = {
  'making it': { operation: 'Create', begin: newKeySetInAws, want: 'create' },
  'connecting it': { operation: 'Connect', begin: async (stage) => made(stage), want: 'connect' },
  'renaming it': { operation: 'Update', begin: newConnected, want: 'rename' },
  'giving it a credential': { operation: 'Update', begin: newConnected, want: 'rotate' },
  'disconnecting it': { operation: 'Disconnect', begin: newConnected, want: 'disconnect' },
  'deleting it': { operation: 'Delete', begin: async (stage) => made(stage), want: 'delete' },
};
type Holding = KeySetInAws & { store?: ExternalKeyStore };

async function made(stage: Stage): Promise<Holding> {
  const set = await newKeySetInAws(stage);
  const { vaultContext, act } = stage;
  const store = await createExternalKeyStore(vaultContext, act(), set.keySet, {
    ...{ region, connectivity: 'PUBLIC_ENDPOINT', uriEndpoint: endpoint },
  });
  return { ...set, store };
}

for (const [name, { operation, begin, want }] of Object.entries(holders))
  for (const when of ['before it is sent', 'before its answer comes'] as const)
    test.serial(`${name}: who is stopped ${when} records nothing once another has taken over`, async (t) => {
      const stage = t.context;
      const set = await begin(stage);
      const on = { keySet: set.keySet, id: set.store?.id ?? '' };
      // What was just made does not show for a while.
      stage.clock.ahead += 11 * 60_000;
      const other = stage.restarted();
      let recordedByOther: ExternalKeyStore | undefined;
      let isStopped = false;
      const takeOver = async () => {
        isStopped = true;
        const row = await storeOf(stage, set.keySet);
        await refreshExternalKeyStore(other, stage.act(), { ...on, id: row?.id ?? '' });
        recordedByOther = await storeOf(stage, set.keySet);
      };
      const end = between(async (sent, _, send) => {
        if (sent !== operation || isStopped) return send();
        if (when === 'before it is sent') {
          await takeOver();
          return send();
        }
        const answer = await send();
        await takeOver();
        return answer;
      });
      t.teardown(end);
      await t.throwsAsync(async () => wants[want]?.(stage, on), {
        instanceOf: VaultError,
        message: /another process has taken this over meanwhile/,
      });
      end();
      t.true(isStopped);
      t.deepEqual(await storeOf(stage, set.keySet), recordedByOther, 'the late write is refused');
      await anHourOfWatching(stage, other);
      const row = await storeOf(stage, set.keySet);
      const there = await inAws(stage, set);
      t.deepEqual(
        there.map(({ id, name, state, accessKeyId }) => ({ id, name, state, accessKeyId })),
        row === undefined
          ? []
          : [
              {
                ...{ id: row.custom_key_store_id, name: row.name, state: row.state },
                accessKeyId: row.access_key_id,
              },
            ],
      );
      t.is(row === undefined, want === 'delete');
      if (row !== undefined) t.like(row, { wanted: null, pending_access_key_id: '' });
    });

const operations = ['Create', 'Connect', 'Update', 'Disconnect', 'Delete', 'Describe'] as const;
const happening = fc.oneof(
  { weight: 3, arbitrary: fc.record({ want: fc.constantFrom(...Object.keys(wants)) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      operation: fc.constantFrom(...operations),
      kind: fc.constantFrom('reset', '500', 'throttle', 'denied', 'answer-lost'),
      after: fc.nat(1),
    } as const),
  },
  { weight: 2, arbitrary: fc.record({ seconds: fc.constantFrom(6, 60, 400), isSettled: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ lateSeconds: fc.constantFrom(0, 20) }) },
);
type Happening = typeof happening extends fc.Arbitrary<infer H> ? H : never;

type Send = (command: { constructor: { name: string }; input: object }) => Promise<unknown>;

/** Has `on` between us and AWS for as long as it is not undone: it sends each request, or does something before. */
function between(on: (operation: string, input: object, send: () => Promise<unknown>) => Promise<unknown>) {
  // Called on the client that it was read from.
  // oxlint-disable-next-line typescript/unbound-method
  const usual = KMSClient.prototype.send as Send;
  KMSClient.prototype.send = async function (this: KMSClient, ...sent: Parameters<Send>) {
    const [{ constructor, input }] = sent;
    const operation = constructor.name.replace(/CustomKeyStores?Command$/, '');
    return on(operation, input, async () => Reflect.apply(usual, this, sent));
  } as KMSClient['send'];
  return () => {
    KMSClient.prototype.send = usual as KMSClient['send'];
  };
}

/** What of a request that is about to be sent the record does not say; `given`: the credentials that were sent before. */
function unrecorded(
  operation: string,
  input: object,
  row: ExternalKeyStore | undefined,
  given: Set<string>,
): string[] {
  const { XksProxyAuthenticationCredential: credential } = input as {
    XksProxyAuthenticationCredential?: { AccessKeyId: string };
  };
  const accessKeyId = credential?.AccessKeyId;
  const details = row === undefined ? {} : readDetails(row);
  const isOnRecord: Record<string, () => boolean> = {
    Create: () => row?.wanted === 'CREATE' && details.tried?.includes(accessKeyId ?? '') === true,
    Connect: () => row?.wanted === 'CONNECT' && details.sent === true,
    Update: () => row?.wanted === 'UPDATE',
    Disconnect: () => row !== undefined && row.wanted !== null && row.wanted !== 'CREATE',
    Delete: () => row?.wanted === 'DELETE',
  };
  const wrong = isOnRecord[operation]?.() === false ? [`${operation} of ${JSON.stringify(row)}`] : [];
  if (accessKeyId === undefined) return wrong;
  if (row?.pending_access_key_id !== accessKeyId) wrong.push(`${operation} with ${accessKeyId}`);
  if (given.has(accessKeyId)) wrong.push(`${accessKeyId} is sent twice`);
  given.add(accessKeyId);
  return wrong;
}

async function happen(stage: Stage, keySet: KeySet, event: Happening): Promise<(() => void) | undefined> {
  const { vaultContext, simulator, clock, time } = stage;
  const row = await storeOf(stage, keySet);
  if ('want' in event) {
    await wants[event.want]?.(stage, { keySet, id: row?.id ?? '' }).catch((error: unknown) => {
      if (!(error instanceof AwsError || error instanceof VaultError)) throw error;
    });
    return undefined;
  }
  if ('operation' in event) {
    const { operation, ...rule } = event;
    const action = operation === 'Describe' ? 'DescribeCustomKeyStores' : `${operation}CustomKeyStore`;
    return simulator.fault({ ...rule, service: 'kms', action, times: 1 });
  }
  if ('lateSeconds' in event) {
    time.consistencyMs = event.lateSeconds * 1000;
    return undefined;
  }
  clock.ahead += event.seconds * 1000;
  const id = row?.custom_key_store_id ?? '';
  if (event.isSettled && id !== '') await simulator.kms.settled(id, { now: true }).catch(() => undefined);
  await runDue(keyStoreLooks, vaultContext);
  return undefined;
}

/** Met by chance, in a run of all tests. */
const deletedAndWantedOtherwise: Happening[] = [
  { seconds: 60, isSettled: true },
  { want: 'disconnect' },
  { seconds: 60, isSettled: true },
  { operation: 'Delete', kind: 'answer-lost', after: 0 },
  { want: 'delete' },
  { want: 'disconnect' },
  { seconds: 6, isSettled: false },
];

test.serial(
  'whatever is wanted, and whatever AWS does: in the end AWS has what the record says',
  async (t) => {
    const stage = t.context;
    const { vaultContext, simulator, time } = stage;
    const given = new Set<string>();
    const wrong: string[] = [];
    await fc.assert(
      fc.asyncProperty(fc.array(happening, { minLength: 3, maxLength: 10 }), async (events) => {
        await vaultContext.store.db.deleteFrom('external_key_stores').execute();
        const made = await newKeySetInAws(stage);
        const { keySet } = made;
        const end = between(async (operation, input, send) => {
          wrong.push(...unrecorded(operation, input, await storeOf(stage, keySet), given));
          return send();
        });
        t.teardown(end);
        const undo: (() => void)[] = [];
        for (const event of [{ want: 'create' }, ...events]) {
          const lift = await happen(stage, keySet, event);
          if (lift !== undefined) undo.push(lift);
        }
        for (const lift of undo) lift();
        time.consistencyMs = 0;
        simulator.settle();
        await anHourOfWatching(stage);
        await anHourOfWatching(stage);
        end();
        const row = await storeOf(stage, keySet);
        const there = await inAws(stage, made);
        const of = JSON.stringify({ events, row, there });
        t.deepEqual(wrong.splice(0), [], of);
        if (row === undefined) {
          t.deepEqual(there, [], of);
          return;
        }
        // What AWS refused for certain is wanted no more, and says why.
        t.is(row.wanted, null, of);
        t.true(row.custom_key_store_id !== '' || row.problem !== null, of);
        t.is(row.pending_access_key_id, '', of);
        const live = await liveCredentials(stage, keySet);
        if (row.access_key_id !== '') t.true(live.includes(row.access_key_id), of);
        t.deepEqual(
          there.map(({ id, name, state, accessKeyId }) => ({ id, name, state, accessKeyId })),
          // Deleted by a request whose answer was lost, and wanted otherwise since: the record says that it is gone.
          row.custom_key_store_id === '' || row.state === 'NOT_FOUND'
            ? []
            : [
                {
                  ...{ id: row.custom_key_store_id, name: row.name, state: row.state },
                  accessKeyId: row.access_key_id,
                },
              ],
          of,
        );
      }),
      { numRuns: 12, examples: [[deletedAndWantedOtherwise]] },
    );
  },
);
