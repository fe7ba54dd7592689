import { createHash } from 'node:crypto';
import type { RawAnswer } from './exchange.ts';
import { proxyErrorStatus, XksFailure, type ProxyErrorName } from './xks-failure.ts';

export type XksOperation = 'health' | 'metadata' | 'encrypt' | 'decrypt';

export interface HealthAnswer {
  xksProxyFleetSize: number;
  xksProxyVendor: string;
  xksProxyModel: string;
  ekmVendor: string;
  ekmFleetDetails: { id: string; model: string; healthStatus: 'ACTIVE' | 'DEGRADED' | 'UNAVAILABLE' }[];
}

export interface MetadataAnswer {
  keySpec: string;
  keyUsage: string[];
  keyStatus: 'ENABLED' | 'DISABLED';
}

export interface EncryptAnswer {
  ciphertext: Buffer;
  /** Empty where the proxy gave none. */
  metadata: Buffer;
  iv: Buffer;
  tag: Buffer;
}

type Fields = Readonly<Record<string, unknown>>;

/** The JSON object of a success; throws what the answer says went wrong, or why it is none of the spec's answers. */
export function openAnswer(operation: XksOperation, answer: RawAnswer): Fields {
  if (!/^application\/json\s*(?:;|$)/i.test(answer.contentType))
    throw invalid('its content type is not JSON');
  const fields = parseObject(answer.body);
  if (answer.status === 200) return fields;
  throw proxyError(operation, answer.status, fields);
}

/** XKS spec, Error codes: a name goes with one status, and the message is short and printable ASCII. */
function proxyError(operation: XksOperation, status: number, fields: Fields): XksFailure {
  const { errorName, errorMessage } = fields;
  if (typeof errorName !== 'string' || !isProxyErrorName(errorName))
    return invalid(`status ${status} with no errorName of the spec`);
  if (proxyErrorStatus[errorName] !== status) return invalid(`${errorName} with status ${status}`);
  if (
    errorMessage !== undefined &&
    (typeof errorMessage !== 'string' || !/^[\u0020-\u007e]{0,511}$/.test(errorMessage))
  )
    return invalid('its errorMessage is too long, or not printable ASCII');
  if (!appliesTo(errorName, operation)) return invalid(`${errorName} in answer to ${operation}`);
  return new XksFailure('proxy-error', `the proxy answered ${errorName}`, errorName);
}

function isProxyErrorName(name: string): name is ProxyErrorName {
  return Object.hasOwn(proxyErrorStatus, name);
}

/**
 * The last column of the spec's table, read generously: AccessDenied at a health check has a connection error code of its own,
 * and CreateKey has exceptions for key usage, which only GetKeyMetadata can bring there.
 */
function appliesTo(name: ProxyErrorName, operation: XksOperation): boolean {
  if (name === 'InvalidCiphertextException') return operation === 'decrypt';
  if (name === 'InvalidKeyUsageException' || name === 'KeyNotFoundException') return operation !== 'health';
  return true;
}

export function readHealth(fields: Fields): HealthAnswer {
  const { xksProxyFleetSize, ekmFleetDetails } = fields;
  if (typeof xksProxyFleetSize !== 'number' || !Number.isInteger(xksProxyFleetSize) || xksProxyFleetSize < 1)
    throw invalid('xksProxyFleetSize is no integer above zero');
  if (!Array.isArray(ekmFleetDetails) || ekmFleetDetails.length < 1 || ekmFleetDetails.length > 10)
    throw invalid('ekmFleetDetails does not have one to ten entries');
  return {
    xksProxyFleetSize,
    xksProxyVendor: text(fields, 'xksProxyVendor'),
    xksProxyModel: text(fields, 'xksProxyModel'),
    ekmVendor: text(fields, 'ekmVendor'),
    ekmFleetDetails: ekmFleetDetails.map((entry: unknown) => {
      if (!isObject(entry)) throw invalid('an entry of ekmFleetDetails is no object');
      return {
        id: text(entry, 'id'),
        model: text(entry, 'model'),
        healthStatus: oneOf(entry, 'healthStatus', ['ACTIVE', 'DEGRADED', 'UNAVAILABLE']),
      };
    }),
  };
}

export function readMetadata(fields: Fields): MetadataAnswer {
  const { keyUsage } = fields;
  if (
    !Array.isArray(keyUsage) ||
    keyUsage.length > 10 ||
    !keyUsage.every((usage): usage is string => typeof usage === 'string')
  )
    throw invalid('keyUsage is no list of up to ten strings');
  return {
    keySpec: text(fields, 'keySpec'),
    keyUsage,
    keyStatus: oneOf(fields, 'keyStatus', ['ENABLED', 'DISABLED']),
  };
}

/** Checks sizes, and the integrity value over what came (XKS spec, Appendix C): AWS asks for it each time. */
export function readEncrypted(fields: Fields, plaintextLength: number, aad: Buffer): EncryptAnswer {
  const answer = {
    ciphertext: base64(fields, 'ciphertext', (length) => length === plaintextLength),
    metadata:
      fields['ciphertextMetadata'] === undefined
        ? Buffer.alloc(0)
        : base64(fields, 'ciphertextMetadata', (length) => length <= 20),
    iv: base64(fields, 'initializationVector', (length) => length === 12 || length === 16),
    tag: base64(fields, 'authenticationTag', (length) => length === 16),
  };
  const claimed = base64(fields, 'ciphertextDataIntegrityValue', (length) => length === 32);
  const { metadata, iv, ciphertext, tag } = answer;
  const computed = createHash('sha256')
    .update(Buffer.concat([aad, metadata, iv, ciphertext, tag]))
    .digest();
  if (!claimed.equals(computed)) throw invalid('the integrity value does not fit the ciphertext');
  return answer;
}

export function readDecrypted(fields: Fields, ciphertextLength: number): Buffer {
  return base64(fields, 'plaintext', (length) => length === ciphertextLength);
}

function parseObject(body: Buffer): Fields {
  let parsed: unknown;
  try {
    parsed = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body));
  } catch {
    throw invalid('its body is not JSON');
  }
  if (!isObject(parsed)) throw invalid('its body is no JSON object');
  return parsed;
}

function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function text(fields: Fields, name: string): string {
  const value = fields[name];
  if (typeof value !== 'string' || value === '') throw invalid(`${name} is missing or no string`);
  return value;
}

function oneOf<T extends string>(fields: Fields, name: string, values: readonly T[]): T {
  const value = values.find((candidate) => candidate === fields[name]);
  if (value === undefined) throw invalid(`${name} is none of ${values.join(', ')}`);
  return value;
}

/** Standard Base64 with its padding, and nothing else: Node's decoder alone would let anything pass. */
function base64(fields: Fields, name: string, right: (length: number) => boolean): Buffer {
  const value = fields[name];
  const bytes = typeof value === 'string' ? Buffer.from(value, 'base64') : undefined;
  if (bytes?.toString('base64') !== value || bytes === undefined)
    throw invalid(`${name} is missing or not Base64`);
  if (!right(bytes.length)) throw invalid(`${name} has ${bytes.length} bytes`);
  return bytes;
}

function invalid(message: string): XksFailure {
  return new XksFailure('invalid-response', `the proxy's answer is not as the spec has it: ${message}`);
}
