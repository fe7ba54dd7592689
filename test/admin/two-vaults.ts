import { randomUUID } from 'node:crypto';
import { AdminClient } from '../support/admin-client.ts';
import { TestNode } from '../support/test-node.ts';
import { createSoftHsmToken, type TokenFixture } from '../support/tokens.ts';

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
    credential: string;
    cloudKey: string;
  };
}

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
  const nobody = new AdminClient(node.admin);
  const appliance = await nobody.firstSignIn(node.admin, newPassword());
  const applianceAuditor = await addUser(appliance, '/users', 'watcher', 'appliance-auditor');
  return {
    node,
    appliance,
    applianceAuditor,
    blue: await people(appliance, 'blue'),
    red: await people(appliance, 'red'),
    dispose: async () => {
      await node.dispose();
      await fixture.dispose();
    },
  };
}

async function people(appliance: AdminClient, name: string): Promise<PeopledVault> {
  const vault = await made(appliance, '/vaults', {
    name,
    description: `The ${name} vault`,
    administrator: { username: `${name}-admin`, name: 'Vault Administrator', email: `ada@${name}.example` },
  });
  const admin = await appliance.firstSignIn(
    { vaultId: vault.id, username: `${name}-admin`, password: vault.firstPassword },
    newPassword(),
  );
  const root = `/vaults/${vault.id}`;
  const groups = (await admin.get(`${root}/admin-groups`)).body as { items: { id: string }[] };
  const group = groups.items[0]?.id ?? '';
  const otherGroup = (await made(admin, `${root}/admin-groups`, { name: 'Other Group' })).id;
  const cloudAdmin = await addUser(admin, `${root}/users`, `${name}-cloud`, 'cloud-admin', vault.id);
  const otherCloudAdmin = await addUser(admin, `${root}/users`, `${name}-other`, 'cloud-admin', vault.id);
  const auditor = await addUser(admin, `${root}/users`, `${name}-auditor`, 'auditor', vault.id);
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
  const cloudKey = (
    await made(admin, `${root}/cloud-keys`, { keySetId: keySet, name: `${name}-key`, region: 'eu-central-1' })
  ).id;
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
      credential,
      cloudKey,
    },
  };
}

/** A user who has signed in and has their own password. */
export async function addUser(
  by: AdminClient,
  path: string,
  username: string,
  role: string,
  vaultId?: string,
): Promise<AdminClient> {
  const user = await made(by, path, { username, email: `${username}@example.com`, role });
  return by.firstSignIn(
    { username, password: user.firstPassword, ...(vaultId === undefined ? {} : { vaultId }) },
    newPassword(),
  );
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
