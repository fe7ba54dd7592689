import type { Role } from '../store/schema.ts';

/** What one may be allowed to do. Those of the appliance and those of a vault share no name. */
export const permissions = {
  'appliance.read': 'see the vaults, tokens, nodes, mail settings, users and audit trail of the appliance',
  'metrics.read': 'read the metrics of the nodes, as Prometheus does',
  'vaults.write': 'make, change and delete vaults, and give a vault a new administrator password',
  'vaults.freeze':
    'freeze any vault, or all of them, in an emergency; end what the appliance holds frozen of a vault',
  'cloud-keys.find': 'find which vault has a CloudKey, by its name or id',
  'tokens.verify': 'verify the connection to a token',
  'nodes.write': 'drain nodes, and remove those that are no more',
  'lost-changes.decide': 'decide on changes that the store has lost by going back in time',
  'appliance.write':
    'change mail settings and the single sign-on of the appliance, have the store reconciled, acknowledge what its status finds, and record that a replaced token is erased',
  'appliance-users.write': 'make, change and delete users of the appliance',
  'appliance-audit.prune':
    'have archived events deleted from the audit trails of the appliance and of deleted vaults',
  'vault.read': 'see the vault: its details, admin groups, CSP accounts, key sets, CloudKeys and credentials',
  'vault.write': 'change the description and single sign-on of the vault',
  'vault.freeze': 'freeze and thaw the vault as a whole',
  'findings.acknowledge': 'acknowledge what the status of the vault finds',
  'users.read': 'see the users of the vault',
  'users.write': 'make, change and delete users and admin groups of the vault',
  'csp-accounts.write': 'make, change and delete CSP accounts',
  'key-sets.write':
    'make, change, freeze, thaw and delete key sets, and verify the connection to the tokens of the vault',
  'credentials.write': 'issue, rotate, change and withdraw XKS credentials',
  'cloud-keys.write': 'make, change, rotate, disable and enable CloudKeys',
  'cloud-keys.adopt': 'take over key objects that are in the token already',
  'cloud-keys.delete': 'schedule and cancel the deletion of CloudKeys',
  'audit.read': 'read the audit trail of the vault',
  'audit.prune': 'have archived events deleted from the audit trail of the vault',
  'reconcile.run': 'have the key sets of the vault compared with the token',
} as const;

export type Permission = keyof typeof permissions;

export const allPermissions = Object.keys(permissions) as Permission[];

const cloudAdmin = [
  'vault.read',
  'findings.acknowledge',
  'csp-accounts.write',
  'key-sets.write',
  'credentials.write',
  'cloud-keys.write',
  'cloud-keys.delete',
] as const satisfies Permission[];

/** What a role may do. A cloud admin may do it to what belongs to their admin groups; the others to all of the vault. */
export const permissionsOf: Readonly<Record<Role, readonly Permission[]>> = {
  'appliance-admin': [
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
  ],
  'appliance-auditor': ['appliance.read', 'metrics.read'],
  'vault-admin': [
    ...cloudAdmin,
    'cloud-keys.adopt',
    'vault.write',
    'vault.freeze',
    'users.read',
    'users.write',
    'audit.read',
    'audit.prune',
    'reconcile.run',
  ],
  'cloud-admin': cloudAdmin,
  auditor: ['vault.read', 'users.read', 'audit.read'],
};

export const applianceRoles = ['appliance-admin', 'appliance-auditor'] as const satisfies Role[];
export const vaultRoles = ['vault-admin', 'cloud-admin', 'auditor'] as const satisfies Role[];
