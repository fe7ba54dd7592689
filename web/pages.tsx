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

/** What everybody has, wherever they are signed in. */
const common: RouteObject[] = [
  { index: true, element: <OverviewPage /> },
  { path: 'account/security', element: <SecurityPage /> },
  { path: 'account/sessions', element: <SessionsPage /> },
  { path: 'account/api-keys', element: <ApiKeysPage /> },
];

/** Pages of a vault, beneath /console/vaults/{id}. */
export const vaultRoutes: RouteObject[] = [...common];

/** Pages of the appliance, beneath /console/appliance. */
export const applianceRoutes: RouteObject[] = [...common];
