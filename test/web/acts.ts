/*
 * What the pages offer to do, by the words on the button or in the menu, and the operation of the API that it comes to. A new
 * button is named here, or it is not known who may be offered it.
 */

/** Operations by the words of what leads to them. A star stands for names: "Revoke *". */
type Acts = Readonly<Record<string, string>>;

interface ActsOfPage {
  /** There as long as the pages are gone through, for whoever may do it. */
  always?: Acts;
  /** In states that nothing has here, or has for a while: judged where it is met, and missed nowhere. */
  sometimes?: Acts;
}

/** By page: its path as the console's routes have it, with the tab where they are of the tab alone. */
type Pages = Readonly<Record<string, ActsOfPage>>;

/** Changes nothing: whoever sees the page may do it. */
const looks =
  /^(Refresh|Download( .*)?|Preferences|(Next|Previous) page|Page \d+|Close navigation|Open the help of this page|Copy(: .*)?|Details: .*|Show: .*|Show the .*|Expiry|Cancel|Next|Choose files|Compare|\d+[hdw]|All|Last (hour|day|week|30 days)|(\d+ )?Members( of .*)?)$/;

/** Wherever one is signed in. */
const common: Pages = {
  'account/security': {
    always: { 'Change the password': 'changePassword', 'Set up': 'enrolTotp' },
    sometimes: {
      ...{ 'Turn on': 'confirmTotp', 'Turn off': 'removeTotp', 'New recovery codes': 'newRecoveryCodes' },
      // In the menu of the top bar, and so on every page.
      'Sign out': 'signOut',
    },
  },
  'account/sessions': { sometimes: { End: 'endSession' } },
  'account/api-keys': {
    always: { 'Create API key': 'createApiKey' },
    sometimes: { 'Revoke *': 'revokeApiKey' },
  },
};

const ofVault: Pages = {
  ...common,
  '': {
    sometimes: {
      'Acknowledge *': 'acknowledgeVaultFinding',
      'Withdraw the acknowledgement of *': 'withdrawVaultAcknowledgement',
    },
  },
  'cloud-keys': {
    always: {
      ...{ Actions: 'disableCloudKey', 'Create CloudKey': 'createCloudKey' },
      'Adopt a key object': 'adoptCloudKey',
    },
    // What is in its menu once something is chosen.
    sometimes: {
      ...{ Disable: 'disableCloudKey', Enable: 'enableCloudKey', 'Rotate now': 'rotateCloudKey' },
      'Delete…': 'scheduleCloudKeyDeletion',
    },
  },
  'cloud-keys/create': { sometimes: { 'Create CloudKey': 'createCloudKey' } },
  'cloud-keys/:cloudKeyId': {
    always: {
      ...{ Edit: 'updateCloudKey', 'Rotate now': 'rotateCloudKey', Disable: 'disableCloudKey' },
      'Delete…': 'scheduleCloudKeyDeletion',
    },
    sometimes: { Enable: 'enableCloudKey', 'Cancel deletion': 'cancelCloudKeyDeletion' },
  },
  'cloud-keys/:cloudKeyId?tab=aws': { sometimes: { 'Create KMS key': 'createKmsKey' } },
  'cloud-keys/:cloudKeyId/edit': { always: { 'Save changes': 'updateCloudKey' } },
  'key-sets': {
    always: { Actions: 'freezeKeySets', 'Create key set': 'createKeySet' },
    sometimes: { Freeze: 'freezeKeySets', Thaw: 'thawKeySets' },
  },
  'key-sets/create': {
    sometimes: {
      ...{ 'Create key set': 'createKeySet', 'Create CSP account': 'createCspAccount' },
      'Verify connection': 'verifyVaultToken',
    },
  },
  'key-sets/:keySetId': {
    always: { Edit: 'updateKeySet', Delete: 'deleteKeySet', Freeze: 'freezeKeySet' },
    sometimes: { Thaw: 'thawKeySet' },
  },
  'key-sets/:keySetId?tab=credentials': {
    always: {
      'Issue credential': 'issueCredential',
      ...{ Edit: 'updateCredential', Rotate: 'rotateCredential', Withdraw: 'withdrawCredential' },
    },
  },
  'external-key-stores': {
    always: {
      'Link one that is in AWS': 'linkExternalKeyStore',
      'Create external key store': 'createExternalKeyStore',
    },
  },
  'external-key-stores/:keySetId/:externalKeyStoreId': {
    always: {
      ...{ Edit: 'updateExternalKeyStore', Delete: 'deleteExternalKeyStore' },
      'Look at AWS': 'refreshExternalKeyStore',
      'Rotate credential': 'rotateExternalKeyStoreCredential',
      Disconnect: 'disconnectExternalKeyStore',
    },
    sometimes: {
      Connect: 'connectExternalKeyStore',
      'Record what AWS shows': 'updateExternalKeyStore',
      'Values for the AWS console': 'getExternalKeyStoreConsole',
    },
  },
  'kms-keys': { always: { 'Link one that is in AWS': 'createKmsKey' } },
  'kms-keys/:cloudKeyId/:kmsKeyId': {
    always: {
      ...{ 'Look at AWS': 'refreshKmsKey', Edit: 'updateKmsKey', 'Disable in AWS': 'disableKmsKey' },
      'Schedule deletion in AWS': 'scheduleKmsKeyDeletion',
      'Stop keeping it here': 'deleteKmsKey',
    },
    sometimes: {
      ...{ 'Try again': 'retryKmsKey', 'Enable in AWS': 'enableKmsKey', 'Enter its ARN': 'updateKmsKey' },
      'Cancel deletion in AWS': 'cancelKmsKeyDeletion',
      ...{ 'Apply ours': 'applyKmsKey', 'Accept theirs': 'acceptKmsKey' },
    },
  },
  'csp-accounts': { always: { 'Create CSP account': 'createCspAccount' } },
  'csp-accounts/:cspAccountId': {
    always: {
      ...{ Edit: 'updateCspAccount', Delete: 'deleteCspAccount', Check: 'checkCspAccount' },
      'Rotate access key': 'rotateCspAccessKey',
    },
  },
  users: {
    always: {
      ...{ 'Create user': 'createUser', Edit: 'updateUser', Disable: 'updateUser', Delete: 'deleteUser' },
      'New first password': 'resetUserPassword',
    },
    sometimes: {
      ...{ Enable: 'updateUser', Unlock: 'unlockUser', 'Remove the second factor': 'removeUserTotp' },
    },
  },
  access: { sometimes: { Revoke: 'revokeUserApiKey' } },
  'access?tab=sessions': { always: { End: 'endUserSession' } },
  'admin-groups': {
    always: {
      ...{ 'Create admin group': 'createAdminGroup', Edit: 'updateAdminGroup', Delete: 'deleteAdminGroup' },
    },
    // In the dialog of its members.
    sometimes: { Add: 'addAdminGroupMember', 'Take *': 'removeAdminGroupMember' },
  },
  'single-sign-on': {
    always: { 'Set up': 'putVaultOidcProvider' },
    sometimes: { Edit: 'putVaultOidcProvider', Remove: 'deleteVaultOidcProvider' },
  },
  'audit/retention': { always: { 'Prune by an archive': 'createAuditPruning' } },
  reconciliations: { always: { 'Compare now': 'createVaultReconciliation' } },
  settings: {
    always: { 'Freeze the vault': 'freezeVault', Edit: 'updateVault' },
    sometimes: { 'Thaw the vault': 'thawVault' },
  },
};

const ofNode: ActsOfPage = {
  always: { Drain: 'drainNode' },
  sometimes: { Undrain: 'undrainNode', Remove: 'removeNode' },
};

const ofAppliance: Pages = {
  ...common,
  '': {
    sometimes: {
      'Acknowledge *': 'acknowledgeFinding',
      'Withdraw the acknowledgement of *': 'withdrawAcknowledgement',
    },
  },
  vaults: {
    always: {
      ...{ 'Create vault': 'createVault', Edit: 'updateVault', Freeze: 'freezeVault', Delete: 'deleteVault' },
      'Reset an administrator': 'resetVaultAdministrator',
      'Freeze every vault': 'freezeAllVaults',
    },
    sometimes: { Thaw: 'thawVault' },
  },
  tokens: { always: { Verify: 'verifyToken' } },
  'tokens/:token': {
    always: { Verify: 'verifyToken' },
    sometimes: { 'Record as erased': 'recordErasedToken' },
  },
  nodes: ofNode,
  'nodes/:nodeId': ofNode,
  'find-cloud-key': { always: { Find: 'findCloudKeys' } },
  'lost-changes': {
    always: { Actions: 'applyLostChanges' },
    // What is in its menu once something is chosen; and where there is something to be decided.
    sometimes: {
      ...{ 'Take away again': 'applyLostChanges', 'Leave as in the database': 'leaveLostChanges' },
      'Take all away again': 'applyLostChanges',
    },
  },
  'audit/retention': { always: { 'Prune by an archive': 'createApplianceAuditPruning' } },
  reconciliations: { always: { 'Compare now': 'createReconciliation' } },
  users: {
    always: {
      ...{ 'Create user': 'createApplianceUser', Edit: 'updateApplianceUser' },
      ...{ Disable: 'updateApplianceUser', Delete: 'deleteApplianceUser' },
      'New first password': 'resetApplianceUserPassword',
    },
    sometimes: {
      ...{ Enable: 'updateApplianceUser', Unlock: 'unlockApplianceUser' },
      'Remove the second factor': 'removeApplianceUserTotp',
    },
  },
  'single-sign-on': {
    always: { 'Set up': 'putOidcProvider' },
    sometimes: { Edit: 'putOidcProvider', Remove: 'deleteOidcProvider' },
  },
  access: { sometimes: { Revoke: 'revokeApplianceUserApiKey' } },
  'access?tab=sessions': { always: { End: 'endApplianceUserSession' } },
  mail: {
    always: { 'Set up': 'putMail' },
    sometimes: { Edit: 'putMail', Remove: 'deleteMail', 'Send a test': 'testMail' },
  },
};

/** What is named for a place: of its page, and of its tab. */
function named(place: string, isOfVault: boolean): Required<ActsOfPage> {
  const pages = isOfVault ? ofVault : ofAppliance;
  const [page = ''] = place.split('?');
  return {
    always: { ...pages[page]?.always, ...pages[place]?.always },
    sometimes: { ...pages[page]?.sometimes, ...pages[place]?.sometimes },
  };
}

/** What is there for whoever may do it, with the operation behind it. */
export function actsAt(place: string, isOfVault: boolean): Acts {
  return named(place, isOfVault).always;
}

/** The operation behind words on a page; null for a look, undefined where it is not known. */
export function operationOf(place: string, isOfVault: boolean, words: string): string | null | undefined {
  const { always, sometimes } = named(place, isOfVault);
  const acts = { ...sometimes, ...always };
  // Of one of a list: "Verify: token".
  const [act = ''] = words.split(': ');
  const starred = Object.keys(acts).find((one) => one.endsWith(' *') && words.startsWith(one.slice(0, -1)));
  const known = acts[act] ?? (starred === undefined ? undefined : acts[starred]);
  if (known !== undefined) return known;
  return looks.test(words) ? null : undefined;
}

/** Whether a tab of a vault's page has acts that are of it alone. */
export function hasOwnActs(tab: string): boolean {
  return tab in ofVault;
}

/** Every operation that is named. */
export function namedOperations(): Set<string> {
  const pages = [...Object.values(ofVault), ...Object.values(ofAppliance)];
  const acts = pages.flatMap((page) => Object.values(page) as Acts[]);
  return new Set(acts.flatMap((one) => Object.values(one)));
}

/** Done as soon as they are pressed: they have no dialog, change nothing here, and can be repeated. */
const atOnce = new Set(['Look at AWS', 'Check']);
/** Have a page of their own, or cannot be pressed before something is chosen. */
const elsewhere = /^(Create CloudKey|Create key set|Save changes|cloud-keys\/:cloudKeyId Edit)$/;

/** Whether words on a page, with an operation behind them, open a dialog. */
export function hasDialog(page: string, words: string): boolean {
  return !atOnce.has(words) && !elsewhere.test(words) && !elsewhere.test(`${page} ${words}`);
}
