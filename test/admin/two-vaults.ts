import { randomUUID } from 'node:crypto';
import { openSession } from '../../src/identity/sessions.ts';
import { insertUser, newUser } from '../../src/identity/users.ts';
import type { Role } from '../../src/store/schema.ts';
import { AdminClient } from '../support/admin-client.ts';
import { TestNode } from '../../testing/test-node.ts';
import { createSoftHsmToken, type TokenFixture } from '../../testing/tokens.ts';
import { byHand } from '../../testing/by-hand.ts';

/** A vault with someone of each role, two admin groups, and one of everything that a vault has. */
export interface PeopledVault {
  id: string;
  name: string;
  admin: AdminClient;
  /** Of the vault's first admin group, which owns the key set. */
  cloudAdmin: AdminClient;
  /** Of another admin group, which owns nothing. */
  otherCloudAdmin: AdminClient;
  auditor: AdminClient;
  ids: {
    adminUser: string;
    cloudAdminUser: string;
    auditorUser: string;
    group: string;
    otherGroup: string;
    cspAccount: string;
    keySet: string;
    /** Looked after by hand. */
    externalKeyStore: string;
    credential: string;
    cloudKey: string;
    /** A KMS key record to a KMS key that is to be made by hand. */
    kmsKey: string;
  };
}

/** What users are written into: a whole node, or a part of one. */
export type UserPlace = Pick<TestNode, 'admin' | 'withStore'>;

export interface TwoVaults {
  node: TestNode;
  appliance: AdminClient;
  applianceAuditor: AdminClient;
  blue: PeopledVault;
  red: PeopledVault;
  dispose: () => Promise<void>;
}

/** A whole node with its management API, and two vaults that must not see each other. */
export async function startTwoVaults(): Promise<TwoVaults> {
  const fixture: TokenFixture = await createSoftHsmToken();
  const node = await TestNode.start({
    tokens: [{ fixture }],
    admin: { sign_ins_per_minute: 100_000, requests_per_minute: 1_000_000 },
  });
  const dispose = async () => {
    await node.dispose();
    await fixture.dispose();
  };
  try {
    const appliance = await addUser(node, '', 'boss', 'appliance-admin');
    const applianceAuditor = await addUser(node, '', 'watcher', 'appliance-auditor');
    const [blue, red] = [
      await peopledVault(node, appliance, 'blue'),
      await peopledVault(node, appliance, 'red'),
    ];
    return { node, appliance, applianceAuditor, blue, red, dispose };
  } catch (error) {
    await dispose();
    throw error;
  }
}

export async function peopledVault(
  node: UserPlace,
  appliance: AdminClient,
  name: string,
): Promise<PeopledVault> {
  const vault = await made(appliance, '/vaults', {
    name,
    description: `The ${name} vault`,
    administrator: { username: `${name}-admin`, name: 'Vault Administrator', email: `ada@${name}.example` },
  });
  const admin = await addUser(node, vault.id, `${name}-second`, 'vault-admin');
  const root = `/vaults/${vault.id}`;
  const groups = (await admin.get(`${root}/admin-groups`)).body as { items: { id: string }[] };
  const group = groups.items[0]?.id ?? '';
  const otherGroup = (await made(admin, `${root}/admin-groups`, { name: 'Other Group' })).id;
  const cloudAdmin = await addUser(node, vault.id, `${name}-cloud`, 'cloud-admin');
  const otherCloudAdmin = await addUser(node, vault.id, `${name}-other`, 'cloud-admin');
  const auditor = await addUser(node, vault.id, `${name}-auditor`, 'auditor');
  const userId = async (client: AdminClient) =>
    ((await client.get('/session')).body as { user: { id: string } }).user.id;
  const [cloudAdminUser, otherUser] = [await userId(cloudAdmin), await userId(otherCloudAdmin)];
  await ok(admin.request('PUT', `${root}/admin-groups/${group}/members/${cloudAdminUser}`));
  await ok(admin.request('PUT', `${root}/admin-groups/${otherGroup}/members/${otherUser}`));
  const cspAccount = (
    await made(admin, `${root}/csp-accounts`, {
      name: `${name}-account`,
      adminGroupId: group,
      type: 'manual',
      awsAccountId: '123456789012',
      defaultRegion: 'eu-central-1',
    })
  ).id;
  const keySet = (
    await made(admin, `${root}/key-sets`, {
      name: `${name}-keys`,
      adminGroupId: group,
      cspAccountId: cspAccount,
      token: 'token',
      pathPrefix: `${name}-prefix`,
    })
  ).id;
  const credential = (await made(admin, `${root}/key-sets/${keySet}/credentials`, {})).accessKeyId;
  const externalKeyStore = (
    await made(admin, `${root}/key-sets/${keySet}/external-key-stores`, {
      region: 'eu-central-1',
      uriEndpoint: 'https://xks.example.com',
    })
  ).id;
  const cloudKey = (
    await made(admin, `${root}/cloud-keys`, { keySetId: keySet, name: `${name}-key`, region: 'eu-central-1' })
  ).id;
  const kmsKey = (await made(admin, `${root}/cloud-keys/${cloudKey}/kms-keys`, {})).id;
  return {
    id: vault.id,
    name,
    admin,
    cloudAdmin,
    otherCloudAdmin,
    auditor,
    ids: {
      adminUser: await userId(admin),
      cloudAdminUser,
      auditorUser: await userId(auditor),
      group,
      otherGroup,
      cspAccount,
      keySet,
      externalKeyStore,
      credential,
      cloudKey,
      kmsKey,
    },
  };
}

/**
 * A user who has signed in already: row and session written into the node's store, since hashing the passwords of a
 * dozen people takes longer than the tests of what they may do. How people sign in is tested where that is the matter.
 */
export async function addUser(
  node: UserPlace,
  vaultId: string,
  username: string,
  role: Role,
): Promise<AdminClient> {
  const token = await node.withStore(async ({ vaultContext, act }) =>
    vaultContext.store.write(byHand, async (trx) => {
      const input = { username, email: `${username}@example.com`, role };
      const user = await insertUser(trx, act(), {
        ...newUser(vaultContext, vaultId, input),
        must_change_password: 0,
      });
      const limits = { idleMinutes: 15, maxMinutes: 60 };
      const from = { method: 'password', cookie: false, address: '127.0.0.1', userAgent: 'test' } as const;
      return (await openSession(trx, { context: vaultContext, limits }, act(), user, from)).token.reveal();
    }),
  );
  return new AdminClient(node.admin, token);
}

export function newPassword(): string {
  return `correct horse ${randomUUID()}`;
}

// The tests look into it field by field.
// oxlint-disable-next-line typescript/no-explicit-any -- parsed JSON of unknown shape
export async function made(client: AdminClient, path: string, body: unknown): Promise<any> {
  const answer = await client.post(path, body);
  if (answer.status !== 201) throw new Error(`POST ${path}: ${answer.status} ${answer.text}`);
  return answer.body as unknown;
}

async function ok(answer: ReturnType<AdminClient['request']>): Promise<void> {
  const { status, text } = await answer;
  if (status >= 300) throw new Error(`${status} ${text}`);
}
