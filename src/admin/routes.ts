import { cloudKeyRoutes } from './cloud-keys.ts';
import { credentialRoutes } from './credentials.ts';
import { cspAccountRoutes } from './csp-accounts.ts';
import { keySetRoutes } from './key-sets.ts';
import type { Route } from './route.ts';

/** Every route of the management API. */
export const allRoutes: readonly Route[] = [
  ...cspAccountRoutes,
  ...keySetRoutes,
  ...credentialRoutes,
  ...cloudKeyRoutes,
];
