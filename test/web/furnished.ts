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

/** Markup that says which field of the API it was sent in: it is there to be seen, as text. */
export function planted(field: string): string {
  return `${others} ${field} ${markup}`;
}

/** Of everything that a vault has at least one, for the pages to show. */
export interface Furnished {
  vault: StoryVault;
  /** Under the names that addresses of pages have for them. */
  ids: Record<string, string>;
  /** Makes somebody a member of the group that owns it all. */
  join: (userId: string) => Promise<unknown>;
  /** Another vault, all of whose texts are markup; and pages with what no list shows of it. */
  other: Other & { panels: readonly string[] };
}

interface Other {
  vault: StoryVault;
  ids: Record<'keySetId' | 'kmsKeyId', string> & Record<string, string>;
  nodeId: string;
  report: string;
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
  await apiKey(vault, `${mine}-program`);
  const ids = {
    ...{ cspAccountId: cspAccount.id, keySetId: keySet.id, externalKeyStoreId: store.id },
    ...{ cloudKeyId: key.id, kmsKeyId: key.kmsKeys[0].id },
    doc: 'decommissioning',
    token: 'token',
    nodeId: other.nodeId,
    report: other.report,
  };
  // Written every few seconds, and by now for the most part.
  const panels = [await panelOf(other, other.ids.keySetId), await panelOf(other, other.ids.kmsKeyId)];
  for (let items: { id: string }[] = []; items.length === 0; await delay(100)) {
    ({ items } = await other.vault.get('/failed-requests'));
    panels.push(...items.slice(0, 1).map((request) => `requests?request=${request.id}`));
  }
  const join = async (userId: string) =>
    vault.client.request('PUT', `/vaults/${vault.id}/admin-groups/${vault.group}/members/${userId}`);
  return { vault, ids, join, other: { ...other, panels } };
}

/** Where all of the last event about something is told. */
async function panelOf({ vault }: Other, target: string): Promise<string> {
  const { items } = await vault.get(`/audit-events?target=${target}&limit=1`);
  return `audit?event=${items[0].sequence}`;
}

async function apiKey({ client }: StoryVault, name: string): Promise<void> {
  const expiresAt = new Date(Date.now() + 86_400_000).toISOString();
  await made(client, '/user/api-keys', { name, scope: ['vault.read'], expiresAt });
}

/** Looked after by hand: AWS has rules of its own for what it is told. */
async function furnishOther({ story }: ConsoleStage): Promise<Other> {
  const { node } = story;
  const appliance = await addUser(node, '', 'boss-of-others', 'appliance-admin');
  const email = 'x@example.com';
  const { id } = await made(appliance, '/vaults', {
    name: `others${markup}`,
    administrator: { username: 'eve', name: `Eve${markup}`, email },
  });
  const vault = await story.vaultOf(await addUser(node, id, 'bob', 'vault-admin'), id);
  const description = planted('description');
  await vault.act('PATCH', '', { description });
  await vault.act('PATCH', `/admin-groups/${vault.group}`, { name: planted('name'), description });
  await vault.make('/users', {
    ...{ username: 'mallory', displayName: planted('displayName'), email, role: 'auditor' },
  });
  const cspAccount = await vault.make('/csp-accounts', {
    ...{ name: planted('name'), description, adminGroupId: vault.group, type: 'manual' },
    ...{ awsAccountId: '777788889999', defaultRegion: 'eu-central-1' },
  });
  const keySet = await vault.keySet(others, cspAccount.id, { description });
  const credential = await vault.make(`/key-sets/${keySet.id}/credentials`, {});
  const stores = `/key-sets/${keySet.id}/external-key-stores`;
  const store = await vault.make(stores, {
    ...{ region: 'eu-central-1', uriEndpoint: 'https://xks.example.com', name: planted('name') },
  });
  const finding = {
    ...{ id: 'name.resolves', level: 'WARNING', title: planted('findings.title') },
    ...{ subject: planted('findings.subject'), seen: planted('findings.seen'), why: planted('findings.why') },
    remediation: planted('findings.remediation'),
  };
  const handedIn = { hostname: planted('hostname'), endpoint: planted('endpoint'), findings: [finding] };
  const place = `/vaults/${id}${stores}/${store.id}/doctor-report`;
  await vault.client.request('PUT', place, { body: handedIn });
  const key = await vault.make('/cloud-keys', {
    ...{ keySetId: keySet.id, name: others, description, region: 'eu-central-1' },
  });
  const kmsKey = await vault.make(`/cloud-keys/${key.id}/kms-keys`, {
    policy: {
      Version: '2012-10-17',
      Statement: [
        {
          ...{ Effect: 'Allow', Principal: { AWS: 'arn:aws:iam::777788889999:root' }, Action: 'kms:*' },
          ...{ Resource: '*', Condition: { StringLike: { 'kms:ViaService': planted('policy') } } },
        },
      ],
    },
  });
  await vault.do(`/key-sets/${keySet.id}`, 'freeze', { reason: planted('reason') });
  const { findings } = await vault.get('/status');
  const { fingerprint } = findings.find((one: { trouble: string }) => one.trouble === 'KEY_SET_FROZEN');
  await vault.make('/status/acknowledge', { fingerprint, note: planted('note') });
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
      ...{ awsPrincipalArn: planted('awsPrincipalArn'), kmsOperation: 'DescribeKey' },
      ...{ kmsRequestId: planted('kmsRequestId') },
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
