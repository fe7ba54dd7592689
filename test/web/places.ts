import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import test from 'ava';
import { allRoutes } from '../../src/admin/routes.ts';
import { affectedKinds } from '../../src/admin/status/affected.ts';
import { permissionsOf } from '../../src/identity/permissions.ts';
import type { Role } from '../../src/store/schema.ts';
import { hrefOf } from '../../web/frame/affected.ts';
import { namedOperations } from './acts.ts';

/** A page, and the operation without which nobody finds it on the left; none for those that have another way. */
export interface Place {
  /** Beneath the home of a session, as the console's routes have it, with the tab behind it. */
  path: string;
  needs?: string;
  /** As it is called on the left. */
  name?: string;
}

const place = (name: string, needs: string, where: string): Place => ({ path: where, name, needs });

/** What is one's own is the same wherever one is signed in. */
export const own: readonly Place[] = [
  { path: 'documentation/:doc' },
  { path: 'account/security' },
  { path: 'account/sessions' },
  { path: 'account/api-keys' },
];

export const ofVault: readonly Place[] = [
  place('Overview', 'getVaultStatus', ''),
  place('CloudKeys', 'listCloudKeys', 'cloud-keys'),
  { path: 'cloud-keys/create', needs: 'createCloudKey' },
  { path: 'cloud-keys/:cloudKeyId' },
  { path: 'cloud-keys/:cloudKeyId?tab=aws' },
  { path: 'cloud-keys/:cloudKeyId?tab=access' },
  { path: 'cloud-keys/:cloudKeyId?tab=versions' },
  { path: 'cloud-keys/:cloudKeyId?tab=activity' },
  { path: 'cloud-keys/:cloudKeyId/edit', needs: 'updateCloudKey' },
  place('Key sets', 'listKeySets', 'key-sets'),
  { path: 'key-sets/create', needs: 'createKeySet' },
  { path: 'key-sets/:keySetId' },
  { path: 'key-sets/:keySetId?tab=credentials' },
  { path: 'key-sets/:keySetId?tab=activity' },
  place('External key stores', 'listExternalKeyStoresInVault', 'external-key-stores'),
  { path: 'external-key-stores/:keySetId/:externalKeyStoreId' },
  { path: 'external-key-stores/:keySetId/:externalKeyStoreId?tab=activity' },
  place('KMS keys', 'listKmsKeys', 'kms-keys'),
  { path: 'kms-keys/:cloudKeyId/:kmsKeyId' },
  { path: 'kms-keys/:cloudKeyId/:kmsKeyId?tab=policy' },
  { path: 'kms-keys/:cloudKeyId/:kmsKeyId?tab=activity' },
  place('CSP accounts', 'listCspAccounts', 'csp-accounts'),
  { path: 'csp-accounts/:cspAccountId' },
  { path: 'csp-accounts/:cspAccountId?tab=policy' },
  { path: 'csp-accounts/:cspAccountId?tab=activity' },
  place('Requests', 'listFailedRequests', 'requests'),
  { path: 'requests/cloudtrail', needs: 'listFailedRequests' },
  place('Audit log', 'listAuditEvents', 'audit'),
  { path: 'audit/retention', needs: 'getAuditTrail' },
  place('Reconciliation', 'listVaultReconciliations', 'reconciliations'),
  { path: 'reconciliations/:report', needs: 'getVaultReconciliation' },
  place('Users', 'listUsers', 'users'),
  place('API keys and sessions', 'listUserApiKeys', 'access'),
  { path: 'access?tab=sessions' },
  { path: 'access?tab=rules' },
  place('Admin groups', 'listAdminGroups', 'admin-groups'),
  place('Single sign-on', 'getVaultOidcProvider', 'single-sign-on'),
  place('Settings', 'getVault', 'settings'),
  ...own,
];

export const ofAppliance: readonly Place[] = [
  place('Overview', 'getStatus', ''),
  place('Vaults', 'listVaults', 'vaults'),
  place('Find a CloudKey', 'findCloudKeys', 'find-cloud-key'),
  place('Tokens', 'listTokens', 'tokens'),
  { path: 'tokens/:token' },
  place('Nodes', 'listNodes', 'nodes'),
  { path: 'nodes/:nodeId' },
  place('Lost changes', 'listLostChanges', 'lost-changes'),
  place('Certificates', 'getStatus', 'certificates'),
  place('Requests', 'listUnauthenticatedRequests', 'requests'),
  { path: 'requests/cloudtrail', needs: 'listUnauthenticatedRequests' },
  place('Audit log', 'listApplianceAuditEvents', 'audit'),
  { path: 'audit/retention', needs: 'getApplianceAuditTrail' },
  place('Reconciliation', 'listReconciliations', 'reconciliations'),
  { path: 'reconciliations/:report', needs: 'getReconciliation' },
  place('Users', 'listApplianceUsers', 'users'),
  place('API keys and sessions', 'listApplianceUserApiKeys', 'access'),
  { path: 'access?tab=sessions' },
  { path: 'access?tab=rules' },
  place('Single sign-on', 'getOidcProvider', 'single-sign-on'),
  place('Mail', 'getMail', 'mail'),
  place('About', 'getStatus', 'about'),
];

/** Of a KMS key that somebody looks after in AWS: test/web/manual.ts goes to it. */
const ofManual = 'kms-keys/:cloudKeyId/:kmsKeyId?tab=console';

/** Who walks through the pages: the first may do everything, and is compared with the others. */
export const walkers = [
  { role: 'vault-admin', places: ofVault, lesser: ['cloud-admin', 'auditor'] },
  { role: 'appliance-admin', places: ofAppliance, lesser: ['appliance-auditor'] },
] as const satisfies readonly { role: Role; places: readonly Place[]; lesser: readonly Role[] }[];

/** Whether a role may do an operation, as the API has it. */
export function may(role: Role, operation: string): boolean {
  const route = allRoutes.find((one) => one.operation === operation);
  if (route === undefined) throw new Error(`the API has no ${operation}`);
  if (route.access.kind !== 'permission') return true;
  const needed = role.startsWith('appliance-') ? route.access.appliance : route.access.vault;
  return needed !== undefined && permissionsOf[role].includes(needed);
}

const web = path.resolve(import.meta.dirname, '../../web');

/** Of each file of the console. */
function sources(): string[] {
  const files = readdirSync(web, { recursive: true, encoding: 'utf8' });
  return files
    .filter((file) => /\.tsx?$/.test(file))
    .map((file) => readFileSync(path.join(web, file), 'utf8'));
}

/** As they stand in the address; without the first, which does not. */
function tabsOf(source: string): string[] {
  if (!source.includes('<PageTabs')) return [];
  return [...source.matchAll(/\{\s*id: '(\w+)',\s*label: /g)].map(([, tab = '']) => `?tab=${tab}`).slice(1);
}

/** Addresses of the routes in a list of web/pages.tsx, each with those of its tabs. Throws where a route is written otherwise. */
function addressesIn(list: string): string[] {
  const pages = readFileSync(path.join(web, 'pages.tsx'), 'utf8');
  const [, body = ''] =
    new RegExp(`const ${list}: RouteObject\\[\\] = \\[\n(.*?)\n\\];`, 's').exec(pages) ?? [];
  const first = body.includes('{ index: true, element: <OverviewPage /> }') ? [''] : [];
  const routes = [
    ...body.matchAll(/^ {2}page\(\s*'([^']+)',\s*async \(\) => \(await import\('([^']+)'\)\)/gm),
  ];
  if (routes.length + first.length !== [...body.matchAll(/^ {2}(?!\.\.\.common,$)[^\s)]/gm)].length)
    throw new Error(`a route of ${list} in web/pages.tsx is not understood here`);
  return [
    ...first,
    ...routes.flatMap(([, route = '', file = '']) => {
      const tabs = tabsOf(readFileSync(path.join(web, file), 'utf8'));
      return ['', ...tabs].map((tab) => `${route}${tab}`);
    }),
  ];
}

/** Whether somebody who is signed in changes something by it. */
function isAct({ method, access }: (typeof allRoutes)[number]): boolean {
  if (method === 'GET' || access.kind === 'public') return false;
  return access.kind === 'permission' || access.states?.includes('ACTIVE') !== false;
}

/** Acts that the console has, by their operations. */
function actsIn(all: readonly string[]): string[] {
  const acts = new Set(allRoutes.filter(isAct).map(({ operation }) => operation));
  const called = all.flatMap((source) => [...source.matchAll(/\b(?:useAct|call)\(\s*'(\w+)'/g)]);
  return [...new Set(called.map(([, operation = '']) => operation))].filter((one) => acts.has(one));
}

/** What of the console is not in a list of these tests, and what of the list is in the console no more. */
function difference(list: readonly string[], there: readonly string[]) {
  return {
    unknown: there.filter((one) => !list.includes(one)),
    gone: list.filter((one) => !there.includes(one)),
  };
}

/**
 * What of the API the console does not do, and why. Whatever else there is, it does: an operation that nobody finds there
 * is a page that is missing.
 */
const notInConsole: Readonly<Record<string, string>> = {
  getMetrics: 'for Prometheus; people have the overview and its charts',
  putDoctorReport:
    'by "holdfast doctor", which looks from where it is run; the page of the key store shows its report',
  getOpenApi: 'for programs, and for the reference of the API that the menu leads to',
  oidcCallback: 'where the provider sends the browser back to',
  getCaller: 'for programs with an API key; a browser has getSession, with the same in it',
  getApiKey: 'listApiKeys answers all that there is of each',
  listKmsKeysOfCloudKey: 'each CloudKey has them with it',
  getAuditPruning: 'listAuditPrunings answers all that there is of each',
  getApplianceAuditPruning: 'listApplianceAuditPrunings answers all that there is of each',
};

/** Operations that the console calls, or has an address of its API for. */
function calledIn(all: readonly string[]): string[] {
  const calls =
    /\b(?:useAct|useRecord|useList|useWholeList|useToldOf|call)\(\s*'(\w+)'|\boperations\.(\w+)\.path\b/g;
  const found = all.flatMap((source) => [...source.matchAll(calls)]);
  return [...new Set(found.map(([, called, addressed]) => called ?? addressed ?? ''))];
}

/** What keeps the lists that the walk goes by whole. */
export function testPlaces(): void {
  test.serial('every page and tab of the console is gone to, by every role, and no other', (t) => {
    const all = sources();
    const same = (here: readonly string[], there: readonly string[]) =>
      t.deepEqual(difference(here, there), { unknown: [], gone: [] });
    const common = addressesIn('common');
    const paths = (places: readonly Place[]) => places.map((one) => one.path);
    same([...paths(ofVault), ofManual], [...common, ...addressesIn('vaultRoutes')]);
    same(paths([...ofAppliance, ...own]), [...common, ...addressesIn('applianceRoutes')]);
    // Tabs are found on the pages of routes, and are all of this kind.
    const withTabs = [...ofVault, ...ofAppliance].filter(({ path: where }) => where.includes('?'));
    t.is(
      new Set(withTabs.map(({ path: where }) => where.split('?')[0])).size,
      all.filter((source) => source.includes('<PageTabs')).length,
    );
    t.is(all.filter((source) => source.includes('components/tabs')).length, 1);
    same(
      [...walkers.map(({ role }) => role), ...walkers.flatMap(({ lesser }) => lesser)],
      Object.keys(permissionsOf),
    );
  });

  test.serial('what the API does the console does, or there is a reason why it does not', (t) => {
    const called = calledIn(sources());
    const every = allRoutes.map(({ operation }) => operation);
    const missing = every.filter((one) => !called.includes(one));
    // What is missing needs a page, or a reason; what is called, or there no more, needs none.
    t.deepEqual(difference(Object.keys(notInConsole), missing), { unknown: [], gone: [] });
  });

  test.serial('whatever a finding may be on has a page, of the vault or of the appliance', (t) => {
    const ids = { id: 'i', name: 'n', keySetId: 's', cloudKeyId: 'c' };
    const isThere = (places: readonly Place[], href: string) =>
      places.some(({ path: where }) => {
        const [page = ''] = where.split('?');
        return new RegExp(`^/${page.replaceAll(/:\w+/g, '[^/]+')}$`).test(href.split('?')[0] ?? '');
      });
    for (const kind of affectedKinds) {
      const [here, there] = [hrefOf('', false, { kind, ...ids }), hrefOf('', true, { kind, ...ids })];
      t.true(here !== undefined || there !== undefined, kind);
      if (here !== undefined) t.true(isThere(ofVault, here), here);
      if (there !== undefined) t.true(isThere(ofAppliance, there), there);
    }
  });

  test.serial('every act of the console is known to these tests, with the button that leads to it', (t) => {
    t.deepEqual(difference([...namedOperations()], actsIn(sources())), { unknown: [], gone: [] });
  });
}
