import { shellWord as w } from '../frame/shell-word.ts';

/* The commands that do the same as the console. A test has each of them read by the command line itself. */

const option = (name: string, value: string | number | undefined | null) =>
  value === undefined || value === null || value === '' ? '' : ` --${name} ${w(String(value))}`;
const flag = (name: string, isOn: boolean | undefined) => (isOn === true ? ` --${name}` : '');

export const commands = {
  passwordChange: () => 'holdfast password',
  secondFactorOn: () => 'holdfast second-factor enable',
  secondFactorOff: () => 'holdfast second-factor disable',
  recoveryCodes: () => 'holdfast second-factor recovery-codes',
  sessionEnd: (id: string) => `holdfast session end ${w(id)}`,
  apiKeyCreate: (name: string, scope: readonly string[], days: string) =>
    `holdfast api-key create ${w(name === '' ? 'NAME' : name)}${scope.map((one) => option('scope', one)).join('')}${option('expires', `${days}d`)}`,
  apiKeyRevoke: (name: string) => `holdfast api-key revoke ${w(name)}`,
  cloudKeyAct: (act: 'disable' | 'enable' | 'cancel-deletion', name: string, keySet: string, both: boolean) =>
    `holdfast cloud-key ${act} ${w(name)}${option('key-set', keySet)}${both ? ' --cloud both' : ''}`,
  cloudKeyRotate: (name: string, keySet: string) =>
    `holdfast cloud-key rotate ${w(name)}${option('key-set', keySet)}`,
  cloudKeyDelete: (name: string, keySet: string, days: string, both: boolean) =>
    `holdfast cloud-key delete ${w(name)}${option('key-set', keySet)}${option('days', days)}${both ? ' --cloud both' : ''}`,
  cloudKeyCreate: (key: CloudKeyWords) =>
    `holdfast cloud-key create ${w(key.name === '' ? 'NAME' : key.name)}${cloudKeyOptions(key)}${key.kmsKey ? '' : ' --no-kms-key'}`,
  cloudKeyEdit: (name: string, key: CloudKeyWords, applyToKms: boolean) =>
    `holdfast cloud-key edit ${w(name)}${name === key.name ? '' : option('name', key.name)}${cloudKeyOptions(key)}${flag('apply-to-kms', applyToKms)}`,
  keySetCreate: (set: KeySetWords) =>
    `holdfast key-set create ${w(set.name === '' ? 'NAME' : set.name)}${keySetOptions(set)}`,
  keySetEdit: (name: string, set: KeySetWords) =>
    `holdfast key-set edit ${w(name)}${name === set.name ? '' : option('name', set.name)}${keySetOptions(set)}`,
  keySetAct: (act: 'freeze' | 'thaw' | 'delete', name: string) => `holdfast key-set ${act} ${w(name)}`,
  credentialIssue: (keySet: string, days: number) =>
    `holdfast credential issue${option('key-set', keySet)}${option('expires', days === 0 ? 'never' : `${days}d`)} --console-file xks-proxy-config.json`,
  credentialRotate: (accessKeyId: string, minutes: string) =>
    `holdfast credential rotate ${w(accessKeyId)}${option('retire-after-quiet', `${minutes}min`)} --console-file xks-proxy-config.json`,
  credentialWithdraw: (accessKeyId: string) => `holdfast credential withdraw ${w(accessKeyId)}`,
  accountCreate: (account: AccountWords) =>
    `holdfast csp-account create ${w(account.name === '' ? 'NAME' : account.name)}${accountOptions(account)}`,
  accountEdit: (name: string, account: AccountWords) =>
    `holdfast csp-account edit ${w(name)}${name === account.name ? '' : option('name', account.name)}${accountOptions(account)}`,
  accountDelete: (name: string) => `holdfast csp-account delete ${w(name)}`,
  accountRotate: (name: string) => `holdfast csp-account rotate-access-key ${w(name)}`,
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
  storeAct: (act: 'connect' | 'disconnect', store: StoreName) =>
    `holdfast external-key-store ${act} ${storeName(store)}`,
  storeDelete: (store: StoreName, forget: boolean) =>
    `holdfast external-key-store delete ${storeName(store)}${forget ? ' --forget' : ' --disconnect'}`,
  storeEdit: (store: StoreName, body: StoreEditWords) =>
    [
      `holdfast external-key-store edit ${storeName(store)}`,
      option('name', body.name),
      option('uri-endpoint', body.uriEndpoint),
      flag('disconnect', body.disconnect),
      option('custom-key-store-id', body.customKeyStoreId),
      option('state', body.state),
      option('connection-error', body.connectionError),
    ].join(''),
  storeRotate: (store: StoreName, minutes: string, done: boolean) =>
    `holdfast external-key-store rotate-credential ${storeName(store)}${done ? ' --done' : option('retire-after-quiet', `${minutes}min`)}`,
  storeConsole: (store: StoreName, withCredential: boolean) =>
    `holdfast external-key-store console ${storeName(store)}${withCredential ? ' --console-file xks-proxy-config.json' : ' --no-credential'}`,
  doctor: () => 'holdfast doctor',
  kmsKeyAct: (
    act: KmsKeyActWords,
    kmsKey: { alias: string; cloudKeyName: string; region: string },
    more: KmsKeyMore,
  ) => {
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
  userCreate: (user: {
    username: string;
    displayName: string;
    email: string;
    role: string;
    signIn: string;
  }) =>
    `holdfast user create ${w(user.username === '' ? 'NAME' : user.username)}${option('role', user.role)}${option('email', user.email)}${option('display-name', user.displayName)}${option('sign-in', user.signIn)}`,
  userEdit: (username: string, user: { displayName: string; email: string; role: string; signIn: string }) =>
    `holdfast user edit ${w(username)}${option('role', user.role)}${option('email', user.email)}${option('display-name', user.displayName)}${option('sign-in', user.signIn)}`,
  userAct: (act: keyof typeof userActs, username: string) => `holdfast user ${userActs[act]} ${w(username)}`,
  groupCreate: (name: string, description: string) =>
    `holdfast group create ${w(name === '' ? 'NAME' : name)}${option('description', description)}`,
  groupEdit: (before: string, name: string, description: string) =>
    `holdfast group edit ${w(before)}${option('name', name)}${option('description', description)}`,
  groupDelete: (name: string) => `holdfast group delete ${w(name)}`,
  groupAdd: (group: string, user: string) => `holdfast group add ${w(group)} ${w(user)}`,
  ssoSet: (form: { issuer: string; clientId: string; scopes: string; usernameClaim: string }) =>
    `holdfast oidc-provider set${option('issuer', form.issuer === '' ? 'ISSUER' : form.issuer)}${option('client-id', form.clientId === '' ? 'CLIENT-ID' : form.clientId)}${option('scope', form.scopes.trim().replaceAll(/\s+/g, ','))}${option('username-claim', form.usernameClaim)}`,
  ssoDelete: () => 'holdfast oidc-provider delete',
  vaultEdit: (
    before: string,
    form: { name: string; description: string; administrator: string; email: string },
  ) =>
    `holdfast vault edit ${w(before)}${before === form.name ? '' : option('name', form.name)}${option('description', form.description)}${option('admin-name', form.administrator)}${option('admin-email', form.email)}`,
  vaultFreeze: (act: 'freeze' | 'thaw', name: string, reason: string) =>
    `holdfast vault ${act} ${w(name)}${option('reason', reason)}`,
  vaultCreate: (
    form: { name: string; description: string; administrator: string; username: string; email: string },
    tokens: readonly string[],
  ) =>
    `holdfast vault create ${w(form.name === '' ? 'NAME' : form.name)}${option('description', form.description)}${option('admin-name', form.administrator)}${option('admin-username', form.username)}${option('admin-email', form.email)}${option('token', tokens.join(','))}`,
  vaultReset: (name: string, username: string, removeSecondFactor: boolean) =>
    `holdfast vault reset-administrator ${w(name)}${option('username', username)}${flag('remove-second-factor', removeSecondFactor)}`,
  vaultDelete: (name: string) => `holdfast vault delete ${w(name)}`,
  tokenVerify: (name: string) => `holdfast token verify ${w(name)}`,
  mailSet: (
    form: { host: string; port: string; security: string; username: string; from: string },
    keepPassword: boolean,
  ) =>
    `holdfast mail set${option('host', form.host === '' ? 'SERVER' : form.host)}${option('port', form.port)}${option('security', form.security)}${option('from', form.from === '' ? 'SENDER' : form.from)}${option('username', form.username)}${flag('keep-password', keepPassword)}`,
  mailTest: (to: string) => `holdfast mail test ${w(to === '' ? 'ADDRESS' : to)}`,
  mailDelete: () => 'holdfast mail delete',
} as const;

const userActs = {
  disable: 'disable',
  enable: 'enable',
  unlock: 'unlock',
  reset: 'reset-password',
  removeFactor: 'remove-second-factor',
  remove: 'delete',
} as const;

interface StoreName {
  name: string;
  keySetName: string;
  region: string;
}

function storeName({ name, keySetName, region }: StoreName): string {
  return `${w(name)}${option('key-set', keySetName)}${option('region', region)}`;
}

export interface StoreWords {
  keySet: string;
  region: string;
  uriEndpoint: string;
  name: string;
  connectivity: string;
  service: string;
  owner: string;
  byHand: boolean;
  connect: boolean;
}

interface StoreEditWords {
  name?: string;
  uriEndpoint?: string;
  disconnect?: boolean;
  customKeyStoreId?: string;
  state?: string;
  connectionError?: string;
}

type KmsKeyActWords =
  | { kind: 'enable' | 'disable' | 'schedule' | 'cancel' | 'retry' | 'remove' }
  | { kind: 'apply' | 'accept'; what: string };

interface KmsKeyMore {
  days: string;
  takeAlias: boolean;
  aws: string;
}

/** What the form of a CSP account says, as words of a command; the secret is asked for. */
export interface AccountWords {
  name: string;
  group: string;
  description: string;
  type: string;
  awsAccountId: string;
  defaultRegion: string;
  accessKeyId: string;
  roleArn: string;
  rotationDays: string;
  hasKey: boolean;
}

function accountOptions(account: AccountWords): string {
  return [
    option('group', account.group),
    option('description', account.description),
    option('type', account.type),
    option('aws-account', account.type === 'manual' ? account.awsAccountId : undefined),
    option('region', account.defaultRegion),
    option('role-arn', account.type === 'role' ? account.roleArn : undefined),
    option('access-key-id', account.hasKey ? account.accessKeyId : undefined),
    option(
      'access-key-rotation',
      account.hasKey && account.rotationDays !== '' ? `${account.rotationDays}d` : undefined,
    ),
  ].join('');
}

/** What the form of a key set says, as words of a command. */
export interface KeySetWords {
  name: string;
  token: string;
  pathPrefix: string;
  description: string;
  group: string;
  account: string;
  forAws: boolean;
  rotationDays: string;
  quota: string;
}

function keySetOptions(set: KeySetWords): string {
  return [
    option('token', set.token),
    option('path-prefix', set.pathPrefix),
    option('description', set.description),
    option('group', set.group),
    option('csp-account', set.account),
    option('external-key-store', set.forAws ? 'yes' : 'no'),
    option('rotation', set.rotationDays === '' ? 'never' : `${set.rotationDays}d`),
    option('quota', set.quota === '' ? undefined : set.quota),
  ].join('');
}

/** What the form of a CloudKey says, as words of a command. */
export interface CloudKeyWords {
  name: string;
  keySet: string;
  description: string;
  region: string;
  administrators: readonly string[];
  users: readonly string[];
  /** `never`, `inherit` or days. */
  rotation: string;
  /** A date; empty for never. */
  expires: string;
  usage?: string;
  kmsKey: boolean;
}

function cloudKeyOptions(key: CloudKeyWords): string {
  return [
    option('key-set', key.keySet),
    option('description', key.description),
    option('region', key.region),
    option('usage', key.usage === 'encrypt-decrypt' ? undefined : key.usage),
    option('administrator', key.administrators.join(',')),
    option('user', key.users.join(',')),
    option('rotation', /^\d+$/.test(key.rotation) ? `${key.rotation}d` : key.rotation),
    option('expires', key.expires),
  ].join('');
}
