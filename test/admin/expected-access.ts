/** Who asks. All but `other-vault` and those of the appliance are of the vault that is asked for. */
export const standings = [
  'nobody',
  'appliance-admin',
  'appliance-auditor',
  'vault-admin',
  'cloud-admin',
  'other-group',
  'auditor',
  'reading-key',
  'other-vault',
] as const;

export type Standing = (typeof standings)[number];
type Verdict = 'ok' | 401 | 403 | 404;
type Row = Record<Standing, Verdict>;

function row(...verdicts: Verdict[]): Row {
  return Object.fromEntries(standings.map((standing, index) => [standing, verdicts[index]])) as Row;
}

// The columns: nobody, appliance-admin, appliance-auditor, vault-admin, cloud-admin, other-group, auditor, reading-key,
// other-vault.
const everyone = row('ok', 'ok', 'ok', 'ok', 'ok', 'ok', 'ok', 'ok', 'ok');
const sessionsOnly = row(401, 'ok', 'ok', 'ok', 'ok', 'ok', 'ok', 403, 'ok');
/** Something of one's own under an id that is nobody's. */
const ownUnknown = row(401, 404, 404, 404, 404, 404, 404, 403, 404);
const applianceReads = row(401, 'ok', 'ok', 403, 403, 403, 403, 403, 403);
const applianceWrites = row(401, 'ok', 403, 403, 403, 403, 403, 403, 403);
const vaultReads = row(401, 403, 403, 'ok', 'ok', 'ok', 'ok', 'ok', 404);
/** What belongs to an admin group: another group's cloud admin does not find it. */
const ownedReads = row(401, 403, 403, 'ok', 'ok', 404, 'ok', 'ok', 404);
const cloudWrites = row(401, 403, 403, 'ok', 'ok', 'ok', 403, 403, 404);
const ownedWrites = row(401, 403, 403, 'ok', 'ok', 404, 403, 403, 404);
const peopleReads = row(401, 403, 403, 'ok', 403, 403, 'ok', 403, 404);
const vaultAdmins = row(401, 403, 403, 'ok', 403, 403, 403, 403, 404);

/** The table: for each operation and standing, how far they get. */
export const expected: Readonly<Record<string, Row>> = {
  getOpenApi: everyone,
  // Sessions and what is one's own
  signIn: everyone,
  signInToVault: everyone,
  startOidcSignIn: everyone,
  startOidcSignInToVault: everyone,
  oidcCallback: everyone,
  finishOidcSignIn: everyone,
  getSession: sessionsOnly,
  getCaller: row(401, 'ok', 'ok', 'ok', 'ok', 'ok', 'ok', 'ok', 'ok'),
  signOut: sessionsOnly,
  giveSecondFactor: sessionsOnly,
  changePassword: sessionsOnly,
  listSessions: sessionsOnly,
  endSession: ownUnknown,
  enrolTotp: sessionsOnly,
  confirmTotp: sessionsOnly,
  removeTotp: sessionsOnly,
  newRecoveryCodes: sessionsOnly,
  listApiKeys: sessionsOnly,
  createApiKey: sessionsOnly,
  revokeApiKey: ownUnknown,
  // The appliance
  listVaults: applianceReads,
  createVault: applianceWrites,
  updateVault: row(401, 'ok', 403, 'ok', 403, 403, 403, 403, 404),
  getVault: row(401, 'ok', 'ok', 'ok', 'ok', 'ok', 'ok', 'ok', 404),
  deleteVault: row(401, 'ok', 403, 403, 403, 403, 403, 403, 404),
  freezeAllVaults: applianceWrites,
  freezeVault: row(401, 'ok', 403, 'ok', 403, 403, 403, 403, 404),
  thawVault: row(401, 'ok', 403, 'ok', 403, 403, 403, 403, 404),
  resetVaultAdministrator: row(401, 'ok', 403, 403, 403, 403, 403, 403, 404),
  listApplianceUsers: applianceReads,
  createApplianceUser: applianceWrites,
  getApplianceUser: row(401, 404, 404, 403, 403, 403, 403, 403, 403),
  updateApplianceUser: row(401, 404, 403, 403, 403, 403, 403, 403, 403),
  deleteApplianceUser: row(401, 404, 403, 403, 403, 403, 403, 403, 403),
  unlockApplianceUser: row(401, 404, 403, 403, 403, 403, 403, 403, 403),
  resetApplianceUserPassword: row(401, 404, 403, 403, 403, 403, 403, 403, 403),
  removeApplianceUserTotp: row(401, 404, 403, 403, 403, 403, 403, 403, 403),
  // Nobody has set it up: who may look finds nothing.
  getOidcProvider: row(401, 404, 404, 403, 403, 403, 403, 403, 403),
  putOidcProvider: applianceWrites,
  deleteOidcProvider: applianceWrites,
  listTokens: applianceReads,
  getToken: applianceReads,
  verifyToken: applianceWrites,
  listNodes: applianceReads,
  getMail: applianceReads,
  putMail: applianceWrites,
  deleteMail: applianceWrites,
  testMail: applianceWrites,
  listApplianceAuditEvents: applianceReads,
  listReconciliations: applianceReads,
  getReconciliation: row(401, 404, 404, 403, 403, 403, 403, 403, 403),
  createReconciliation: applianceWrites,
  // Inside a vault
  listUsers: peopleReads,
  createUser: vaultAdmins,
  getUser: peopleReads,
  updateUser: vaultAdmins,
  deleteUser: vaultAdmins,
  unlockUser: vaultAdmins,
  resetUserPassword: vaultAdmins,
  removeUserTotp: vaultAdmins,
  getVaultOidcProvider: row(401, 403, 403, 404, 404, 404, 404, 404, 404),
  putVaultOidcProvider: vaultAdmins,
  deleteVaultOidcProvider: vaultAdmins,
  listAdminGroups: vaultReads,
  createAdminGroup: vaultAdmins,
  getAdminGroup: vaultReads,
  updateAdminGroup: vaultAdmins,
  deleteAdminGroup: vaultAdmins,
  listAdminGroupMembers: peopleReads,
  addAdminGroupMember: vaultAdmins,
  removeAdminGroupMember: vaultAdmins,
  listCspAccounts: vaultReads,
  createCspAccount: cloudWrites,
  getCspAccount: ownedReads,
  updateCspAccount: ownedWrites,
  deleteCspAccount: ownedWrites,
  checkCspAccount: ownedWrites,
  rotateCspAccessKey: ownedWrites,
  getCspAccountPolicy: ownedReads,
  listCspPrincipals: ownedWrites,
  listKeySets: vaultReads,
  createKeySet: cloudWrites,
  getKeySet: ownedReads,
  updateKeySet: ownedWrites,
  deleteKeySet: ownedWrites,
  freezeKeySet: ownedWrites,
  thawKeySet: ownedWrites,
  freezeKeySets: cloudWrites,
  thawKeySets: cloudWrites,
  listCredentials: ownedReads,
  issueCredential: ownedWrites,
  getCredential: ownedReads,
  updateCredential: ownedWrites,
  withdrawCredential: ownedWrites,
  rotateCredential: ownedWrites,
  listExternalKeyStores: ownedReads,
  createExternalKeyStore: ownedWrites,
  // Asks for a Region before it looks for the key set.
  listExternalKeyStoreCandidates: cloudWrites,
  linkExternalKeyStore: ownedWrites,
  getExternalKeyStore: ownedReads,
  updateExternalKeyStore: ownedWrites,
  deleteExternalKeyStore: ownedWrites,
  connectExternalKeyStore: ownedWrites,
  disconnectExternalKeyStore: ownedWrites,
  refreshExternalKeyStore: ownedWrites,
  rotateExternalKeyStoreCredential: ownedWrites,
  getExternalKeyStoreConsole: ownedWrites,
  listCloudKeys: vaultReads,
  createCloudKey: cloudWrites,
  adoptCloudKey: vaultAdmins,
  getCloudKey: ownedReads,
  updateCloudKey: ownedWrites,
  listCloudKeyVersions: ownedReads,
  disableCloudKey: ownedWrites,
  enableCloudKey: ownedWrites,
  rotateCloudKey: ownedWrites,
  scheduleCloudKeyDeletion: ownedWrites,
  cancelCloudKeyDeletion: ownedWrites,
  listKmsKeys: vaultReads,
  listKmsKeysOfCloudKey: ownedReads,
  createKmsKey: ownedWrites,
  getKmsKey: ownedReads,
  getKmsKeyConsole: ownedReads,
  updateKmsKey: ownedWrites,
  // Asks what becomes of the KMS key before it looks for the pointer.
  deleteKmsKey: cloudWrites,
  retryKmsKey: ownedWrites,
  refreshKmsKey: ownedWrites,
  enableKmsKey: ownedWrites,
  disableKmsKey: ownedWrites,
  scheduleKmsKeyDeletion: ownedWrites,
  cancelKmsKeyDeletion: ownedWrites,
  applyKmsKey: ownedWrites,
  acceptKmsKey: ownedWrites,
  // Asks for a Region before it looks for the key set.
  listUnlinkedKmsKeys: cloudWrites,
  listAuditEvents: row(401, 403, 403, 'ok', 403, 403, 'ok', 403, 404),
  listVaultReconciliations: row(401, 403, 403, 'ok', 403, 403, 'ok', 403, 404),
  getVaultReconciliation: row(401, 403, 403, 404, 403, 403, 404, 403, 404),
  createVaultReconciliation: vaultAdmins,
};
