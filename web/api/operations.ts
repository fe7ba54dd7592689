// Generated from src/admin/ by scripts/write-docs.ts: change that, then run `make docs`.

/* oxlint-disable max-lines -- generated */

export const operations = {
  /** Sign in to the appliance. */
  signIn: { method: 'POST', path: '/sessions' },
  /** List the sessions of the users of the appliance. */
  listApplianceUserSessions: { method: 'GET', path: '/sessions', appliance: 'appliance.read' },
  /** Sign in to a vault. */
  signInToVault: { method: 'POST', path: '/vaults/{vaultId}/sessions' },
  /** List the sessions of the users of a vault. */
  listUserSessions: { method: 'GET', path: '/vaults/{vaultId}/sessions', vault: 'users.read' },
  /** Show the current session. */
  getSession: { method: 'GET', path: '/session' },
  /** Sign out. */
  signOut: { method: 'DELETE', path: '/session' },
  /** Show the caller’s identity and permissions. */
  getCaller: { method: 'GET', path: '/user' },
  /** Complete a sign-in with a second factor. */
  giveSecondFactor: { method: 'POST', path: '/session/second-factor' },
  /** Change your own password. */
  changePassword: { method: 'POST', path: '/session/password' },
  /** List your own sessions. */
  listSessions: { method: 'GET', path: '/user/sessions' },
  /** End one of your own sessions. */
  endSession: { method: 'DELETE', path: '/user/sessions/{sessionId}' },
  /** Show how one may sign in to the appliance. */
  getSignInOptions: { method: 'GET', path: '/sign-in-options' },
  /** Show how one may sign in to a vault. */
  getVaultSignInOptions: { method: 'GET', path: '/vaults/{vaultId}/sign-in-options' },
  /** Show the rules for passwords, sessions and API keys. */
  getSignInRules: { method: 'GET', path: '/sign-in-rules' },
  /** Start a single sign-on to the appliance. */
  startOidcSignIn: { method: 'GET', path: '/oidc/start' },
  /** Start a single sign-on to a vault. */
  startOidcSignInToVault: { method: 'GET', path: '/vaults/{vaultId}/oidc/start' },
  /** Receive the browser back from the provider. */
  oidcCallback: { method: 'GET', path: '/oidc/callback' },
  /** Exchange the code of a single sign-on for a session. */
  finishOidcSignIn: { method: 'POST', path: '/oidc/sessions' },
  /** Show the OpenID Connect provider of the appliance. */
  getOidcProvider: { method: 'GET', path: '/oidc-provider', appliance: 'appliance.read' },
  /** Set up single sign-on for the appliance. */
  putOidcProvider: { method: 'PUT', path: '/oidc-provider', appliance: 'appliance.write' },
  /** Turn off single sign-on for the appliance. */
  deleteOidcProvider: { method: 'DELETE', path: '/oidc-provider', appliance: 'appliance.write' },
  /** Show the OpenID Connect provider of a vault. */
  getVaultOidcProvider: { method: 'GET', path: '/vaults/{vaultId}/oidc-provider', vault: 'vault.read' },
  /** Set up single sign-on for a vault. */
  putVaultOidcProvider: { method: 'PUT', path: '/vaults/{vaultId}/oidc-provider', vault: 'vault.write' },
  /** Turn off single sign-on for a vault. */
  deleteVaultOidcProvider: {
    method: 'DELETE',
    path: '/vaults/{vaultId}/oidc-provider',
    vault: 'vault.write',
  },
  /** Start setting up a second factor. */
  enrolTotp: { method: 'POST', path: '/user/totp' },
  /** Remove your own second factor. */
  removeTotp: { method: 'DELETE', path: '/user/totp' },
  /** Turn the second factor on. */
  confirmTotp: { method: 'POST', path: '/user/totp/confirmation' },
  /** Generate new recovery codes. */
  newRecoveryCodes: { method: 'POST', path: '/user/totp/recovery-codes' },
  /** List your own API keys. */
  listApiKeys: { method: 'GET', path: '/user/api-keys' },
  /** Create an API key. */
  createApiKey: { method: 'POST', path: '/user/api-keys' },
  /** Show one of your own API keys. */
  getApiKey: { method: 'GET', path: '/user/api-keys/{apiKeyId}' },
  /** Revoke an API key. */
  revokeApiKey: { method: 'DELETE', path: '/user/api-keys/{apiKeyId}' },
  /** Show the state of the appliance. */
  getStatus: { method: 'GET', path: '/status', appliance: 'appliance.read' },
  /** Show the state of a vault. */
  getVaultStatus: { method: 'GET', path: '/vaults/{vaultId}/status', vault: 'vault.read' },
  /** Acknowledge a finding of the appliance. */
  acknowledgeFinding: { method: 'POST', path: '/status/acknowledge', appliance: 'appliance.write' },
  /** Withdraw an acknowledgement of the appliance. */
  withdrawAcknowledgement: {
    method: 'POST',
    path: '/status/withdraw-acknowledgement',
    appliance: 'appliance.write',
  },
  /** Acknowledge a finding of a vault. */
  acknowledgeVaultFinding: {
    method: 'POST',
    path: '/vaults/{vaultId}/status/acknowledge',
    vault: 'findings.acknowledge',
  },
  /** Withdraw an acknowledgement of a vault. */
  withdrawVaultAcknowledgement: {
    method: 'POST',
    path: '/vaults/{vaultId}/status/withdraw-acknowledgement',
    vault: 'findings.acknowledge',
  },
  /** Show the requests of AWS over time. */
  getTraffic: { method: 'GET', path: '/traffic', appliance: 'metrics.read' },
  /** Show the requests of AWS to a vault over time. */
  getVaultTraffic: { method: 'GET', path: '/vaults/{vaultId}/traffic', vault: 'vault.read' },
  /** Show how the nodes were over time. */
  getVitals: { method: 'GET', path: '/vitals', appliance: 'metrics.read' },
  /** List requests of nobody that were refused. */
  listUnauthenticatedRequests: { method: 'GET', path: '/failed-requests', appliance: 'appliance.read' },
  /** List requests of AWS that were refused or failed. */
  listFailedRequests: { method: 'GET', path: '/vaults/{vaultId}/failed-requests', vault: 'vault.read' },
  /** Get the metrics of this node. */
  getMetrics: { method: 'GET', path: '/metrics', appliance: 'metrics.read' },
  /** List the vaults. */
  listVaults: { method: 'GET', path: '/vaults', appliance: 'appliance.read' },
  /** Create a vault. */
  createVault: { method: 'POST', path: '/vaults', appliance: 'vaults.write' },
  /** Show a vault. */
  getVault: { method: 'GET', path: '/vaults/{vaultId}', appliance: 'appliance.read', vault: 'vault.read' },
  /** Change a vault. */
  updateVault: {
    method: 'PATCH',
    path: '/vaults/{vaultId}',
    appliance: 'vaults.write',
    vault: 'vault.write',
  },
  /** Delete a vault. */
  deleteVault: { method: 'DELETE', path: '/vaults/{vaultId}', appliance: 'vaults.write' },
  /** Reset the password of a vault administrator. */
  resetVaultAdministrator: {
    method: 'POST',
    path: '/vaults/{vaultId}/administrator-password',
    appliance: 'vaults.write',
  },
  /** List the users of the appliance. */
  listApplianceUsers: { method: 'GET', path: '/users', appliance: 'appliance.read' },
  /** Create a user of the appliance. */
  createApplianceUser: { method: 'POST', path: '/users', appliance: 'appliance-users.write' },
  /** Show a user of the appliance. */
  getApplianceUser: { method: 'GET', path: '/users/{userId}', appliance: 'appliance.read' },
  /** Change a user of the appliance. */
  updateApplianceUser: { method: 'PATCH', path: '/users/{userId}', appliance: 'appliance-users.write' },
  /** Delete a user of the appliance. */
  deleteApplianceUser: { method: 'DELETE', path: '/users/{userId}', appliance: 'appliance-users.write' },
  /** Unlock a user of the appliance. */
  unlockApplianceUser: { method: 'POST', path: '/users/{userId}/unlock', appliance: 'appliance-users.write' },
  /** Reset the password of a user of the appliance. */
  resetApplianceUserPassword: {
    method: 'POST',
    path: '/users/{userId}/password-reset',
    appliance: 'appliance-users.write',
  },
  /** Remove the second factor of a user of the appliance. */
  removeApplianceUserTotp: {
    method: 'POST',
    path: '/users/{userId}/totp-removal',
    appliance: 'appliance-users.write',
  },
  /** List the API keys of the users of the appliance. */
  listApplianceUserApiKeys: { method: 'GET', path: '/api-keys', appliance: 'appliance.read' },
  /** Revoke an API key of one of the users of the appliance. */
  revokeApplianceUserApiKey: {
    method: 'DELETE',
    path: '/api-keys/{apiKeyId}',
    appliance: 'appliance-users.write',
  },
  /** End a session of one of the users of the appliance. */
  endApplianceUserSession: {
    method: 'DELETE',
    path: '/sessions/{sessionId}',
    appliance: 'appliance-users.write',
  },
  /** List the configured tokens. */
  listTokens: { method: 'GET', path: '/tokens', appliance: 'appliance.read' },
  /** Show a token. */
  getToken: { method: 'GET', path: '/tokens/{token}', appliance: 'appliance.read' },
  /** Record that a token or HSM that is not asked any more is erased. */
  recordErasedToken: {
    method: 'POST',
    path: '/tokens/{token}/replaced/{replacedId}/record-erased',
    appliance: 'appliance.write',
  },
  /** Verify the connection to a token. */
  verifyToken: { method: 'POST', path: '/tokens/{token}/verify', appliance: 'tokens.verify' },
  /** Verify the connection to a token of a vault. */
  verifyVaultToken: {
    method: 'POST',
    path: '/vaults/{vaultId}/tokens/{token}/verify',
    vault: 'key-sets.write',
  },
  /** List the nodes. */
  listNodes: { method: 'GET', path: '/nodes', appliance: 'appliance.read' },
  /** Show a node. */
  getNode: { method: 'GET', path: '/nodes/{nodeId}', appliance: 'appliance.read' },
  /** Remove a node that is no more. */
  removeNode: { method: 'DELETE', path: '/nodes/{nodeId}', appliance: 'nodes.write' },
  /** Drain a node. */
  drainNode: { method: 'POST', path: '/nodes/{nodeId}/drain', appliance: 'nodes.write' },
  /** End the draining of a node. */
  undrainNode: { method: 'POST', path: '/nodes/{nodeId}/undrain', appliance: 'nodes.write' },
  /** Tell whether what was done is in force on every node. */
  getInForce: { method: 'GET', path: '/in-force' },
  /** List what the store has lost. */
  listLostChanges: { method: 'GET', path: '/lost-changes', appliance: 'appliance.read' },
  /** Take away again what was taken away in what the store has lost. */
  applyLostChanges: { method: 'POST', path: '/lost-changes/apply', appliance: 'lost-changes.decide' },
  /** Let the older state of the store count. */
  leaveLostChanges: { method: 'POST', path: '/lost-changes/leave', appliance: 'lost-changes.decide' },
  /** Show the mail settings. */
  getMail: { method: 'GET', path: '/mail', appliance: 'appliance.read' },
  /** Set up mail. */
  putMail: { method: 'PUT', path: '/mail', appliance: 'appliance.write' },
  /** Turn mail off. */
  deleteMail: { method: 'DELETE', path: '/mail', appliance: 'appliance.write' },
  /** Send a test mail. */
  testMail: { method: 'POST', path: '/mail/test', appliance: 'appliance.write' },
  /** List the users of a vault. */
  listUsers: { method: 'GET', path: '/vaults/{vaultId}/users', vault: 'users.read' },
  /** Create a user of a vault. */
  createUser: { method: 'POST', path: '/vaults/{vaultId}/users', vault: 'users.write' },
  /** Show a user of a vault. */
  getUser: { method: 'GET', path: '/vaults/{vaultId}/users/{userId}', vault: 'users.read' },
  /** Change a user of a vault. */
  updateUser: { method: 'PATCH', path: '/vaults/{vaultId}/users/{userId}', vault: 'users.write' },
  /** Delete a user of a vault. */
  deleteUser: { method: 'DELETE', path: '/vaults/{vaultId}/users/{userId}', vault: 'users.write' },
  /** Unlock a user of a vault. */
  unlockUser: { method: 'POST', path: '/vaults/{vaultId}/users/{userId}/unlock', vault: 'users.write' },
  /** Reset the password of a user of a vault. */
  resetUserPassword: {
    method: 'POST',
    path: '/vaults/{vaultId}/users/{userId}/password-reset',
    vault: 'users.write',
  },
  /** Remove the second factor of a user of a vault. */
  removeUserTotp: {
    method: 'POST',
    path: '/vaults/{vaultId}/users/{userId}/totp-removal',
    vault: 'users.write',
  },
  /** List the API keys of the users of a vault. */
  listUserApiKeys: { method: 'GET', path: '/vaults/{vaultId}/api-keys', vault: 'users.read' },
  /** Revoke an API key of one of the users of a vault. */
  revokeUserApiKey: { method: 'DELETE', path: '/vaults/{vaultId}/api-keys/{apiKeyId}', vault: 'users.write' },
  /** End a session of one of the users of a vault. */
  endUserSession: { method: 'DELETE', path: '/vaults/{vaultId}/sessions/{sessionId}', vault: 'users.write' },
  /** List the admin groups of a vault. */
  listAdminGroups: { method: 'GET', path: '/vaults/{vaultId}/admin-groups', vault: 'vault.read' },
  /** Create an admin group. */
  createAdminGroup: { method: 'POST', path: '/vaults/{vaultId}/admin-groups', vault: 'users.write' },
  /** Show an admin group. */
  getAdminGroup: { method: 'GET', path: '/vaults/{vaultId}/admin-groups/{groupId}', vault: 'vault.read' },
  /** Change an admin group. */
  updateAdminGroup: {
    method: 'PATCH',
    path: '/vaults/{vaultId}/admin-groups/{groupId}',
    vault: 'users.write',
  },
  /** Delete an empty admin group. */
  deleteAdminGroup: {
    method: 'DELETE',
    path: '/vaults/{vaultId}/admin-groups/{groupId}',
    vault: 'users.write',
  },
  /** List the members of an admin group. */
  listAdminGroupMembers: {
    method: 'GET',
    path: '/vaults/{vaultId}/admin-groups/{groupId}/members',
    vault: 'users.read',
  },
  /** Add a user to an admin group. */
  addAdminGroupMember: {
    method: 'PUT',
    path: '/vaults/{vaultId}/admin-groups/{groupId}/members/{userId}',
    vault: 'users.write',
  },
  /** Remove a user from an admin group. */
  removeAdminGroupMember: {
    method: 'DELETE',
    path: '/vaults/{vaultId}/admin-groups/{groupId}/members/{userId}',
    vault: 'users.write',
  },
  /** List the CSP accounts of a vault. */
  listCspAccounts: { method: 'GET', path: '/vaults/{vaultId}/csp-accounts', vault: 'vault.read' },
  /** Create a CSP account. */
  createCspAccount: { method: 'POST', path: '/vaults/{vaultId}/csp-accounts', vault: 'csp-accounts.write' },
  /** Show a CSP account. */
  getCspAccount: {
    method: 'GET',
    path: '/vaults/{vaultId}/csp-accounts/{cspAccountId}',
    vault: 'vault.read',
  },
  /** Change a CSP account. */
  updateCspAccount: {
    method: 'PATCH',
    path: '/vaults/{vaultId}/csp-accounts/{cspAccountId}',
    vault: 'csp-accounts.write',
  },
  /** Delete a CSP account that no key set uses. */
  deleteCspAccount: {
    method: 'DELETE',
    path: '/vaults/{vaultId}/csp-accounts/{cspAccountId}',
    vault: 'csp-accounts.write',
  },
  /** Check the credential and permissions of a CSP account. */
  checkCspAccount: {
    method: 'POST',
    path: '/vaults/{vaultId}/csp-accounts/{cspAccountId}/check',
    vault: 'csp-accounts.write',
  },
  /** Rotate the access key of a CSP account. */
  rotateCspAccessKey: {
    method: 'POST',
    path: '/vaults/{vaultId}/csp-accounts/{cspAccountId}/rotate-access-key',
    vault: 'csp-accounts.write',
  },
  /** Show the least-privilege IAM policy for a CSP account. */
  getCspAccountPolicy: {
    method: 'GET',
    path: '/vaults/{vaultId}/csp-accounts/{cspAccountId}/policy',
    vault: 'vault.read',
  },
  /** List IAM users or roles of the AWS account. */
  listCspPrincipals: {
    method: 'GET',
    path: '/vaults/{vaultId}/csp-accounts/{cspAccountId}/principals',
    vault: 'csp-accounts.write',
  },
  /** List the key sets of a vault. */
  listKeySets: { method: 'GET', path: '/vaults/{vaultId}/key-sets', vault: 'vault.read' },
  /** Create a key set. */
  createKeySet: { method: 'POST', path: '/vaults/{vaultId}/key-sets', vault: 'key-sets.write' },
  /** Show a key set. */
  getKeySet: { method: 'GET', path: '/vaults/{vaultId}/key-sets/{keySetId}', vault: 'vault.read' },
  /** Change a key set. */
  updateKeySet: { method: 'PATCH', path: '/vaults/{vaultId}/key-sets/{keySetId}', vault: 'key-sets.write' },
  /** Delete a key set. */
  deleteKeySet: { method: 'DELETE', path: '/vaults/{vaultId}/key-sets/{keySetId}', vault: 'key-sets.write' },
  /** Freeze a key set. */
  freezeKeySet: {
    method: 'POST',
    path: '/vaults/{vaultId}/key-sets/{keySetId}/freeze',
    vault: 'key-sets.write',
  },
  /** Thaw a frozen key set. */
  thawKeySet: { method: 'POST', path: '/vaults/{vaultId}/key-sets/{keySetId}/thaw', vault: 'key-sets.write' },
  /** Freeze every vault, in an emergency. */
  freezeAllVaults: { method: 'POST', path: '/vaults/freeze', appliance: 'vaults.freeze' },
  /** Freeze a vault as a whole. */
  freezeVault: {
    method: 'POST',
    path: '/vaults/{vaultId}/freeze',
    appliance: 'vaults.freeze',
    vault: 'vault.freeze',
  },
  /** Thaw a frozen vault. */
  thawVault: {
    method: 'POST',
    path: '/vaults/{vaultId}/thaw',
    appliance: 'vaults.freeze',
    vault: 'vault.freeze',
  },
  /** Freeze several key sets at once. */
  freezeKeySets: { method: 'POST', path: '/vaults/{vaultId}/key-sets/freeze', vault: 'key-sets.write' },
  /** Thaw several key sets at once. */
  thawKeySets: { method: 'POST', path: '/vaults/{vaultId}/key-sets/thaw', vault: 'key-sets.write' },
  /** List the credentials of a key set. */
  listCredentials: {
    method: 'GET',
    path: '/vaults/{vaultId}/key-sets/{keySetId}/credentials',
    vault: 'vault.read',
  },
  /** Issue a credential. */
  issueCredential: {
    method: 'POST',
    path: '/vaults/{vaultId}/key-sets/{keySetId}/credentials',
    vault: 'credentials.write',
  },
  /** Show a credential. */
  getCredential: {
    method: 'GET',
    path: '/vaults/{vaultId}/key-sets/{keySetId}/credentials/{accessKeyId}',
    vault: 'vault.read',
  },
  /** Change when a credential expires or is retired. */
  updateCredential: {
    method: 'PATCH',
    path: '/vaults/{vaultId}/key-sets/{keySetId}/credentials/{accessKeyId}',
    vault: 'credentials.write',
  },
  /** Withdraw a credential. */
  withdrawCredential: {
    method: 'DELETE',
    path: '/vaults/{vaultId}/key-sets/{keySetId}/credentials/{accessKeyId}',
    vault: 'credentials.write',
  },
  /** Issue the successor of a credential. */
  rotateCredential: {
    method: 'POST',
    path: '/vaults/{vaultId}/key-sets/{keySetId}/credentials/{accessKeyId}/rotate',
    vault: 'credentials.write',
  },
  /** List the external key stores of a vault. */
  listExternalKeyStoresInVault: {
    method: 'GET',
    path: '/vaults/{vaultId}/external-key-stores',
    vault: 'vault.read',
  },
  /** List the external key stores of a key set. */
  listExternalKeyStores: {
    method: 'GET',
    path: '/vaults/{vaultId}/key-sets/{keySetId}/external-key-stores',
    vault: 'vault.read',
  },
  /** Create the external key store of a key set in a Region. */
  createExternalKeyStore: {
    method: 'POST',
    path: '/vaults/{vaultId}/key-sets/{keySetId}/external-key-stores',
    vault: 'key-sets.write',
  },
  /** Find external key stores in AWS that may belong to the key set. */
  listExternalKeyStoreCandidates: {
    method: 'GET',
    path: '/vaults/{vaultId}/key-sets/{keySetId}/external-key-stores/candidates',
    vault: 'key-sets.write',
  },
  /** Link an external key store that was created in AWS manually. */
  linkExternalKeyStore: {
    method: 'POST',
    path: '/vaults/{vaultId}/key-sets/{keySetId}/external-key-stores/link',
    vault: 'key-sets.write',
  },
  /** Show an external key store. */
  getExternalKeyStore: {
    method: 'GET',
    path: '/vaults/{vaultId}/key-sets/{keySetId}/external-key-stores/{externalKeyStoreId}',
    vault: 'vault.read',
  },
  /** Change an external key store. */
  updateExternalKeyStore: {
    method: 'PATCH',
    path: '/vaults/{vaultId}/key-sets/{keySetId}/external-key-stores/{externalKeyStoreId}',
    vault: 'key-sets.write',
  },
  /** Delete an external key store. */
  deleteExternalKeyStore: {
    method: 'DELETE',
    path: '/vaults/{vaultId}/key-sets/{keySetId}/external-key-stores/{externalKeyStoreId}',
    vault: 'key-sets.write',
  },
  /** Connect an external key store. */
  connectExternalKeyStore: {
    method: 'POST',
    path: '/vaults/{vaultId}/key-sets/{keySetId}/external-key-stores/{externalKeyStoreId}/connect',
    vault: 'key-sets.write',
  },
  /** Disconnect an external key store. */
  disconnectExternalKeyStore: {
    method: 'POST',
    path: '/vaults/{vaultId}/key-sets/{keySetId}/external-key-stores/{externalKeyStoreId}/disconnect',
    vault: 'key-sets.write',
  },
  /** Refresh an external key store from AWS. */
  refreshExternalKeyStore: {
    method: 'POST',
    path: '/vaults/{vaultId}/key-sets/{keySetId}/external-key-stores/{externalKeyStoreId}/refresh',
    vault: 'key-sets.write',
  },
  /** Give AWS a new XKS credential. */
  rotateExternalKeyStoreCredential: {
    method: 'POST',
    path: '/vaults/{vaultId}/key-sets/{keySetId}/external-key-stores/{externalKeyStoreId}/rotate-credential',
    vault: 'credentials.write',
  },
  /** Show what to enter in the AWS console. */
  getExternalKeyStoreConsole: {
    method: 'POST',
    path: '/vaults/{vaultId}/key-sets/{keySetId}/external-key-stores/{externalKeyStoreId}/console',
    vault: 'credentials.write',
  },
  /** Show what the doctor found last of an external key store. */
  getDoctorReport: {
    method: 'GET',
    path: '/vaults/{vaultId}/key-sets/{keySetId}/external-key-stores/{externalKeyStoreId}/doctor-report',
    vault: 'vault.read',
  },
  /** Hand in what the doctor found of an external key store. */
  putDoctorReport: {
    method: 'PUT',
    path: '/vaults/{vaultId}/key-sets/{keySetId}/external-key-stores/{externalKeyStoreId}/doctor-report',
    vault: 'key-sets.write',
  },
  /** Find the vault that a CloudKey belongs to. */
  findCloudKeys: { method: 'POST', path: '/cloud-keys/find', appliance: 'cloud-keys.find' },
  /** List the CloudKeys of a vault. */
  listCloudKeys: { method: 'GET', path: '/vaults/{vaultId}/cloud-keys', vault: 'vault.read' },
  /** Create a CloudKey. */
  createCloudKey: { method: 'POST', path: '/vaults/{vaultId}/cloud-keys', vault: 'cloud-keys.write' },
  /** Show what creating a CloudKey would make. */
  previewCloudKey: {
    method: 'POST',
    path: '/vaults/{vaultId}/cloud-keys/preview',
    vault: 'cloud-keys.write',
  },
  /** Adopt a key of the AWS sample proxy. */
  adoptCloudKey: {
    method: 'POST',
    path: '/vaults/{vaultId}/cloud-keys/adoptions',
    vault: 'cloud-keys.adopt',
  },
  /** Show a CloudKey. */
  getCloudKey: { method: 'GET', path: '/vaults/{vaultId}/cloud-keys/{cloudKeyId}', vault: 'vault.read' },
  /** Change a CloudKey. */
  updateCloudKey: {
    method: 'PATCH',
    path: '/vaults/{vaultId}/cloud-keys/{cloudKeyId}',
    vault: 'cloud-keys.write',
  },
  /** List the versions of a CloudKey. */
  listCloudKeyVersions: {
    method: 'GET',
    path: '/vaults/{vaultId}/cloud-keys/{cloudKeyId}/versions',
    vault: 'vault.read',
  },
  /** Disable a CloudKey. */
  disableCloudKey: {
    method: 'POST',
    path: '/vaults/{vaultId}/cloud-keys/{cloudKeyId}/disable',
    vault: 'cloud-keys.write',
  },
  /** Enable a CloudKey. */
  enableCloudKey: {
    method: 'POST',
    path: '/vaults/{vaultId}/cloud-keys/{cloudKeyId}/enable',
    vault: 'cloud-keys.write',
  },
  /** Rotate a CloudKey. */
  rotateCloudKey: {
    method: 'POST',
    path: '/vaults/{vaultId}/cloud-keys/{cloudKeyId}/rotate',
    vault: 'cloud-keys.write',
  },
  /** Schedule the deletion of a CloudKey. */
  scheduleCloudKeyDeletion: {
    method: 'POST',
    path: '/vaults/{vaultId}/cloud-keys/{cloudKeyId}/schedule-deletion',
    vault: 'cloud-keys.delete',
  },
  /** Cancel the deletion of a CloudKey. */
  cancelCloudKeyDeletion: {
    method: 'POST',
    path: '/vaults/{vaultId}/cloud-keys/{cloudKeyId}/cancel-deletion',
    vault: 'cloud-keys.delete',
  },
  /** List the KMS key records of a vault. */
  listKmsKeys: { method: 'GET', path: '/vaults/{vaultId}/kms-keys', vault: 'vault.read' },
  /** List the KMS key records of a CloudKey. */
  listKmsKeysOfCloudKey: {
    method: 'GET',
    path: '/vaults/{vaultId}/cloud-keys/{cloudKeyId}/kms-keys',
    vault: 'vault.read',
  },
  /** Create a KMS key for a CloudKey. */
  createKmsKey: {
    method: 'POST',
    path: '/vaults/{vaultId}/cloud-keys/{cloudKeyId}/kms-keys',
    vault: 'cloud-keys.write',
  },
  /** Show a KMS key record. */
  getKmsKey: {
    method: 'GET',
    path: '/vaults/{vaultId}/cloud-keys/{cloudKeyId}/kms-keys/{kmsKeyId}',
    vault: 'vault.read',
  },
  /** Change a KMS key record. */
  updateKmsKey: {
    method: 'PATCH',
    path: '/vaults/{vaultId}/cloud-keys/{cloudKeyId}/kms-keys/{kmsKeyId}',
    vault: 'cloud-keys.write',
  },
  /** Remove a KMS key record. */
  deleteKmsKey: {
    method: 'DELETE',
    path: '/vaults/{vaultId}/cloud-keys/{cloudKeyId}/kms-keys/{kmsKeyId}',
    vault: 'cloud-keys.delete',
  },
  /** Show what to enter in the AWS console. */
  getKmsKeyConsole: {
    method: 'GET',
    path: '/vaults/{vaultId}/cloud-keys/{cloudKeyId}/kms-keys/{kmsKeyId}/console',
    vault: 'vault.read',
  },
  /** Retry a failed step. */
  retryKmsKey: {
    method: 'POST',
    path: '/vaults/{vaultId}/cloud-keys/{cloudKeyId}/kms-keys/{kmsKeyId}/retry',
    vault: 'cloud-keys.write',
  },
  /** Refresh a KMS key from AWS. */
  refreshKmsKey: {
    method: 'POST',
    path: '/vaults/{vaultId}/cloud-keys/{cloudKeyId}/kms-keys/{kmsKeyId}/refresh',
    vault: 'cloud-keys.write',
  },
  /** Enable a KMS key in AWS. */
  enableKmsKey: {
    method: 'POST',
    path: '/vaults/{vaultId}/cloud-keys/{cloudKeyId}/kms-keys/{kmsKeyId}/enable',
    vault: 'cloud-keys.write',
  },
  /** Disable a KMS key in AWS. */
  disableKmsKey: {
    method: 'POST',
    path: '/vaults/{vaultId}/cloud-keys/{cloudKeyId}/kms-keys/{kmsKeyId}/disable',
    vault: 'cloud-keys.write',
  },
  /** Schedule the deletion of a KMS key in AWS. */
  scheduleKmsKeyDeletion: {
    method: 'POST',
    path: '/vaults/{vaultId}/cloud-keys/{cloudKeyId}/kms-keys/{kmsKeyId}/schedule-deletion',
    vault: 'cloud-keys.delete',
  },
  /** Cancel the deletion of a KMS key in AWS. */
  cancelKmsKeyDeletion: {
    method: 'POST',
    path: '/vaults/{vaultId}/cloud-keys/{cloudKeyId}/kms-keys/{kmsKeyId}/cancel-deletion',
    vault: 'cloud-keys.delete',
  },
  /** Apply a KMS key record to AWS. */
  applyKmsKey: {
    method: 'POST',
    path: '/vaults/{vaultId}/cloud-keys/{cloudKeyId}/kms-keys/{kmsKeyId}/apply',
    vault: 'cloud-keys.write',
  },
  /** Accept the state in AWS. */
  acceptKmsKey: {
    method: 'POST',
    path: '/vaults/{vaultId}/cloud-keys/{cloudKeyId}/kms-keys/{kmsKeyId}/accept',
    vault: 'cloud-keys.write',
  },
  /** Find KMS keys without a KMS key record. */
  listUnlinkedKmsKeys: {
    method: 'GET',
    path: '/vaults/{vaultId}/key-sets/{keySetId}/kms-keys/unlinked',
    vault: 'cloud-keys.write',
  },
  /** List audit events of the appliance. */
  listApplianceAuditEvents: { method: 'GET', path: '/audit-events', appliance: 'appliance.read' },
  /** List audit events of a vault. */
  listAuditEvents: { method: 'GET', path: '/vaults/{vaultId}/audit-events', vault: 'audit.read' },
  /** Show the audit trail of the appliance. */
  getApplianceAuditTrail: { method: 'GET', path: '/audit-trail', appliance: 'appliance.read' },
  /** List the prunings of the appliance’s audit trail. */
  listApplianceAuditPrunings: { method: 'GET', path: '/audit-prunings', appliance: 'appliance.read' },
  /** Prune the audit trail of the appliance, or of a deleted vault. */
  createApplianceAuditPruning: {
    method: 'POST',
    path: '/audit-prunings',
    appliance: 'appliance-audit.prune',
  },
  /** Show a pruning of the audit trail of the appliance, or of a deleted vault. */
  getApplianceAuditPruning: {
    method: 'GET',
    path: '/audit-prunings/{pruningId}',
    appliance: 'appliance.read',
  },
  /** Show the audit trail of a vault. */
  getAuditTrail: { method: 'GET', path: '/vaults/{vaultId}/audit-trail', vault: 'audit.read' },
  /** List the prunings of a vault’s audit trail. */
  listAuditPrunings: { method: 'GET', path: '/vaults/{vaultId}/audit-prunings', vault: 'audit.read' },
  /** Prune the audit trail of a vault. */
  createAuditPruning: { method: 'POST', path: '/vaults/{vaultId}/audit-prunings', vault: 'audit.prune' },
  /** Show a pruning of the audit trail of a vault. */
  getAuditPruning: {
    method: 'GET',
    path: '/vaults/{vaultId}/audit-prunings/{pruningId}',
    vault: 'audit.read',
  },
  /** List the reconciliation reports. */
  listReconciliations: { method: 'GET', path: '/reconciliations', appliance: 'appliance.read' },
  /** Compare the records with the tokens now. */
  createReconciliation: { method: 'POST', path: '/reconciliations', appliance: 'appliance.write' },
  /** Show a reconciliation report. */
  getReconciliation: {
    method: 'GET',
    path: '/reconciliations/{reconciliationId}',
    appliance: 'appliance.read',
  },
  /** List the reconciliation reports of a vault. */
  listVaultReconciliations: { method: 'GET', path: '/vaults/{vaultId}/reconciliations', vault: 'audit.read' },
  /** Compare the records of a vault with the tokens now. */
  createVaultReconciliation: {
    method: 'POST',
    path: '/vaults/{vaultId}/reconciliations',
    vault: 'reconcile.run',
  },
  /** Show a reconciliation report of a vault. */
  getVaultReconciliation: {
    method: 'GET',
    path: '/vaults/{vaultId}/reconciliations/{reconciliationId}',
    vault: 'audit.read',
  },
} as const satisfies Record<string, OperationFacts>;

export type OperationName = keyof typeof operations;

export interface OperationFacts {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Under /api/v1, with `{parameters}`. */
  path: string;
  /** Permission that a user of the appliance needs. */
  appliance?: string;
  /** Permission that a user of the vault needs. */
  vault?: string;
}
