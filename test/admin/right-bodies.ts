/** Bodies that are right for the route, so that a request gets as far as looking for its record. */
export const rightBodies: Readonly<Record<string, unknown>> = {
  updateApplianceUser: { displayName: 'x' },
  updateUser: { displayName: 'x' },
  updateAdminGroup: { description: 'x' },
  updateCspAccount: { description: 'x' },
  updateKeySet: { description: 'x' },
  updateCredential: { expiresAt: null },
  issueCredential: {},
  rotateCredential: {},
  // Of no Region that there is: nothing is made.
  createExternalKeyStore: { region: 'nowhere', uriEndpoint: 'https://xks.example.com' },
  linkExternalKeyStore: { region: 'nowhere', customKeyStoreId: 'cks-1234567890abcdef0' },
  updateExternalKeyStore: { name: 'x' },
  rotateExternalKeyStoreCredential: {},
  getExternalKeyStoreConsole: {},
  updateCloudKey: { description: 'x' },
  putDoctorReport: { hostname: 'x', endpoint: 'https://xks.example.com', findings: [] },
  scheduleCloudKeyDeletion: { days: 7 },
  // Of no Region that there is: nothing is made.
  createKmsKey: { region: 'nowhere' },
  updateKmsKey: { description: 'x' },
  scheduleKmsKeyDeletion: { days: 7 },
  applyLostChanges: { lostChanges: 'all' },
  leaveLostChanges: { lostChanges: ['0'.repeat(24)] },
};

const pruning = { before: '2026-01-01T00:00:00.000Z', count: 1, sha256: '0'.repeat(64) };

/** What acts are asked with so that they come as far as doing it, but for those that {@link rightBodies} has. */
export function fullBody(operation: string, about: ActBodies): unknown {
  const bodies: Readonly<Record<string, unknown>> = {
    ...Object.fromEntries(
      ['acknowledgeFinding', 'acknowledgeVaultFinding'].map((one) => [
        one,
        { fingerprint: about.fingerprint, note: about.fresh },
      ]),
    ),
    ...Object.fromEntries(
      ['withdrawAcknowledgement', 'withdrawVaultAcknowledgement'].map((one) => [
        one,
        { fingerprint: about.fingerprint },
      ]),
    ),
    changePassword: {
      currentPassword: about.password,
      newPassword: `another ${about.password} ${about.fresh}`,
    },
    enrolTotp: { password: about.password },
    removeTotp: { password: about.password, code: about.recoveryCode },
    newRecoveryCodes: { password: about.password, code: about.recoveryCode },
    createApiKey: { name: about.fresh, scope: [about.permission], expiresAt: about.soon },
    createVault: {
      name: about.fresh,
      administrator: { username: 'first', name: 'First', email: 'first@example.com' },
    },
    updateVault: { description: about.fresh },
    resetVaultAdministrator: { username: about.administrator },
    createApplianceUser: { username: about.fresh, email: 'x@example.com', role: 'appliance-auditor' },
    updateApplianceUser: { displayName: about.fresh },
    createUser: { username: about.fresh, email: 'x@example.com', role: 'auditor' },
    updateUser: { displayName: about.fresh },
    putOidcProvider: about.provider,
    putVaultOidcProvider: about.provider,
    putMail: { host: 'mail.example.com', port: 25, security: 'starttls', from: 'x@example.com' },
    testMail: { to: 'x@example.com' },
    createAdminGroup: { name: about.fresh },
    updateAdminGroup: { description: about.fresh },
    createCspAccount: { name: about.fresh, adminGroupId: about.group, awsAccountId: '123456789012' },
    updateCspAccount: { description: about.fresh },
    createKeySet: { name: about.fresh, adminGroupId: about.group, token: 'token', pathPrefix: about.fresh },
    updateKeySet: { description: about.fresh },
    freezeKeySets: { keySets: 'all' },
    thawKeySets: { keySets: 'all' },
    updateCredential: { retireAfterQuietMinutes: 77 },
    createExternalKeyStore: { region: 'eu-west-1', uriEndpoint: 'https://xks.example.com' },
    linkExternalKeyStore: { region: 'eu-west-1', customKeyStoreId: 'cks-1234567890abcdef0' },
    updateExternalKeyStore: { name: about.fresh },
    createCloudKey: { keySetId: about.keySet, name: about.fresh, kmsKey: false },
    previewCloudKey: { keySetId: about.keySet, name: about.fresh, kmsKey: false },
    updateCloudKey: { description: about.fresh },
    createKmsKey: { region: 'eu-central-1' },
    findCloudKeys: { called: about.fresh },
    createApplianceAuditPruning: pruning,
    createAuditPruning: pruning,
    updateKmsKey: { description: about.fresh },
  };
  return operation in bodies ? bodies[operation] : rightBodies[operation];
}

export interface ActBodies {
  /** A name that nothing has. */
  fresh: string;
  /** A moment within the next days. */
  soon: string;
  password: string;
  recoveryCode: string;
  permission: string;
  administrator: string;
  group: string;
  keySet: string;
  provider: unknown;
  /** Of a finding of the status, as it is now. */
  fingerprint?: string;
}
