import { Secret } from '../secret.ts';
import { DoctorInputError } from './input-error.ts';

/** What AWS KMS has of a key set: where, and with what it signs. */
export interface XksCredential {
  /** As in the console file: the prefix and `/kms/xks/v1`. */
  uriPath: string;
  accessKeyId: string;
  secret: Secret;
}

const apiPath = '/kms/xks/v1';

/**
 * Reads the JSON file that the console of AWS takes (XKS spec, XKS proxy configuration in AWS KMS console). Throws
 * DoctorInputError, which never has anything of the file in it.
 */
export function parseConsoleFile(text: string): XksCredential {
  const remediation = 'the file xks-proxy-config.json as: holdfast credential issue --console-file makes it';
  let data: unknown;
  try {
    data = JSON.parse(text);
  } catch {
    throw new DoctorInputError('the console file is not JSON', remediation);
  }
  const credential = field(data, 'XksProxyAuthenticationCredential');
  const uriPath = field(data, 'XksProxyUriPath');
  const accessKeyId = field(credential, 'AccessKeyId');
  const secret = field(credential, 'RawSecretAccessKey');
  if (typeof uriPath !== 'string' || typeof accessKeyId !== 'string' || typeof secret !== 'string')
    throw new DoctorInputError(
      'the console file lacks XksProxyUriPath, AccessKeyId or RawSecretAccessKey',
      remediation,
    );
  if (!uriPath.endsWith(apiPath) || !/^\/[A-Za-z0-9/_-]*$/.test(uriPath) || uriPath.length > 128)
    throw new DoctorInputError(
      'XksProxyUriPath in the console file is not a path that KMS accepts',
      'up to 128 of A-Z a-z 0-9 / - _, ending in /kms/xks/v1',
    );
  if (!/^[A-Za-z0-9+=.@_-]{1,128}$/.test(accessKeyId) || secret === '')
    throw new DoctorInputError('the credential in the console file is malformed', remediation);
  return { uriPath, accessKeyId, secret: new Secret(secret) };
}

/** `''`, or `/` and the prefix. */
export function prefixOf({ uriPath }: XksCredential): string {
  return uriPath.slice(0, -apiPath.length);
}

/** Reads external key ids: one a line, a JSON array, or an object with them as values (the quickstart's keys.json). */
export function parseKeys(text: string): string[] {
  const bad = new DoctorInputError(
    'the keys file has no external key ids',
    'a JSON object or array of them, or one a line',
  );
  let ids: unknown[];
  if (/^\s*[[{]/.test(text)) {
    try {
      ids = Object.values(JSON.parse(text) as object);
    } catch {
      throw bad;
    }
  } else ids = text.split('\n').map((line) => line.trim());
  const known = ids.filter((id) => id !== '');
  if (known.length === 0 || !known.every(isExternalKeyId)) throw bad;
  return known;
}

/** XKS spec, API operations: 1 to 128 of these. */
export function isExternalKeyId(id: unknown): id is string {
  return typeof id === 'string' && /^[A-Za-z0-9._-]{1,128}$/.test(id);
}

function field(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined;
}
