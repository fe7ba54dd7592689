import { lazy } from 'react';
import type { RouteObject } from 'react-router';
import { OverviewPage } from './overview/overview-page.tsx';

const SecurityPage = lazy(async () => ({
  default: (await import('./account/security-page.tsx')).SecurityPage,
}));
const SessionsPage = lazy(async () => ({
  default: (await import('./account/sessions-page.tsx')).SessionsPage,
}));
const ApiKeysPage = lazy(async () => ({
  default: (await import('./account/api-keys-page.tsx')).ApiKeysPage,
}));
const CloudKeysPage = lazy(async () => ({
  default: (await import('./keys/cloud-keys-page.tsx')).CloudKeysPage,
}));
const CloudKeyPage = lazy(async () => ({
  default: (await import('./keys/cloud-key-page.tsx')).CloudKeyPage,
}));
const CreateKeyPage = lazy(async () => ({
  default: (await import('./keys/create-key-page.tsx')).CreateKeyPage,
}));
const EditKeyPage = lazy(async () => ({ default: (await import('./keys/edit-key-page.tsx')).EditKeyPage }));
const KeySetsPage = lazy(async () => ({
  default: (await import('./key-sets/key-sets-page.tsx')).KeySetsPage,
}));
const CreateKeySetPage = lazy(async () => ({
  default: (await import('./key-sets/create-key-set-page.tsx')).CreateKeySetPage,
}));
const KeySetPage = lazy(async () => ({ default: (await import('./key-sets/key-set-page.tsx')).KeySetPage }));
const AccountsPage = lazy(async () => ({
  default: (await import('./cloud/accounts-page.tsx')).AccountsPage,
}));
const AccountPage = lazy(async () => ({ default: (await import('./cloud/account-page.tsx')).AccountPage }));
const StoresPage = lazy(async () => ({ default: (await import('./cloud/stores-page.tsx')).StoresPage }));
const StorePage = lazy(async () => ({ default: (await import('./cloud/store-page.tsx')).StorePage }));
const KmsKeysPage = lazy(async () => ({ default: (await import('./cloud/kms-keys-page.tsx')).KmsKeysPage }));
const KmsKeyPage = lazy(async () => ({ default: (await import('./cloud/kms-key-page.tsx')).KmsKeyPage }));
const UsersPage = lazy(async () => ({ default: (await import('./people/users-page.tsx')).UsersPage }));
const GroupsPage = lazy(async () => ({ default: (await import('./people/groups-page.tsx')).GroupsPage }));
const SingleSignOnPage = lazy(async () => ({
  default: (await import('./people/single-sign-on-page.tsx')).SingleSignOnPage,
}));
const SettingsPage = lazy(async () => ({
  default: (await import('./people/settings-page.tsx')).SettingsPage,
}));
const RequestsPage = lazy(async () => ({
  default: (await import('./requests/requests-page.tsx')).RequestsPage,
}));
const DocPage = lazy(async () => ({ default: (await import('./help/doc-page.tsx')).DocPage }));
const AuditPage = lazy(async () => ({ default: (await import('./audit/audit-page.tsx')).AuditPage }));
const VaultsPage = lazy(async () => ({ default: (await import('./appliance/vaults-page.tsx')).VaultsPage }));
const TokensPage = lazy(async () => ({ default: (await import('./appliance/tokens-page.tsx')).TokensPage }));
const TokenPage = lazy(async () => ({ default: (await import('./appliance/token-page.tsx')).TokenPage }));
const NodesPage = lazy(async () => ({ default: (await import('./appliance/nodes-page.tsx')).NodesPage }));
const CertificatesPage = lazy(async () => ({
  default: (await import('./appliance/certificates-page.tsx')).CertificatesPage,
}));
const MailPage = lazy(async () => ({ default: (await import('./appliance/mail-page.tsx')).MailPage }));
const AboutPage = lazy(async () => ({ default: (await import('./appliance/about-page.tsx')).AboutPage }));

/** What everybody has, wherever they are signed in. */
const common: RouteObject[] = [
  { index: true, element: <OverviewPage /> },
  { path: 'users', element: <UsersPage /> },
  { path: 'single-sign-on', element: <SingleSignOnPage /> },
  { path: 'requests', element: <RequestsPage /> },
  { path: 'audit', element: <AuditPage /> },
  { path: 'documentation/:doc', element: <DocPage /> },
  { path: 'account/security', element: <SecurityPage /> },
  { path: 'account/sessions', element: <SessionsPage /> },
  { path: 'account/api-keys', element: <ApiKeysPage /> },
];

/** Pages of a vault, beneath /console/vaults/{id}. */
export const vaultRoutes: RouteObject[] = [
  ...common,
  { path: 'cloud-keys', element: <CloudKeysPage /> },
  { path: 'cloud-keys/create', element: <CreateKeyPage /> },
  { path: 'cloud-keys/:cloudKeyId', element: <CloudKeyPage /> },
  { path: 'cloud-keys/:cloudKeyId/edit', element: <EditKeyPage /> },
  { path: 'admin-groups', element: <GroupsPage /> },
  { path: 'settings', element: <SettingsPage /> },
  { path: 'external-key-stores', element: <StoresPage /> },
  { path: 'external-key-stores/:keySetId/:externalKeyStoreId', element: <StorePage /> },
  { path: 'kms-keys', element: <KmsKeysPage /> },
  { path: 'kms-keys/:cloudKeyId/:kmsKeyId', element: <KmsKeyPage /> },
  { path: 'csp-accounts', element: <AccountsPage /> },
  { path: 'csp-accounts/:cspAccountId', element: <AccountPage /> },
  { path: 'key-sets', element: <KeySetsPage /> },
  { path: 'key-sets/create', element: <CreateKeySetPage /> },
  { path: 'key-sets/:keySetId', element: <KeySetPage /> },
];

/** Pages of the appliance, beneath /console/appliance. */
export const applianceRoutes: RouteObject[] = [
  ...common,
  { path: 'vaults', element: <VaultsPage /> },
  { path: 'tokens', element: <TokensPage /> },
  { path: 'tokens/:token', element: <TokenPage /> },
  { path: 'nodes', element: <NodesPage /> },
  { path: 'certificates', element: <CertificatesPage /> },
  { path: 'mail', element: <MailPage /> },
  { path: 'about', element: <AboutPage /> },
];
