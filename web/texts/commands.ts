import { shellWord as w } from '../frame/shell-word.ts';
import {
  option,
  change,
  flag,
  userActs,
  storeName,
  accountOptions,
  keySetOptions,
  kmsKeyOptions,
  cloudKeyOptions,
  ofKmsKey,
  rotationWord,
  daysWord,
  rangeOptions,
  filesOf,
  type AdoptWords,
  type EventWords,
  type RequestWords,
  type UserWords,
  type VaultWords,
  type SsoWords,
  type MailWords,
  type StoreName,
  type StoreWords,
  type StoreEditWords,
  type KmsKeyActWords,
  type KmsKeyMore,
  type KmsKeyName,
  type KmsKeyWords,
  type AccountWords,
  type KeySetWords,
  type CloudKeyWords,
} from './command-words.ts';

/* The commands that do the same as the console. A test has each of them read by the command line itself. */

export const commands = {
  passwordChange: () => 'holdfast password',
  secondFactorOn: () => 'holdfast second-factor enable',
  secondFactorOff: () => 'holdfast second-factor disable',
  recoveryCodes: () => 'holdfast second-factor recovery-codes',
  sessionEnd: (id: string) => `holdfast session end ${w(id)}`,
  userSessionEnd: (id: string, user: string) => `holdfast session end ${w(id)}${option('user', user)}`,
  userKeyRevoke: (id: string, user: string) => `holdfast api-key revoke ${w(id)}${option('user', user)}`,
  sessionRules: () => 'holdfast session rules',
  apiKeyCreate: (name: string, scope: readonly string[], days: string) =>
    `holdfast api-key create ${w(name === '' ? 'NAME' : name)}${scope.map((one) => option('scope', one)).join('')}${option('expires', `${days}d`)}`,
  apiKeyRevoke: (name: string) => `holdfast api-key revoke ${w(name)}`,
  status: () => 'holdfast --json status',
  findingAcknowledge: (trouble: string, where: string, note: string, until: string) =>
    `holdfast status acknowledge ${w(trouble)}${option('where', where)}${option('note', note === '' ? 'WHY' : note)}${option('until', until)}`,
  findingWithdraw: (trouble: string, where: string) =>
    `holdfast status withdraw-acknowledgement ${w(trouble)}${option('where', where)}`,
  cloudKeyList: ({ keySet, region, sort }: { keySet?: string; region?: string | undefined; sort?: string }) =>
    `holdfast --json cloud-key list${option('key-set', keySet)}${option('region', region)}${option('sort', sort)}`,
  requestList: (asked: RequestWords) =>
    [
      'holdfast --json request list',
      option('error', asked.error),
      option('key-set', asked.keySet),
      option('external-key-id', asked.externalKeyId),
      option('principal', asked.principal),
      option('kms-request-id', asked.kmsRequestId),
      rangeOptions(asked),
      flag('oldest-first', asked.sort === 'lastAt'),
    ].join(''),
  requestUnexplained: (trails: readonly string[], logs: readonly string[]) =>
    `holdfast request unexplained --cloudtrail ${filesOf(trails, 'CLOUDTRAIL-FILE')} --log ${filesOf(logs, 'LOG-FILE')}`,
  requestShow: (id: string) => `holdfast --json request list${option('id', id)}`,
  auditList: (asked: EventWords) =>
    [
      'holdfast --json audit list --all',
      option('sequence', asked.sequence),
      option('action', asked.action),
      option('actor', asked.actor),
      option('target', asked.target),
      option('outcome', asked.outcome),
      option('request-id', asked.requestId),
      rangeOptions(asked),
      flag('oldest-first', asked.sort === 'sequence'),
    ].join(''),
  auditEvent: (sequence: number) => `holdfast --json audit list${option('sequence', sequence)}`,
  auditArchive: (days: number, deletedVault?: string) =>
    `holdfast audit archive${option('older-than', `${days}d`)} --file audit.jsonl.gz${option('deleted-vault', deletedVault)}`,
  auditPrune: (file: string) => `holdfast audit prune ${w(file === '' ? 'audit.jsonl.gz' : file)}`,
  auditPrunings: (deletedVault?: string) =>
    `holdfast --json audit prunings${option('deleted-vault', deletedVault)}`,
  reconcileRun: () => 'holdfast reconcile run',
  reconcileList: () => 'holdfast --json reconcile list',
  reconcileShow: (id: string) => `holdfast --json reconcile show ${w(id)}`,
  lostChangeList: (decidedToo: boolean) => `holdfast --json lost-change list${flag('decided', decidedToo)}`,
  lostChangeApply: (ids: 'all' | readonly string[]) =>
    `holdfast lost-change apply ${ids === 'all' ? '--all' : ids.map(w).join(' ')}`,
  lostChangeLeave: (ids: readonly string[]) => `holdfast lost-change leave ${ids.map(w).join(' ')}`,
  cloudKeyAct: (act: 'disable' | 'enable' | 'cancel-deletion', name: string, keySet: string, both: boolean) =>
    `holdfast cloud-key ${act} ${w(name)}${option('key-set', keySet)}${both ? ' --cloud both' : ''}`,
  cloudKeyRotate: (name: string, keySet: string) =>
    `holdfast cloud-key rotate ${w(name)}${option('key-set', keySet)}`,
  cloudKeyDelete: (name: string, keySet: string, days: string, both: boolean) =>
    `holdfast cloud-key delete ${w(name)}${option('key-set', keySet)}${option('days', days)}${both ? ' --cloud both' : ''}`,
  cloudKeyCreate: (key: CloudKeyWords) =>
    `holdfast cloud-key create ${w(key.name === '' ? 'NAME' : key.name)}${cloudKeyOptions(key)}${ofKmsKey(key)}`,
  cloudKeyPreview: (key: CloudKeyWords) =>
    `holdfast cloud-key preview ${w(key.name === '' ? 'NAME' : key.name)}${cloudKeyOptions(key)}${ofKmsKey(key)}`,
  cloudKeyFind: (called: string) => `holdfast cloud-key find ${w(called === '' ? 'NAME' : called)}`,
  cloudKeyAdopt: (key: AdoptWords) =>
    [
      `holdfast cloud-key adopt ${w(key.name === '' ? 'NAME' : key.name)}`,
      option('key-set', key.keySet),
      option('label', key.label === '' ? 'LABEL' : key.label),
      option('external-key-id', key.externalKeyId),
      option('region', key.region),
      option('description', key.description),
      flag('restrict', key.restrict),
    ].join(''),
  cloudKeyEdit: (name: string, keySet: string, key: Partial<CloudKeyWords>, applyToKms: boolean) =>
    [
      `holdfast cloud-key edit ${w(name)}${option('key-set', keySet)}${option('name', key.name)}`,
      change('description', key.description),
      change('administrator', key.administrators?.join(',')),
      change('user', key.users?.join(',')),
      option('rotation', key.rotation === undefined ? undefined : rotationWord(key.rotation)),
      change('expires', key.expires, 'never'),
      change('quota', key.quota, 'none'),
      flag('apply-to-kms', applyToKms),
    ].join(''),
  keySetCreate: (set: KeySetWords) =>
    `holdfast key-set create ${w(set.name === '' ? 'NAME' : set.name)}${keySetOptions(set)}`,
  keySetEdit: (name: string, set: Partial<KeySetWords>) =>
    [
      `holdfast key-set edit ${w(name)}${option('name', set.name)}${option('token', set.token)}`,
      change('path-prefix', set.pathPrefix),
      change('description', set.description),
      change('group', set.group, 'none'),
      change('csp-account', set.account, 'none'),
      set.forAws === undefined ? '' : option('external-key-store', set.forAws ? 'yes' : 'no'),
      change('rotation', set.rotationDays === '' ? '' : daysWord(set.rotationDays), 'never'),
      change('quota', set.quota, 'none'),
    ].join(''),
  keySetAct: (act: 'freeze' | 'thaw' | 'delete', name: string) => `holdfast key-set ${act} ${w(name)}`,
  keySetsFreeze: (act: 'freeze' | 'thaw', names: readonly string[]) =>
    `holdfast key-set ${act} ${names.map(w).join(' ')}`,
  credentialEdit: (
    accessKeyId: string,
    days: number | undefined,
    { retireAfterQuietMinutes: minutes }: { retireAfterQuietMinutes?: number | null | undefined },
  ) =>
    [
      `holdfast credential edit ${w(accessKeyId)}`,
      option('expires', days === 0 ? 'never' : daysWord(days?.toString())),
      option('retire-after-quiet', minutes === null ? 'never' : minutes === undefined ? '' : `${minutes}min`),
    ].join(''),
  credentialIssue: (keySet: string, days: number) =>
    `holdfast credential issue${option('key-set', keySet)}${option('expires', days === 0 ? 'never' : `${days}d`)} --console-file xks-proxy-config.json`,
  credentialRotate: (accessKeyId: string, minutes: string) =>
    `holdfast credential rotate ${w(accessKeyId)}${option('retire-after-quiet', `${minutes}min`)} --console-file xks-proxy-config.json`,
  credentialWithdraw: (accessKeyId: string) => `holdfast credential withdraw ${w(accessKeyId)}`,
  accountCreate: (account: AccountWords) =>
    `holdfast csp-account create ${w(account.name === '' ? 'NAME' : account.name)}${accountOptions(account)}`,
  accountEdit: (name: string, account: Partial<AccountWords>) =>
    [
      `holdfast csp-account edit ${w(name)}${option('name', account.name)}${option('group', account.group)}`,
      change('description', account.description),
      option('type', account.type),
      change('aws-account', account.awsAccountId),
      change('region', account.defaultRegion),
      option('role-arn', account.roleArn),
      option('access-key-id', account.accessKeyId),
      change(
        'access-key-rotation',
        account.rotationDays === '' ? '' : daysWord(account.rotationDays),
        'never',
      ),
    ].join(''),
  accountDelete: (name: string) => `holdfast csp-account delete ${w(name)}`,
  accountRotate: (name: string) => `holdfast csp-account rotate-access-key ${w(name)}`,
  accountCheck: (name: string) => `holdfast csp-account check ${w(name)}`,
  accountPolicy: (name: string) => `holdfast csp-account policy ${w(name)}`,
  storeCreate: (store: StoreWords) =>
    [
      `holdfast external-key-store create ${w(store.keySet)}`,
      option('region', store.region === '' ? 'REGION' : store.region),
      option('uri-endpoint', store.uriEndpoint),
      option('name', store.name),
      ...(store.connectivity === 'VPC_ENDPOINT_SERVICE'
        ? [
            option('connectivity', store.connectivity),
            option('vpc-endpoint-service', store.service),
            option('vpc-endpoint-service-owner', store.owner),
          ]
        : []),
      flag('by-hand', store.byHand),
      flag('connect', !store.byHand && store.connect),
    ].join(''),
  storeLink: (keySet: string, region: string, id: string) =>
    `holdfast external-key-store link ${w(keySet)}${option('region', region === '' ? 'REGION' : region)}${option('id', id)}`,
  kmsKeyUnlinked: (keySet: string, region: string) =>
    `holdfast kms-key unlinked ${w(keySet)}${option('region', region === '' ? 'REGION' : region)}`,
  kmsKeyCreate: (cloudKey: string, keySet: string, kmsKey: KmsKeyWords & { region?: string | undefined }) =>
    `holdfast kms-key create ${w(cloudKey)}${option('key-set', keySet)}${option('region', kmsKey.region)}${kmsKeyOptions(kmsKey)}`,
  kmsKeyConsole: ({ alias, cloudKeyName, region }: KmsKeyName) =>
    `holdfast kms-key console ${w(alias === '' ? cloudKeyName : alias)}${option('in-region', region)}`,
  kmsKeyRefresh: ({ alias, cloudKeyName, region }: KmsKeyName) =>
    `holdfast kms-key refresh ${w(alias === '' ? cloudKeyName : alias)}${option('in-region', region)}`,
  kmsKeyLink: (cloudKey: string, keySet: string, keyArn: string) =>
    `holdfast kms-key create ${w(cloudKey)}${option('key-set', keySet)}${option('key-arn', keyArn)}`,
  storeRefresh: (store: StoreName) => `holdfast external-key-store refresh ${storeName(store)}`,
  storeAct: (act: 'connect' | 'disconnect', store: StoreName) =>
    `holdfast external-key-store ${act} ${storeName(store)}`,
  storeDelete: (store: StoreName, forget: boolean) =>
    `holdfast external-key-store delete ${storeName(store)}${forget ? ' --forget' : ' --disconnect'}`,
  storeEdit: (store: StoreName, body: StoreEditWords) =>
    [
      `holdfast external-key-store edit ${storeName(store)}`,
      option('name', body.name),
      option('uri-endpoint', body.uriEndpoint),
      option('connectivity', body.connectivity),
      option('vpc-endpoint-service', body.vpcEndpointServiceName),
      option('vpc-endpoint-service-owner', body.vpcEndpointServiceOwner),
      flag('restore-path', body.restorePath),
      flag('disconnect', body.disconnect),
      option('custom-key-store-id', body.customKeyStoreId),
      option('state', body.state),
      option('connection-error', body.connectionError),
    ].join(''),
  storeRotate: (store: StoreName, minutes: string, done: boolean) =>
    `holdfast external-key-store rotate-credential ${storeName(store)}${done ? ' --done' : option('retire-after-quiet', `${minutes}min`)}`,
  storeConsole: (store: StoreName, withCredential: boolean) =>
    `holdfast external-key-store console ${storeName(store)}${withCredential ? ' --console-file xks-proxy-config.json' : ' --no-credential'}`,
  doctor: (store: { name: string }) => `holdfast doctor${option('external-key-store', store.name)}`,
  kmsKeyAct: (act: KmsKeyActWords, kmsKey: KmsKeyName, more: KmsKeyMore) => {
    const name = `${w(kmsKey.alias === '' ? kmsKey.cloudKeyName : kmsKey.alias)}${option('in-region', kmsKey.region)}`;
    switch (act.kind) {
      case 'schedule':
        return `holdfast kms-key schedule-deletion ${name}${option('days', more.days)}`;
      case 'cancel':
        return `holdfast kms-key cancel-deletion ${name}`;
      case 'retry':
        return `holdfast kms-key retry ${name}${flag('take-alias', more.takeAlias)}`;
      case 'remove':
        return `holdfast kms-key delete ${name}${option('aws', more.aws)}${more.aws === 'keep' ? '' : option('days', more.days)}`;
      case 'apply':
      case 'accept':
        return `holdfast kms-key ${act.kind} ${name}${option('what', act.what)}`;
      case 'enable':
      case 'disable':
        return `holdfast kms-key ${act.kind} ${name}`;
    }
  },
  kmsKeyEdit: ({ alias, cloudKeyName, region }: KmsKeyName, body: KmsKeyWords, apply: boolean) =>
    `holdfast kms-key edit ${w(alias === '' ? cloudKeyName : alias)}${option('in-region', region)}${kmsKeyOptions(body)}${flag('no-apply', !apply)}`,
  userCreate: (user: {
    username: string;
    displayName: string;
    email: string;
    role: string;
    signIn: string;
  }) =>
    `holdfast user create ${w(user.username === '' ? 'NAME' : user.username)}${option('role', user.role)}${option('email', user.email)}${option('display-name', user.displayName)}${option('sign-in', user.signIn)}`,
  userEdit: (username: string, user: UserWords) =>
    `holdfast user edit ${w(username)}${option('role', user.role)}${option('email', user.email)}${change('display-name', user.displayName)}${option('sign-in', user.signIn)}`,
  userAct: (act: keyof typeof userActs, username: string) => `holdfast user ${userActs[act]} ${w(username)}`,
  groupCreate: (name: string, description: string) =>
    `holdfast group create ${w(name === '' ? 'NAME' : name)}${option('description', description)}`,
  groupEdit: (before: string, group: { name?: string; description?: string }) =>
    `holdfast group edit ${w(before)}${option('name', group.name)}${change('description', group.description)}`,
  groupDelete: (name: string) => `holdfast group delete ${w(name)}`,
  groupAdd: (group: string, user: string) => `holdfast group add ${w(group)} ${w(user)}`,
  groupRemove: (group: string, user: string) => `holdfast group remove ${w(group)} ${w(user)}`,
  ssoSet: (form: SsoWords) =>
    `holdfast oidc-provider set${option('issuer', form.issuer === '' ? 'ISSUER' : form.issuer)}${option('client-id', form.clientId === '' ? 'CLIENT-ID' : form.clientId)}${option('scope', form.scopes.trim().replaceAll(/\s+/g, ','))}${option('username-claim', form.usernameClaim)}${option('provider-ca', form.caCertificates === '' ? undefined : 'CA-FILE')}`,
  ssoDelete: () => 'holdfast oidc-provider delete',
  vaultEdit: (before: string, form: VaultWords) =>
    `holdfast vault edit ${w(before)}${option('name', form.name)}${change('description', form.description)}${option('admin-name', form.administrator)}${option('admin-email', form.email)}`,
  vaultFreeze: (act: 'freeze' | 'thaw', name: string) => `holdfast vault ${act} ${w(name)}`,
  vaultFreezeAll: () => 'holdfast vault freeze --all',
  vaultCreate: (
    form: { name: string; description: string; administrator: string; username: string; email: string },
    tokens: readonly string[],
  ) =>
    `holdfast vault create ${w(form.name === '' ? 'NAME' : form.name)}${option('description', form.description)}${option('admin-name', form.administrator)}${option('admin-username', form.username)}${option('admin-email', form.email)}${option('token', tokens.join(','))}`,
  vaultReset: (name: string, username: string, removeSecondFactor: boolean) =>
    `holdfast vault reset-administrator ${w(name)}${option('username', username)}${flag('remove-second-factor', removeSecondFactor)}`,
  nodeAct: (act: 'drain' | 'undrain' | 'remove', id: string) => `holdfast node ${act} ${w(id)}`,
  vaultDelete: (name: string) => `holdfast vault delete ${w(name)}`,
  tokenVerify: (name: string) => `holdfast token verify ${w(name)}`,
  tokenRecordErased: (name: string, id: string) => `holdfast token record-erased ${w(name)} ${w(id)}`,
  mailSet: (form: MailWords, keepPassword: boolean) =>
    `holdfast mail set${option('host', form.host === '' ? 'SERVER' : form.host)}${option('port', form.port)}${option('security', form.security)}${option('from', form.from === '' ? 'SENDER' : form.from)}${option('username', form.username)}${flag('keep-password', keepPassword)}${option('mail-ca', form.caCertificates === '' ? undefined : 'CA-FILE')}`,
  mailTest: (to: string) => `holdfast mail test ${w(to === '' ? 'ADDRESS' : to)}`,
  mailDelete: () => 'holdfast mail delete',
} as const;
