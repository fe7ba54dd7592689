import { setTimeout as delay } from 'node:timers/promises';
import { XksClient } from '../../testing/xks-client.ts';
import { addUser, made } from '../admin/two-vaults.ts';
import { hostName, type StoryVault } from '../story/story-vault.ts';
import type { ConsoleStage } from './stage.ts';

/** What a browser would run or follow, if it took text for anything else. */
export const markup = '<img src=x onerror=alert(1)><a href="javascript:alert(2)">x</a>';
/** In every name and text of the vault that is gone through, and nowhere else. */
export const mine = 'ledger';
/** In every name and text of the other vault. */
export const others = 'of-the-others';

/** Of everything that a vault has at least one, for the pages to show. */
export interface Furnished {
  vault: StoryVault;
  /** Under the names that addresses of pages have for them. */
  ids: Record<string, string>;
  /** Makes somebody a member of the group that owns it all. */
  join: (userId: string) => Promise<unknown>;
  /** Another vault, all of whose texts are markup. */
  other: { vault: StoryVault; ids: Record<string, string>; nodeId: string; report: string };
}

export async function furnish(stage: ConsoleStage): Promise<Furnished> {
  const { story } = stage;
  // It may have come back elsewhere since AWS was told.
  story.resolve[hostName] = `127.0.0.1:${story.node.port}`;
  const other = await furnishOther(stage);
  const account = story.simulator.account('444455556666');
  const signsIn = await story.user(account, 'holdfast', { '*': ['kms:*', 'iam:*', 'sts:*'] });
  const vault = await story.vault('pages');
  const cspAccount = await vault.cspAccount(`${mine}-account`, signsIn);
  const keySet = await vault.keySet(`${mine}-set`, cspAccount.id);
  const store = await vault.keyStore(keySet.id, 'eu-central-1', { name: `${mine}-store` });
  const key = await vault.cloudKey(keySet.id, `${mine}-key`, { region: 'eu-central-1' });
  const ids = {
    ...{ cspAccountId: cspAccount.id, keySetId: keySet.id, externalKeyStoreId: store.id },
    ...{ cloudKeyId: key.id, kmsKeyId: key.kmsKeys[0].id },
    doc: 'decommissioning',
    token: 'token',
    nodeId: other.nodeId,
    report: other.report,
  };
  // Written every few seconds, and by now for the most part.
  while ((await other.vault.get('/failed-requests')).items.length === 0) await delay(100);
  const join = async (userId: string) =>
    vault.client.request('PUT', `/vaults/${vault.id}/admin-groups/${vault.group}/members/${userId}`);
  return { vault, ids, join, other };
}

/** Looked after by hand: AWS has rules of its own for what it is told. */
async function furnishOther({ story }: ConsoleStage): Promise<Furnished['other']> {
  const { node } = story;
  const appliance = await addUser(node, '', 'boss-of-others', 'appliance-admin');
  const { id } = await made(appliance, '/vaults', {
    name: `others${markup}`,
    administrator: { username: 'eve', name: `Eve${markup}`, email: 'eve@example.com' },
  });
  const text = `${others}${markup}`;
  const vault = await story.vaultOf(await addUser(node, id, 'bob', 'vault-admin'), id);
  await vault.act('PATCH', '', { description: text });
  await vault.act('PATCH', `/admin-groups/${vault.group}`, { name: `${others}${markup}`, description: text });
  await vault.make('/users', {
    ...{
      username: 'mallory',
      displayName: `${others}${markup}`,
      email: 'mallory@example.com',
      role: 'auditor',
    },
  });
  const cspAccount = await vault.make('/csp-accounts', {
    ...{ name: `${others}${markup}`, description: text, adminGroupId: vault.group, type: 'manual' },
    ...{ awsAccountId: '777788889999', defaultRegion: 'eu-central-1' },
  });
  const keySet = await vault.keySet(others, cspAccount.id, { description: text });
  const credential = await vault.make(`/key-sets/${keySet.id}/credentials`, {});
  const store = await vault.make(`/key-sets/${keySet.id}/external-key-stores`, {
    ...{ region: 'eu-central-1', uriEndpoint: 'https://xks.example.com', name: `${others}${markup}` },
  });
  const key = await vault.make('/cloud-keys', {
    ...{ keySetId: keySet.id, name: others, description: text, region: 'eu-central-1' },
  });
  const kmsKey = await vault.make(`/cloud-keys/${key.id}/kms-keys`, {});
  await vault.do(`/key-sets/${keySet.id}`, 'freeze');
  // Whoever has a credential says who they are as they like.
  const xks = new XksClient(
    node.port,
    {
      uriPath: keySet.xksProxyUriPath,
      accessKeyId: credential.accessKeyId,
      secretAccessKey: credential.rawSecretAccessKey,
    },
    { ca: node.ca.certificate },
  );
  await xks.post('keys/nothing/metadata', {
    requestMetadata: {
      ...{ awsPrincipalArn: text, kmsOperation: 'DescribeKey', kmsRequestId: text },
    },
  });
  xks.agent.destroy();
  const nodes = await appliance.get('/nodes');
  const [own] = (nodes.body as { items: { id: string }[] }).items;
  // Of the start of the node: each vault sees its part of it.
  const reports = await appliance.get('/reconciliations');
  const [report] = (reports.body as { items: { id: string }[] }).items;
  appliance.close();
  return {
    vault,
    nodeId: own?.id ?? '',
    report: report?.id ?? '',
    ids: {
      ...{ cspAccountId: cspAccount.id, keySetId: keySet.id, externalKeyStoreId: store.id },
      ...{ cloudKeyId: key.id, kmsKeyId: kmsKey.id },
    },
  };
}
