import { accessOfApplianceUsersRoutes, accessOfUsersRoutes } from './people/access-of-users.ts';
import { acknowledgementRoutes } from './status/acknowledgement-routes.ts';
import { adminGroupRoutes } from './people/admin-groups.ts';
import { apiKeyRoutes } from './people/api-keys.ts';
import { applianceUserRoutes } from './people/appliance-users.ts';
import { auditEventRoutes } from './audit/audit-events.ts';
import { auditPruningRoutes } from './audit/audit-prunings.ts';
import { cloudKeyRoutes } from './keys/cloud-keys.ts';
import { credentialRoutes } from './keys/credentials.ts';
import { cspAccountRoutes } from './cloud/csp-accounts.ts';
import { doctorReportRoutes } from './cloud/doctor-reports.ts';
import { externalKeyStoreRoutes } from './cloud/external-key-stores.ts';
import { failedRequestRoutes } from './requests/failed-requests.ts';
import { freezeRoutes } from './keys/freezes.ts';
import { keyLookupRoutes } from './keys/key-lookup.ts';
import { keySetRoutes } from './keys/key-sets.ts';
import { kmsKeyRoutes } from './cloud/kms-keys.ts';
import { lostChangeRoutes } from './lost-changes.ts';
import { mailRoutes } from './mail.ts';
import { metricsRoute } from './metrics/metrics.ts';
import { inForceRoutes } from './in-force.ts';
import { nodeRoutes } from './nodes.ts';
import { oidcRoutes } from './people/oidc.ts';
import { openApiRoute, ServedOpenApi } from './openapi/document.ts';
import { reconciliationRoutes } from './reconciliations.ts';
import type { Route } from './route.ts';
import { secondFactorRoutes } from './people/second-factor.ts';
import { sessionRoutes } from './people/sessions.ts';
import { signInOptionRoutes } from './people/sign-in-options.ts';
import { signInRuleRoutes } from './people/sign-in-rules.ts';
import { statusRoutes } from './status/status.ts';
import { tokenRoutes } from './tokens.ts';
import { trafficRoutes } from './metrics/traffic.ts';
import { vitalsRoute } from './metrics/vitals.ts';
import { userRoutes } from './people/users.ts';
import { vaultRoutes } from './vaults.ts';
import { vaultTokenRoutes } from './vault-tokens.ts';

const described: readonly Route[] = [
  ...sessionRoutes,
  ...signInOptionRoutes,
  ...signInRuleRoutes,
  ...oidcRoutes,
  ...secondFactorRoutes,
  ...apiKeyRoutes,
  ...statusRoutes,
  ...acknowledgementRoutes,
  ...trafficRoutes,
  vitalsRoute,
  ...failedRequestRoutes,
  metricsRoute,
  ...vaultRoutes,
  ...applianceUserRoutes,
  ...accessOfApplianceUsersRoutes,
  ...tokenRoutes,
  ...vaultTokenRoutes,
  ...nodeRoutes,
  ...inForceRoutes,
  ...lostChangeRoutes,
  ...mailRoutes,
  ...userRoutes,
  ...accessOfUsersRoutes,
  ...adminGroupRoutes,
  ...cspAccountRoutes,
  ...keySetRoutes,
  ...freezeRoutes,
  ...credentialRoutes,
  ...externalKeyStoreRoutes,
  ...doctorReportRoutes,
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
