import { randomBytes, randomUUID } from 'node:crypto';
import type { ShownNode } from '../../src/fleet/shown-node.ts';
import type { Route } from '../../src/admin/route.ts';
import { wantedOfKmsKey } from '../../src/cloud/kms-keys/acts.ts';
import { disconnectExternalKeyStore } from '../../src/cloud/key-stores/key-stores.ts';
import { refreshExternalKeyStore } from '../../src/cloud/key-stores/watch.ts';
import type { Tables } from '../../src/store/schema.ts';
import type { AdminClient } from '../support/admin-client.ts';
import {
  newConnected,
  newKeySetInAws,
  type KeySetInAws,
  type Stage,
} from '../../testing/external-key-store-stage.ts';
import { newKmsKey, on } from '../../testing/kms-key-stage.ts';
import { TestAwsAccount } from '../support/aws-users.ts';
import { fullBody } from './right-bodies.ts';
import { made } from './two-vaults.ts';

/** What acts of the API are done on: a vault whose key sets are in an AWS that answers. */
export interface World {
  stage: Stage;
  boss: AdminClient;
  admin: AdminClient;
  providerInput: Record<string, unknown>;
  password: string;
  /** Somebody new in the vault, who has signed in. */
  person: () => Promise<AdminClient>;
}

/** The record that a route changes, and the row that its ETag is of. */
export interface OnRecord {
  params: Record<string, string>;
  /** Undefined for a route whose record has no ETag. */
  row?: { table: keyof Tables; key: string; id: string };
  query?: string;
  body?: unknown;
  client?: AdminClient;
  /** For whoever comes next. */
  undo?: () => Promise<unknown>;
}

let count = 0;
export const freshName = () => `n${++count}-${randomUUID().slice(0, 8)}`;

const vaultPath = ({ stage }: World) => `/vaults/${stage.vaultId}`;

async function act(client: AdminClient, method: string, path: string, body?: unknown): Promise<void> {
  const { status, text } = await client.request(method, path, { body, ifMatch: '*' });
  if (status >= 300) throw new Error(`${method} ${path}: ${status} ${text}`);
}

async function newVault({ boss }: World) {
  const name = freshName();
  const administrator = { username: 'first', name: 'First', email: 'first@example.com' };
  const { id } = (await made(boss, '/vaults', { name, administrator })) as { id: string };
  return { name, params: { vaultId: id }, row: { table: 'vaults' as const, key: 'id', id } };
}

async function newUser({ boss, admin, ...world }: World, ofAppliance: boolean) {
  const user = { username: freshName(), email: 'x@example.com' };
  const { id } = (await (ofAppliance
    ? made(boss, '/users', { ...user, role: 'appliance-auditor' })
    : made(admin, `/vaults/${world.stage.vaultId}/users`, { ...user, role: 'auditor' }))) as { id: string };
  return { params: { userId: id }, row: { table: 'users' as const, key: 'id', id } };
}

/** An API key, or a session, of somebody new. */
async function newAccess(world: World, { path }: Route) {
  const { userId } = (await newUser(world, !path.startsWith('/vaults'))).params;
  const { store, now } = world.stage.vaultContext;
  const at = now().toISOString();
  const id = randomUUID();
  const row = { id, hash: randomBytes(32), user_id: userId, created_at: at };
  const expires_at = new Date(now().getTime() + 86_400_000).toISOString();
  if (path.endsWith('{apiKeyId}')) {
    const key = { ...row, name: freshName(), scope: '["vault.read"]', expires_at };
    await store.db.insertInto('api_keys').values(key).execute();
    return { params: { apiKeyId: id } };
  }
  const from = { method: 'password', address: '192.0.2.7', user_agent: 'test' } as const;
  const session = { ...row, ...from, state: 'ACTIVE', last_seen_at: at, expires_at } as const;
  await store.db.insertInto('sessions').values(session).execute();
  return { params: { sessionId: id } };
}

async function newGroup(world: World) {
  const { id } = (await made(world.admin, `${vaultPath(world)}/admin-groups`, { name: freshName() })) as {
    id: string;
  };
  return { params: { groupId: id }, row: { table: 'admin_groups' as const, key: 'id', id } };
}

async function newAccount(world: World) {
  const input = { name: freshName(), adminGroupId: world.stage.group, awsAccountId: '123456789012' };
  const { id } = (await made(world.admin, `${vaultPath(world)}/csp-accounts`, input)) as { id: string };
  return { params: { cspAccountId: id }, row: { table: 'csp_accounts' as const, key: 'id', id } };
}

/** With the access key of an IAM user, which has been there for long. */
async function accountInAws({ stage }: World) {
  const account = new TestAwsAccount(stage.simulator);
  const { accessKeyId, secretAccessKey } = await account.user();
  const { cspAccountId: id } = await newKeySetInAws(stage, {
    account: account.account,
    csp: { accessKeyId, secretAccessKey },
  });
  await stage.vaultContext.store.db
    .updateTable('csp_access_keys')
    .set({ created_at: new Date(Date.now() - 86_400_000).toISOString() })
    .where('csp_account_id', '=', id)
    .execute();
  return { params: { cspAccountId: id }, row: { table: 'csp_accounts' as const, key: 'id', id } };
}

export async function newSet(world: World) {
  const name = freshName();
  const input = { name, adminGroupId: world.stage.group, token: 'token', pathPrefix: name };
  const { id } = (await made(world.admin, `${vaultPath(world)}/key-sets`, input)) as { id: string };
  return { params: { keySetId: id }, row: { table: 'key_sets' as const, key: 'id', id } };
}

async function newCredential(world: World) {
  const { params } = await newSet(world);
  const path = `${vaultPath(world)}/key-sets/${params.keySetId}/credentials`;
  const { accessKeyId: id } = (await made(world.admin, path, {})) as { accessKeyId: string };
  return {
    params: { ...params, accessKeyId: id },
    row: { table: 'xks_credentials' as const, key: 'access_key_id', id },
  };
}

async function storeByHand(world: World) {
  const { params } = await newSet(world);
  const path = `${vaultPath(world)}/key-sets/${params.keySetId}/external-key-stores`;
  const input = { region: 'eu-central-1', uriEndpoint: 'https://xks.example.com' };
  const { id } = (await made(world.admin, path, input)) as { id: string };
  return {
    params: { ...params, externalKeyStoreId: id },
    row: { table: 'external_key_stores' as const, key: 'id', id },
  };
}

async function storeInAws({ stage }: World) {
  const { keySet, store } = await newConnected(stage);
  const params = { keySetId: keySet.id, externalKeyStoreId: store.id };
  return { keySet, params, row: { table: 'external_key_stores' as const, key: 'id', id: store.id } };
}

export async function newKey(world: World) {
  const { params } = await newSet(world);
  const input = { keySetId: params.keySetId, name: freshName(), kmsKey: false };
  const { id } = (await made(world.admin, `${vaultPath(world)}/cloud-keys`, input)) as { id: string };
  return { params: { cloudKeyId: id }, row: { table: 'cloud_keys' as const, key: 'id', id } };
}

let shared: Promise<KeySetInAws> | undefined;

async function newPointer({ stage }: World) {
  shared ??= newConnected(stage);
  const { cloudKey, kmsKeyRecord } = await newKmsKey(stage, await shared);
  return {
    kmsKeyRecord,
    params: { cloudKeyId: cloudKey.id, kmsKeyId: kmsKeyRecord.id },
    row: { table: 'kms_keys' as const, key: 'id', id: kmsKeyRecord.id },
  };
}

/** As the act finds it: drained before it is not, down before it is removed; and another is up. */
async function newNode({ stage }: World, operation: string): Promise<OnRecord> {
  const { store, now } = stage.vaultContext;
  const seen = now().toISOString();
  const [id, other] = [randomUUID(), randomUUID()];
  const shown = JSON.stringify({
    ...{ tokens: [], database: { kind: 'sqlite', durability: null, problems: [] }, clockOffset: null },
    ...{ revision: 0, serves: true, manages: true, boot: null, sharesQuotas: true, unkept: null },
    quotas: null,
  } satisfies ShownNode);
  const node = { shown, hostname: 'a-node', version: '1', started_at: seen, last_seen_at: seen };
  await store.db
    .insertInto('nodes')
    .values([
      {
        ...{ ...node, id, ended_at: operation === 'removeNode' ? seen : null },
        drained_at: operation === 'undrainNode' ? seen : null,
      },
      { ...node, id: other, ended_at: null, drained_at: null },
    ])
    .execute();
  const undo = async () => store.db.deleteFrom('nodes').where('id', 'in', [id, other]).execute();
  return { params: { nodeId: id }, undo };
}

async function newReplacedToken({ stage }: World): Promise<OnRecord> {
  const { store, now } = stage.vaultContext;
  const id = randomUUID();
  const row = { id, token: 'token', serials: '["1"]', replaced_at: now().toISOString() };
  await store.db.insertInto('replaced_tokens').values(row).execute();
  const undo = async () => store.db.deleteFrom('replaced_tokens').where('id', '=', id).execute();
  const params = { token: 'token', replacedId: id };
  return { params, row: { table: 'replaced_tokens' as const, key: 'id', id }, undo };
}

/** By the last parameter of its path. */
const byParameter: Readonly<Record<string, (world: World, route: Route) => Promise<OnRecord>>> = {
  userId: async (world, route) => newUser(world, !route.path.startsWith('/vaults')),
  apiKeyId: newAccess,
  sessionId: newAccess,
  groupId: newGroup,
  memberId: async (world) => ({
    params: { ...(await newGroup(world)).params, ...(await newUser(world, false)).params },
  }),
  cspAccountId: newAccount,
  keySetId: newSet,
  accessKeyId: newCredential,
  externalKeyStoreId: storeByHand,
  cloudKeyId: newKey,
  kmsKeyId: newPointer,
  token: async () => ({ params: { token: 'token' } }),
  replacedId: newReplacedToken,
  nodeId: async (world, { operation }) => newNode(world, operation),
  vaultId: async () => ({ params: {} }),
};

/** Of acts on something that is to be in a state of its own first. */
const special: Readonly<Record<string, (world: World, route: Route) => Promise<OnRecord>>> = {
  updateVault: newVault,
  freezeVault: newVault,
  deleteVault: async (world) => {
    const vault = await newVault(world);
    return { ...vault, query: `?confirm=${vault.name}` };
  },
  resetVaultAdministrator: newVault,
  thawVault: async (world) => {
    const vault = await newVault(world);
    await act(world.boss, 'POST', `/vaults/${vault.params.vaultId}/freeze`, {});
    return vault;
  },
  ...Object.fromEntries(
    ['put', 'delete', 'get']
      .flatMap((act) => [`${act}OidcProvider`, `${act}VaultOidcProvider`])
      .map((one) => [
        one,
        async (world: World) => {
          const ofVault = one.includes('Vault');
          const path = `${ofVault ? vaultPath(world) : ''}/oidc-provider`;
          await act(ofVault ? world.admin : world.boss, 'PUT', path, world.providerInput);
          const id = ofVault ? world.stage.vaultId : '';
          return {
            params: {},
            row: { table: 'oidc_providers' as const, key: 'vault_id', id },
            body: one.startsWith('put') ? { ...world.providerInput, clientId: freshName() } : undefined,
          };
        },
      ]),
  ),
  ...Object.fromEntries(
    ['putMail', 'deleteMail', 'getMail'].map((one) => [
      one,
      async ({ boss }: World) => {
        const mail = { host: 'mail.example.com', port: 25, security: 'starttls', from: 'x@example.com' };
        await act(boss, 'PUT', '/mail', mail);
        return {
          params: {},
          row: { table: 'settings' as const, key: 'name', id: 'mail' },
          body: one === 'putMail' ? { ...mail, from: 'y@example.com' } : undefined,
        };
      },
    ]),
  ),
  removeAdminGroupMember: async (world) => {
    const params = { ...(await newGroup(world)).params, ...(await newUser(world, false)).params };
    await act(
      world.admin,
      'PUT',
      `${vaultPath(world)}/admin-groups/${params.groupId}/members/${params.userId}`,
    );
    return { params };
  },
  checkCspAccount: accountInAws,
  rotateCspAccessKey: accountInAws,
  thawKeySet: async (world) => {
    const set = await newSet(world);
    await act(world.admin, 'POST', `${vaultPath(world)}/key-sets/${set.params.keySetId}/freeze`);
    return set;
  },
  thawKeySets: async (world) => {
    const { keySetId } = (await newSet(world)).params;
    await act(world.admin, 'POST', `${vaultPath(world)}/key-sets/${keySetId}/freeze`);
    return { params: {}, body: { keySets: [keySetId] } };
  },
  freezeAllVaults: async ({ boss, admin, stage }) => ({
    params: {},
    body: {},
    undo: async () => {
      await act(boss, 'POST', `/vaults/${stage.vaultId}/thaw`, {});
      await act(admin, 'POST', `/vaults/${stage.vaultId}/thaw`, {});
    },
  }),
  ...Object.fromEntries(
    ['createApplianceAuditPruning', 'createAuditPruning'].map((one) => [
      one,
      async ({ stage }: World) => ({ params: {}, undo: async () => endPrunings(stage) }),
    ]),
  ),
  freezeKeySets: async (world) => ({
    params: {},
    body: { keySets: [(await newSet(world)).params.keySetId] },
  }),
  acknowledgeFinding: async (world) => newFinding(world, world.boss, ''),
  withdrawAcknowledgement: async (world) => acknowledged(world, world.boss, ''),
  acknowledgeVaultFinding: async (world) => newFinding(world, world.admin, vaultPath(world)),
  withdrawVaultAcknowledgement: async (world) => acknowledged(world, world.admin, vaultPath(world)),
  createExternalKeyStore: newSet,
  linkExternalKeyStore: async (world) => ({
    params: (await newSet(world)).params,
    body: { region: 'eu-west-1', customKeyStoreId: `cks-${randomUUID().replaceAll('-', '').slice(0, 17)}` },
  }),
  issueCredential: newSet,
  connectExternalKeyStore: async (world) => {
    const { keySet, params, row } = await storeInAws(world);
    const { vaultContext, simulator } = world.stage;
    await disconnectExternalKeyStore(vaultContext, world.stage.act(), { keySet, id: row.id });
    simulator.settle();
    for (let looks = 0; looks < 20; looks++) {
      const now = await refreshExternalKeyStore(vaultContext, world.stage.act(), { keySet, id: row.id });
      if (now?.state === 'DISCONNECTED') break;
      await simulator.kms.settled(now?.custom_key_store_id ?? '', { now: true });
    }
    return { params, row };
  },
  disconnectExternalKeyStore: storeInAws,
  refreshExternalKeyStore: storeInAws,
  rotateExternalKeyStoreCredential: storeInAws,
  enableCloudKey: async (world) => {
    const key = await newKey(world);
    await act(world.admin, 'POST', `${vaultPath(world)}/cloud-keys/${key.params.cloudKeyId}/disable`);
    return key;
  },
  cancelCloudKeyDeletion: async (world) => {
    const key = await newKey(world);
    await act(
      world.admin,
      'POST',
      `${vaultPath(world)}/cloud-keys/${key.params.cloudKeyId}/schedule-deletion`,
      {
        days: 7,
      },
    );
    return key;
  },
  createKmsKey: async (world) => {
    const { params } = await storeByHand(world);
    const input = { keySetId: params.keySetId, name: freshName(), kmsKey: false, region: 'eu-central-1' };
    const { id } = (await made(world.admin, `${vaultPath(world)}/cloud-keys`, input)) as { id: string };
    return { params: { cloudKeyId: id }, body: {} };
  },
  deleteKmsKey: async (world) => ({ ...(await newPointer(world)), query: '?aws=keep' }),
  cancelKmsKeyDeletion: async (world) => {
    const { stage } = world;
    const pointer = await newPointer(world);
    await wantedOfKmsKey(
      stage.vaultContext,
      stage.act(),
      on(stage, pointer.kmsKeyRecord),
      'SCHEDULE_DELETION',
      7,
    );
    return pointer;
  },
  applyKmsKey: async (world) => ({ ...(await newPointer(world)), body: { what: ['description'] } }),
  previewCloudKey: async (world) => ({
    params: {},
    body: { keySetId: (await newSet(world)).params.keySetId, name: freshName() },
  }),
  createCloudKey: async (world) => ({
    params: {},
    body: { keySetId: (await newSet(world)).params.keySetId, name: freshName(), kmsKey: false },
  }),
  endSession: async ({ person }) => {
    const client = await person();
    const { body } = await client.get('/session');
    return { params: { sessionId: (body as { id: string }).id }, client };
  },
  applyLostChanges: lostChange,
  leaveLostChanges: lostChange,
  revokeApiKey: newApiKey,
  getApiKey: newApiKey,
  listCspPrincipals: accountInAws,
  listExternalKeyStoreCandidates: storeInAws,
  listUnlinkedKmsKeys: storeInAws,
  ...Object.fromEntries(
    ['getApplianceAuditPruning', 'getAuditPruning', 'getReconciliation', 'getVaultReconciliation'].map(
      (one) => [one, async (world: World) => asked(world, one)],
    ),
  ),
};

/** A key set that somebody has frozen, as the status tells it. */
async function newFinding(world: World, client: AdminClient, place: string): Promise<OnRecord> {
  const keySet = `${vaultPath(world)}/key-sets/${(await newSet(world)).params.keySetId}`;
  await act(world.admin, 'POST', `${keySet}/freeze`);
  const { body } = await client.get(`${place}/status`);
  const { findings } = body as { findings: { trouble: string; fingerprint: string | null }[] };
  const fingerprint = findings.find(({ trouble }) => trouble === 'KEY_SET_FROZEN')?.fingerprint;
  return {
    params: {},
    body: { fingerprint, note: 'kept for the auditors' },
    undo: async () => act(world.admin, 'POST', `${keySet}/thaw`),
  };
}

async function acknowledged(world: World, client: AdminClient, place: string): Promise<OnRecord> {
  const finding = await newFinding(world, client, place);
  const { fingerprint } = finding.body as { fingerprint: string };
  await act(client, 'POST', `${place}/status/acknowledge`, finding.body);
  return { ...finding, body: { fingerprint } };
}

/** On which nobody has decided. */
async function lostChange({ stage }: World): Promise<OnRecord> {
  const id = randomUUID().replaceAll('-', '').slice(0, 24);
  const { store, now } = stage.vaultContext;
  await store.db
    .insertInto('lost_changes')
    .values({
      ...{
        id,
        revision: 1,
        mark: 'lost',
        kind: 'nothing',
        name: '',
        taken: '{}',
        node_id: 'n',
        hostname: 'h',
      },
      ...{ noticed_at: now().toISOString(), decided_at: null, decision: null },
    })
    .execute();
  return { params: {}, body: { lostChanges: [id] } };
}

async function newApiKey({ person }: World) {
  const client = await person();
  const expiresAt = new Date(Date.now() + 86_400_000).toISOString();
  const key = { name: freshName(), scope: ['vault.read'], expiresAt };
  const { id } = (await made(client, '/user/api-keys', key)) as { id: string };
  return { params: { apiKeyId: id }, client };
}

/** What is asked for first, to be looked at then. */
async function asked({ boss, admin, stage }: World, operation: string) {
  const ofVault = !/Appliance|getReconciliation/.test(operation);
  const isPruning = operation.includes('Pruning');
  const [client, place] = ofVault ? [admin, `/vaults/${stage.vaultId}`] : [boss, ''];
  const path = `${place}/${isPruning ? 'audit-prunings' : 'reconciliations'}`;
  const body = fullBody(isPruning ? 'createAuditPruning' : 'createReconciliation', {} as never);
  const { id } = (await made(client, path, body)) as { id: string };
  return {
    params: { [isPruning ? 'pruningId' : 'reconciliationId']: id },
    undo: async () => (isPruning ? endPrunings(stage) : undefined),
  };
}

/** One of a trail at a time. */
async function endPrunings({ vaultContext }: Stage) {
  return vaultContext.store.db
    .updateTable('audit_prunings')
    .set({ state: 'REFUSED', problem: 'over', ended_at: new Date().toISOString() })
    .where('ended_at', 'is', null)
    .execute();
}

/** What the route is asked with, so that it does what it is there for. */
export async function caseOf(
  world: World,
  route: Route,
  { inItsState = true } = {},
): Promise<OnRecord & { client: AdminClient }> {
  const last = [...route.path.matchAll(/\{(\w+)\}/g)].at(-1)?.[1];
  const prepare =
    (inItsState ? special[route.operation] : undefined) ??
    byParameter[route.path.includes('/members/') ? 'memberId' : (last ?? '')];
  const { access } = route;
  const ofAppliance = access.kind === 'permission' && access.appliance !== undefined;
  const one: OnRecord = prepare === undefined ? { params: {} } : await prepare(world, route);
  const body =
    'body' in one
      ? one.body
      : fullBody(route.operation, {
          fresh: freshName(),
          soon: new Date(Date.now() + 86_400_000).toISOString(),
          password: world.password,
          recoveryCode: 'A'.repeat(20),
          permission: 'vault.read',
          administrator: 'first',
          group: world.stage.group,
          keySet: '',
          provider: world.providerInput,
        });
  const client = access.kind === 'own' ? await world.person() : ofAppliance ? world.boss : world.admin;
  return {
    client,
    ...one,
    params: { vaultId: world.stage.vaultId, ...one.params },
    body,
  };
}

export function pathOf(route: Route, { params, query = '' }: OnRecord): string {
  return route.path.replaceAll(/\{(\w+)\}/g, (_, name: string) => params[name] ?? '') + query;
}
