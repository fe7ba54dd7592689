// Generated from src/admin/ by scripts/write-docs.ts: change that, then run `make docs`.

export const permissions = [
  'appliance.read',
  'metrics.read',
  'vaults.write',
  'vaults.freeze',
  'cloud-keys.find',
  'tokens.verify',
  'nodes.write',
  'lost-changes.decide',
  'appliance.write',
  'appliance-users.write',
  'appliance-audit.prune',
  'vault.read',
  'vault.write',
  'vault.freeze',
  'findings.acknowledge',
  'users.read',
  'users.write',
  'csp-accounts.write',
  'key-sets.write',
  'credentials.write',
  'cloud-keys.write',
  'cloud-keys.adopt',
  'cloud-keys.delete',
  'audit.read',
  'audit.prune',
  'reconcile.run',
] as const;

export const vaultRoles = ['vault-admin', 'cloud-admin', 'auditor'] as const;

export const applianceRoles = ['appliance-admin', 'appliance-auditor'] as const;
