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
  scheduleCloudKeyDeletion: { days: 7 },
  // Of no Region that there is: nothing is made.
  createKmsKey: { region: 'nowhere' },
  updateKmsKey: { description: 'x' },
  scheduleKmsKeyDeletion: { days: 7 },
};
