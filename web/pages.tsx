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
const KeySetPage = lazy(async () => ({ default: (await import('./key-sets/key-set-page.tsx')).KeySetPage }));
const AccountsPage = lazy(async () => ({
  default: (await import('./cloud/accounts-page.tsx')).AccountsPage,
}));
const AccountPage = lazy(async () => ({ default: (await import('./cloud/account-page.tsx')).AccountPage }));
const StoresPage = lazy(async () => ({ default: (await import('./cloud/stores-page.tsx')).StoresPage }));
const StorePage = lazy(async () => ({ default: (await import('./cloud/store-page.tsx')).StorePage }));
const KmsKeysPage = lazy(async () => ({ default: (await import('./cloud/kms-keys-page.tsx')).KmsKeysPage }));
const KmsKeyPage = lazy(async () => ({ default: (await import('./cloud/kms-key-page.tsx')).KmsKeyPage }));

/** What everybody has, wherever they are signed in. */
const common: RouteObject[] = [
  { index: true, element: <OverviewPage /> },
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
  { path: 'external-key-stores', element: <StoresPage /> },
  { path: 'external-key-stores/:keySetId/:externalKeyStoreId', element: <StorePage /> },
  { path: 'kms-keys', element: <KmsKeysPage /> },
  { path: 'kms-keys/:cloudKeyId/:kmsKeyId', element: <KmsKeyPage /> },
  { path: 'csp-accounts', element: <AccountsPage /> },
  { path: 'csp-accounts/:cspAccountId', element: <AccountPage /> },
  { path: 'key-sets', element: <KeySetsPage /> },
  { path: 'key-sets/:keySetId', element: <KeySetPage /> },
];

/** Pages of the appliance, beneath /console/appliance. */
export const applianceRoutes: RouteObject[] = [...common];
