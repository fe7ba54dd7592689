import { lazy, type ComponentType } from 'react';
import { matchRoutes, type RouteObject } from 'react-router';
import { OverviewPage } from './overview/overview-page.tsx';

interface PageHandle {
  /** Fetches the page's code, which is fetched once. */
  fetchCode: () => Promise<unknown>;
}

/** A page whose code is fetched when it is shown, or before by {@link fetchCodeOf}. */
function page(path: string, load: () => Promise<ComponentType>): RouteObject & { handle: PageHandle } {
  const fetchCode = async () => ({ default: await load() });
  const Page = lazy(fetchCode);
  return { path, element: <Page />, handle: { fetchCode } };
}

/**
 * Has the code of the page at an address fetched while it is still being asked who is signed in. Code that does not come is
 * told where the page is shown.
 */
export function fetchCodeOf(routes: RouteObject[], pathname: string): void {
  for (const { route } of matchRoutes(routes, pathname) ?? [])
    (route.handle as PageHandle | undefined)?.fetchCode().catch(() => undefined);
}

/** What everybody has, wherever they are signed in. */
const common: RouteObject[] = [
  { index: true, element: <OverviewPage /> },
  page('users', async () => (await import('./people/users-page.tsx')).UsersPage),
  page('access', async () => (await import('./people/access-page.tsx')).AccessPage),
  page('single-sign-on', async () => (await import('./people/single-sign-on-page.tsx')).SingleSignOnPage),
  page('requests', async () => (await import('./requests/requests-page.tsx')).RequestsPage),
  page('requests/cloudtrail', async () => (await import('./requests/cloudtrail-page.tsx')).CloudTrailPage),
  page('audit', async () => (await import('./audit/audit-page.tsx')).AuditPage),
  page('audit/retention', async () => (await import('./audit/retention-page.tsx')).RetentionPage),
  page(
    'reconciliations',
    async () => (await import('./reconciliation/reconciliations-page.tsx')).ReconciliationsPage,
  ),
  page(
    'reconciliations/:report',
    async () => (await import('./reconciliation/reconciliation-page.tsx')).ReconciliationPage,
  ),
  page('documentation/:doc', async () => (await import('./help/doc-page.tsx')).DocPage),
  page('account/security', async () => (await import('./account/security-page.tsx')).SecurityPage),
  page('account/sessions', async () => (await import('./account/sessions-page.tsx')).SessionsPage),
  page('account/api-keys', async () => (await import('./account/api-keys-page.tsx')).ApiKeysPage),
];

/** Pages of a vault, beneath /console/vaults/{id}. */
export const vaultRoutes: RouteObject[] = [
  ...common,
  page('cloud-keys', async () => (await import('./keys/cloud-keys-page.tsx')).CloudKeysPage),
  page('cloud-keys/create', async () => (await import('./keys/create-key-page.tsx')).CreateKeyPage),
  page('cloud-keys/:cloudKeyId', async () => (await import('./keys/cloud-key-page.tsx')).CloudKeyPage),
  page('cloud-keys/:cloudKeyId/edit', async () => (await import('./keys/edit-key-page.tsx')).EditKeyPage),
  page('admin-groups', async () => (await import('./people/groups-page.tsx')).GroupsPage),
  page('settings', async () => (await import('./people/settings-page.tsx')).SettingsPage),
  page('external-key-stores', async () => (await import('./cloud/stores-page.tsx')).StoresPage),
  page(
    'external-key-stores/:keySetId/:externalKeyStoreId',
    async () => (await import('./cloud/store-page.tsx')).StorePage,
  ),
  page('kms-keys', async () => (await import('./cloud/kms-keys-page.tsx')).KmsKeysPage),
  page('kms-keys/:cloudKeyId/:kmsKeyId', async () => (await import('./cloud/kms-key-page.tsx')).KmsKeyPage),
  page('csp-accounts', async () => (await import('./cloud/accounts-page.tsx')).AccountsPage),
  page('csp-accounts/:cspAccountId', async () => (await import('./cloud/account-page.tsx')).AccountPage),
  page('key-sets', async () => (await import('./key-sets/key-sets-page.tsx')).KeySetsPage),
  page('key-sets/create', async () => (await import('./key-sets/create-key-set-page.tsx')).CreateKeySetPage),
  page('key-sets/:keySetId', async () => (await import('./key-sets/key-set-page.tsx')).KeySetPage),
];

/** Pages of the appliance, beneath /console/appliance. */
export const applianceRoutes: RouteObject[] = [
  ...common,
  page('vaults', async () => (await import('./appliance/vaults-page.tsx')).VaultsPage),
  page('tokens', async () => (await import('./appliance/tokens-page.tsx')).TokensPage),
  page('tokens/:token', async () => (await import('./appliance/token-page.tsx')).TokenPage),
  page('nodes', async () => (await import('./appliance/nodes-page.tsx')).NodesPage),
  page('nodes/:nodeId', async () => (await import('./appliance/node-page.tsx')).NodePage),
  page('lost-changes', async () => (await import('./appliance/lost-changes-page.tsx')).LostChangesPage),
  page('find-cloud-key', async () => (await import('./appliance/find-key-page.tsx')).FindKeyPage),
  page('certificates', async () => (await import('./appliance/certificates-page.tsx')).CertificatesPage),
  page('mail', async () => (await import('./appliance/mail-page.tsx')).MailPage),
  page('about', async () => (await import('./appliance/about-page.tsx')).AboutPage),
];
