import { printable } from './printable.ts';
import { counted } from '../../counted.ts';

/* Fields and values of the API in the words of people. Programs get them as they are. */

/** What stands for an internal value, by the name of its field. */
const meanings: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  origin: {
    HOLDFAST: 'created by Holdfast',
    LINKED: 'created manually, found in AWS',
    MANUAL: 'created manually, recorded as given',
    holdfast: 'created by Holdfast',
    'aws-sample-proxy': 'adopted from the AWS sample proxy',
  },
  step: {
    KEY: 'KMS key to be created',
    ALIAS: 'alias to be created',
    DONE: 'done',
    GONE: 'removed',
  },
  wanted: {
    ENABLE: 'to be enabled',
    DISABLE: 'to be disabled',
    SCHEDULE_DELETION: 'deletion to be scheduled',
    CANCEL_DELETION: 'deletion to be cancelled',
    CREATE: 'to be created',
    CONNECT: 'to be connected',
    DISCONNECT: 'to be disconnected',
    DELETE: 'to be deleted',
    UPDATE: 'to be changed',
  },
  leaving: {
    KEEP: 'being removed here; the KMS key stays in AWS',
    DELETE: 'being removed here, once AWS has scheduled its deletion',
  },
  outcome: {
    KEPT: 'the KMS key stayed in AWS',
    DELETION_SCHEDULED: 'its deletion was scheduled in AWS',
    NEVER_MADE: 'no KMS key was created',
    GONE_IN_AWS: 'the KMS key no longer exists in AWS',
  },
};

/** The words for a value of this field; the value itself where there are none. */
export function said(field: string, value: unknown): unknown {
  return typeof value === 'string' ? (meanings[field]?.[value] ?? value) : value;
}

/** Fields that are not called what their letters say. */
const labels: Readonly<Record<string, string>> = {
  awsAccountId: 'AWS account',
  cloudStatusAt: 'cloud status as of',
  externalKeyId: 'external key id',
  keyArn: 'KMS key ARN',
  keyId: 'KMS key id',
  lastSignInAt: 'last sign-in',
  leaving: 'removed',
  maxSessions: 'sessions at most',
  signIn: 'sign-in',
  signInUrl: 'sign-in address',
  step: 'made in AWS',
  wanted: 'asked for',
  xksProxyUriPath: 'XksProxyUriPath',
};

const capitals = new Map(
  ['ARN', 'AWS', 'CA', 'CSP', 'IAM', 'KMS', 'TLS', 'TOTP', 'URI', 'URL', 'VPC', 'XKS', 'FIPS'].map((word) => [
    word.toLowerCase(),
    word,
  ]),
);

/** `lastUsedAt` is `last used`. */
export function labelOf(field: string): string {
  const known = labels[field];
  if (known !== undefined) return known;
  if (!/^[a-z][A-Za-z0-9]*$/.test(field)) return printable(field);
  const words = field
    .replace(/(?<=[a-z])At$/, '')
    .split(/(?=[A-Z])/)
    .map((word) => word.toLowerCase());
  return words
    .map((word) => (word === 'cloudkey' || word === 'cloudkeys' ? word : (capitals.get(word) ?? word)))
    .join(' ')
    .replace(/\bcloud key/g, 'CloudKey');
}

const moment = /^(\d{4}-\d{2}-\d{2})T(\d{2}:\d{2}):(\d{2})(?:\.\d+)?Z$/;

/** A value in a line of text. */
export function textOf(value: unknown, field = ''): string {
  const meant = said(field, value);
  if (meant === null || meant === undefined || meant === '') return '-';
  if (Array.isArray(meant)) return meant.length === 0 ? '-' : meant.map((one) => textOf(one)).join(', ');
  if (typeof meant === 'boolean') return meant ? 'yes' : 'no';
  if (typeof meant === 'object') return objects[field]?.({ ...meant }) ?? objectText(meant);
  return printable(typeof meant === 'string' ? timeText(meant) : JSON.stringify(meant));
}

const everyDays = (days: number): string => (days === 1 ? 'every day' : `every ${counted(days, 'day')}`);

/** Objects that have words of their own, by their field. */
const objects: Readonly<Record<string, (value: Readonly<Record<string, unknown>>) => string>> = {
  rotation: ({ kind, days }) => {
    if (kind === 'INHERIT') return 'inherited from its key set';
    return typeof days === 'number' ? everyDays(days) : 'never';
  },
  accessKeyRotation: ({ days }) => (typeof days === 'number' ? everyDays(days) : 'never'),
  quota: ({ requestsPerSecond, burst }) =>
    `${counted(Number(requestsPerSecond), 'request')} a second, ${String(burst)} at once`,
};

function objectText(value: object): string {
  const parts = Object.entries(value).map(([name, inner]) => `${labelOf(name)} ${textOf(inner, name)}`);
  return parts.length === 0 ? '-' : parts.join(', ');
}

/** A sentence of the API, with its times as people read them. */
export function timesIn(sentence: string): string {
  return sentence.replaceAll(/\b\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d+)?Z/g, timeText);
}

/** The API's times as people read them; other text as it is. */
export function timeText(text: string): string {
  return text.replace(moment, (_, day: string, time: string, seconds: string) =>
    seconds === '00' ? `${day} ${time} UTC` : `${day} ${time}:${seconds} UTC`,
  );
}

const uuid = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** Whether this is an id of ours, which says nothing to people. What AWS calls things by is none. */
export function isOwnId(field: string, value: unknown): boolean {
  return (
    /^id$|Id$/.test(field) &&
    field !== 'externalKeyId' &&
    field !== 'keyId' &&
    typeof value === 'string' &&
    uuid.test(value)
  );
}
