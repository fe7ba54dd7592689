import { randomBytes } from 'node:crypto';
import type { EncryptionContext } from '../kms-for-services.ts';
import { ServiceError } from '../service-error.ts';
import type { SimulatedCall } from '../service.ts';
import { authorizeCall, authorizeKey } from './access.ts';
import { kmsError, notDone, validation } from './errors.ts';
import { readEncryptionContext } from './encryption-context.ts';
import { findKey, type Found } from './find-key.ts';
import { Input } from './input.ts';
import { requireUsable } from './key-state.ts';
import type { Kms } from './kms-house.ts';
import { open, readBlob, seal } from './layers.ts';
import { recordKey, recordParameters } from './trail.ts';

const algorithm = 'SYMMETRIC_DEFAULT';
const largestPlaintext = 4096;
const largestBlob = 6144;

export async function encrypt(kms: Kms, call: SimulatedCall) {
  const input = new Input(call.input);
  const context = readEncryptionContext(input);
  requireAlgorithm(input, 'EncryptionAlgorithm');
  const plaintext = input.bytes('Plaintext', 1, largestPlaintext);
  const { key } = allowedKey(kms, call, 'kms:Encrypt', input.text('KeyId'), context);
  requireUsable(kms, key);
  endDryRun(input);
  const blob = await seal(kms, call, key, plaintext, context);
  return { CiphertextBlob: blob.toString('base64'), KeyId: key.arn, EncryptionAlgorithm: algorithm };
}

export async function decrypt(kms: Kms, call: SimulatedCall) {
  const input = new Input(call.input);
  refuseRecipient(input);
  const context = readEncryptionContext(input);
  requireAlgorithm(input, 'EncryptionAlgorithm');
  const bytes = input.bytes('CiphertextBlob', 1, largestBlob);
  const { keyArn, plaintext } = await decryptFor(kms, call, {
    bytes,
    context,
    keyId: input.optionalText('KeyId'),
    allowed: () => endDryRun(input),
  });
  return { Plaintext: plaintext.toString('base64'), KeyId: keyArn, EncryptionAlgorithm: algorithm };
}

export async function reEncrypt(kms: Kms, call: SimulatedCall) {
  const input = new Input(call.input);
  const from = readEncryptionContext(input, 'SourceEncryptionContext');
  const to = readEncryptionContext(input, 'DestinationEncryptionContext');
  requireAlgorithm(input, 'SourceEncryptionAlgorithm');
  requireAlgorithm(input, 'DestinationEncryptionAlgorithm');
  const bytes = input.bytes('CiphertextBlob', 1, largestBlob);
  const blob = readBlob(bytes);
  const source = allowedKey(kms, call, 'kms:ReEncryptFrom', blob.keyArn, from);
  requireSame(kms, call, input.optionalText('SourceKeyId'), source);
  const destination = allowedKey(kms, call, 'kms:ReEncryptTo', input.text('DestinationKeyId'), to);
  requireUsable(kms, source.key);
  requireUsable(kms, destination.key);
  endDryRun(input);
  const plaintext = await open(kms, call, source.key, blob, from);
  const again = await seal(kms, call, destination.key, plaintext, to);
  return {
    CiphertextBlob: again.toString('base64'),
    SourceKeyId: source.key.arn,
    KeyId: destination.key.arn,
    SourceEncryptionAlgorithm: algorithm,
    DestinationEncryptionAlgorithm: algorithm,
  };
}

export async function generateDataKey(kms: Kms, call: SimulatedCall) {
  const { KeyId, CiphertextBlob, plaintext } = await dataKeyOfCall(kms, call);
  return { CiphertextBlob, Plaintext: plaintext.toString('base64'), KeyId };
}

export async function generateDataKeyWithoutPlaintext(kms: Kms, call: SimulatedCall) {
  const { KeyId, CiphertextBlob } = await dataKeyOfCall(kms, call);
  return { CiphertextBlob, KeyId };
}

async function dataKeyOfCall(kms: Kms, call: SimulatedCall) {
  const input = new Input(call.input);
  refuseRecipient(input);
  const spec = input.oneOf('KeySpec', ['AES_256', 'AES_128']);
  const number = input.integer('NumberOfBytes', 1, 1024);
  if ((spec === undefined) === (number === undefined))
    throw validation('Give either KeySpec or NumberOfBytes, not both');
  const { keyArn, plaintext, ciphertextBlob } = await dataKeyFor(kms, call, {
    keyId: input.text('KeyId'),
    context: readEncryptionContext(input),
    bytes: number ?? (spec === 'AES_128' ? 16 : 32),
    allowed: () => endDryRun(input),
  });
  return { KeyId: keyArn, plaintext, CiphertextBlob: ciphertextBlob.toString('base64') };
}

/** Also for other services' calls, whose input is not KMS's. The action is the call's. */
export async function dataKeyFor(
  kms: Kms,
  call: SimulatedCall,
  {
    keyId,
    context,
    bytes,
    allowed,
  }: { keyId: string; context: EncryptionContext; bytes: number; allowed?: () => void },
) {
  const { key } = allowedKey(kms, call, `kms:${call.action}`, keyId, context, { numberOfBytes: bytes });
  requireUsable(kms, key);
  allowed?.();
  const plaintext = randomBytes(bytes);
  return { keyArn: key.arn, plaintext, ciphertextBlob: await seal(kms, call, key, plaintext, context) };
}

/** The same for Decrypt. */
export async function decryptFor(
  kms: Kms,
  call: SimulatedCall,
  {
    bytes,
    context,
    keyId,
    allowed,
  }: { bytes: Buffer; context: EncryptionContext; keyId?: string | undefined; allowed?: () => void },
) {
  const blob = readBlob(bytes);
  const found = allowedKey(kms, call, 'kms:Decrypt', blob.keyArn, context);
  requireSame(kms, call, keyId, found);
  requireUsable(kms, found.key);
  allowed?.();
  return { keyArn: found.key.arn, plaintext: await open(kms, call, found.key, blob, context) };
}

export function generateRandom(_kms: Kms, call: SimulatedCall) {
  const input = new Input(call.input);
  refuseRecipient(input);
  authorizeCall(call, 'kms:GenerateRandom');
  if (input.has('CustomKeyStoreId'))
    throw kmsError('UnsupportedOperationException', 'External key stores give no random bytes');
  const bytes = input.integer('NumberOfBytes', 1, 1024);
  if (bytes === undefined) throw validation('NumberOfBytes is missing');
  return { Plaintext: randomBytes(bytes).toString('base64') };
}

/** Finds the key, writes it to the trail, and checks the caller's right. */
// oxlint-disable-next-line max-params -- what the trail and the policies are told of one call
function allowedKey(
  kms: Kms,
  call: SimulatedCall,
  action: string,
  keyId: string,
  context: EncryptionContext,
  parameters: Readonly<Record<string, unknown>> = {},
): Found {
  const shown = { keyId, ...(Object.keys(context).length === 0 ? {} : { encryptionContext: context }) };
  recordParameters(call, { ...shown, encryptionAlgorithm: algorithm, ...parameters });
  const found = findKey(kms, call, keyId, { aliases: true, foreign: true });
  recordKey(call, found.key);
  authorizeKey(kms, call, action, found.key, {
    context,
    alias: found.alias,
    conditions: { 'kms:EncryptionAlgorithm': algorithm },
  });
  return found;
}

/** A KeyId given with a ciphertext must be that of the ciphertext. */
function requireSame(kms: Kms, call: SimulatedCall, keyId: string | undefined, { key }: Found): void {
  if (keyId !== undefined && findKey(kms, call, keyId, { aliases: true, foreign: true }).key !== key)
    throw kmsError('IncorrectKeyException', 'The ciphertext was made with another key than KeyId names');
}

function requireAlgorithm(input: Input, name: string): void {
  if ((input.optionalText(name) ?? algorithm) !== algorithm)
    throw kmsError('InvalidKeyUsageException', `A symmetric key has no other algorithm than ${algorithm}`);
}

function refuseRecipient(input: Input): void {
  if (input.has('Recipient')) throw notDone('attested requests of Nitro Enclaves');
}

/** Everything was right, and nothing is done. */
function endDryRun(input: Input): void {
  if (input.flag('DryRun'))
    throw new ServiceError(
      'DryRunOperationException',
      412,
      'The request would have succeeded, but DryRun was set',
    );
}
