import { adminGroupRoutes } from './admin-groups.ts';
import { apiKeyRoutes } from './api-keys.ts';
import { applianceUserRoutes } from './appliance-users.ts';
import { auditEventRoutes } from './audit-events.ts';
import { auditPruningRoutes } from './audit-prunings.ts';
import { cloudKeyRoutes } from './cloud-keys.ts';
import { credentialRoutes } from './credentials.ts';
import { cspAccountRoutes } from './csp-accounts.ts';
import { externalKeyStoreRoutes } from './external-key-stores.ts';
import { freezeRoutes } from './freezes.ts';
import { keyLookupRoutes } from './key-lookup.ts';
import { keySetRoutes } from './key-sets.ts';
import { kmsKeyRoutes } from './kms-keys.ts';
import { mailRoutes } from './mail.ts';
import { nodeRoutes } from './nodes.ts';
import { oidcRoutes } from './oidc.ts';
import { openApiRoute, ServedOpenApi } from './openapi.ts';
import { reconciliationRoutes } from './reconciliations.ts';
import type { Route } from './route.ts';
import { secondFactorRoutes } from './second-factor.ts';
import { sessionRoutes } from './sessions.ts';
import { statusRoutes } from './status.ts';
import { tokenRoutes } from './tokens.ts';
import { userRoutes } from './users.ts';
import { vaultRoutes } from './vaults.ts';

const described: readonly Route[] = [
  ...sessionRoutes,
  ...oidcRoutes,
  ...secondFactorRoutes,
  ...apiKeyRoutes,
  ...statusRoutes,
  ...vaultRoutes,
  ...applianceUserRoutes,
  ...tokenRoutes,
  ...nodeRoutes,
  ...mailRoutes,
  ...userRoutes,
  ...adminGroupRoutes,
  ...cspAccountRoutes,
  ...keySetRoutes,
  ...freezeRoutes,
  ...credentialRoutes,
  ...externalKeyStoreRoutes,
  ...keyLookupRoutes,
  ...cloudKeyRoutes,
  ...kmsKeyRoutes,
  ...auditEventRoutes,
  ...auditPruningRoutes,
  ...reconciliationRoutes,
];

/** What describes them, itself one of them. */
export const servedOpenApi = new ServedOpenApi(() => allRoutes);

/** Every route of the management API. */
export const allRoutes: readonly Route[] = [openApiRoute(servedOpenApi), ...described];
