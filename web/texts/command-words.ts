import { shellWord as w } from '../frame/shell-word.ts';

/* What commands say: their words and options. */

export const option = (name: string, value: string | number | undefined | null) =>
  value === undefined || value === null || value === '' ? '' : ` --${name} ${w(String(value))}`;
/** Of an edit, which says what differs: what was emptied is said in the word that empties it. */
export const change = (name: string, value: string | undefined, emptied = '') =>
  value === undefined ? '' : ` --${name} ${w(value === '' ? emptied : value)}`;
export const flag = (name: string, isOn: boolean | undefined) => (isOn === true ? ` --${name}` : '');

/** Each command of several says why. */
export function withReason(command: string, reason: string | undefined): string {
  return command
    .split('\n')
    .map((line) => line + option('reason', reason))
    .join('\n');
}

/** All of them are said; of none, that. */
function tagOptions(tags: Readonly<Record<string, string>> | undefined): string[] {
  if (tags === undefined) return [];
  const all = Object.entries(tags).map(([name, value]) => option('tag', `${name}=${value}`));
  return all.length === 0 ? [change('tag', '')] : all;
}

/** Names of files; of none, that which stands for one. */
export function filesOf(names: readonly string[], none: string): string {
  return names.length === 0 ? none : names.map(w).join(' ');
}

interface ListWords {
  /** A moment, or how long ago: `24h`. */
  from?: string | undefined;
  to?: string | undefined;
  /** As the API is asked. */
  sort?: string | undefined;
}

export interface EventWords extends ListWords {
  sequence?: number | undefined;
  action?: string | undefined;
  actor?: string | undefined;
  target?: string | undefined;
  outcome?: string | undefined;
  requestId?: string | undefined;
}

export interface RequestWords extends ListWords {
  error?: string | undefined;
  /** By its name. */
  keySet?: string | undefined;
  externalKeyId?: string | undefined;
  principal?: string | undefined;
  kmsRequestId?: string | undefined;
}

export function rangeOptions({ from, to }: ListWords): string {
  return `${option('from', from)}${option('to', to)}`;
}

export interface AdoptWords {
  name: string;
  /** By its name. */
  keySet: string;
  label: string;
  externalKeyId: string;
  region: string;
  description: string;
  restrict: boolean;
}

export interface UserWords {
  displayName?: string;
  email?: string;
  role?: string;
  signIn?: string;
}

export interface VaultWords {
  name?: string;
  description?: string;
  administrator?: string;
  email?: string;
}

export interface SsoWords {
  issuer: string;
  clientId: string;
  scopes: string;
  usernameClaim: string;
  caCertificates: string;
}

export interface MailWords {
  host: string;
  port: string;
  security: string;
  username: string;
  from: string;
  caCertificates: string;
}

export const userActs = {
  disable: 'disable',
  enable: 'enable',
  unlock: 'unlock',
  reset: 'reset-password',
  removeFactor: 'remove-second-factor',
  remove: 'delete',
} as const;

export interface StoreName {
  name: string;
  keySetName: string;
  region: string;
}

export function storeName({ name, keySetName, region }: StoreName): string {
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

export interface StoreEditWords {
  name?: string | undefined;
  uriEndpoint?: string | undefined;
  connectivity?: string | undefined;
  vpcEndpointServiceName?: string | undefined;
  vpcEndpointServiceOwner?: string | undefined;
  restorePath?: boolean | undefined;
  disconnect?: boolean | undefined;
  customKeyStoreId?: string | undefined;
  state?: string | undefined;
  connectionError?: string | undefined;
}

export type KmsKeyActWords =
  | { kind: 'enable' | 'disable' | 'schedule' | 'cancel' | 'retry' | 'remove' }
  | { kind: 'apply' | 'accept'; what: string };

export interface KmsKeyName {
  alias: string;
  cloudKeyName: string;
  region: string;
}

/** What is told of a KMS key; a policy that is a document is in a file. */
export interface KmsKeyWords {
  keyArn?: string | undefined;
  alias?: string | undefined;
  description?: string | undefined;
  tags?: Readonly<Record<string, string>> | undefined;
  policy?: unknown;
}

export function kmsKeyOptions({ keyArn, alias, description, tags, policy }: KmsKeyWords): string {
  return [
    option('key-arn', keyArn),
    change('alias', alias),
    change('description', description),
    ...tagOptions(tags),
    option('policy', typeof policy === 'object' ? 'POLICY-FILE' : (policy as string | undefined)),
  ].join('');
}

export interface KmsKeyMore {
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

export function accountOptions(account: AccountWords): string {
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

export function keySetOptions(set: KeySetWords): string {
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
  /** As `--quota` takes it; empty for none. */
  quota: string;
  /** Of its KMS key; undefined while nobody has told another. */
  alias: string | undefined;
  tags: Readonly<Record<string, string>>;
  policy: 'generated' | 'generated-without-root' | 'document';
}

/** What is told of the KMS key of a new CloudKey; a policy that is a document is in a file. */
export function ofKmsKey({ kmsKey, alias, tags, policy }: CloudKeyWords): string {
  if (!kmsKey) return ' --no-kms-key';
  return [
    change('kms-alias', alias),
    ...Object.entries(tags).map(([name, value]) => option('kms-tag', `${name}=${value}`)),
    option('kms-policy', policy === 'document' ? 'POLICY-FILE' : policy === 'generated' ? undefined : policy),
  ].join('');
}

export function cloudKeyOptions(key: CloudKeyWords): string {
  return [
    option('key-set', key.keySet),
    option('description', key.description),
    option('region', key.region),
    option('usage', key.usage === 'encrypt-decrypt' ? undefined : key.usage),
    option('administrator', key.administrators.join(',')),
    option('user', key.users.join(',')),
    option('rotation', rotationWord(key.rotation)),
    option('expires', key.expires),
    option('quota', key.quota),
  ].join('');
}

export function rotationWord(rotation: string): string {
  return /^\d+$/.test(rotation) ? `${rotation}d` : rotation;
}

export function daysWord(days: string | undefined): string | undefined {
  return days === undefined ? undefined : `${days}d`;
}
