import { hash, randomBytes, randomUUID } from 'node:crypto';
import type { Answer } from './exchange.ts';
import { ok, problem, skipped, warning, type Finding } from './finding.ts';
import { foreignAnswer } from './health.ts';
import { errorNameOf, metadataOf, textField, told, type XksCaller } from './xks-call.ts';

/* Every operation with one key. What is encrypted is random, and nothing is kept. */

/** XKS spec, Encrypt: what every proxy must take. */
const [maxPlaintextLength, maxAadLength] = [4300, 8192];

interface Encrypted {
  plaintext: Buffer;
  aad: Buffer;
  ciphertext: Buffer;
  iv: Buffer;
  tag: Buffer;
  metadata: Buffer;
}

/** Throws ConnectionFailure. */
export async function* examineKey(caller: XksCaller, key: string): AsyncGenerator<Finding> {
  const about = { subject: key };
  yield await metadata(caller, key);
  const plaintext = randomBytes(32);
  const aad = Buffer.from(`holdfast-doctor=${randomUUID()}`);
  const answer = await encrypt(caller, key, plaintext, aad);
  const first = readEncrypted(answer, plaintext, aad);
  if (typeof first === 'string') {
    yield foreignAnswer('key.encrypt', answer, answer.status === 200 ? first : undefined, key);
    for (const id of ['key.integrity', 'key.decrypt', 'key.tampered', 'key.sizes'] as const)
      yield skipped(id, 'nothing could be encrypted', null, about);
    return;
  }
  const milliseconds = Math.round(answer.took);
  yield ok('key.encrypt', `32 bytes with AAD, ${milliseconds} ms`, { ...about, data: { milliseconds } });
  yield integrity(answer, first, key);
  yield await decryptsBack(caller, key, first);
  yield await refusesTampered(caller, key, first);
  yield await takesLongest(caller, key);
}

export async function examineUnknownKey(caller: XksCaller): Promise<Finding> {
  const key = `holdfast-doctor-${randomUUID()}`;
  const answer = await caller.call(`keys/${key}/metadata`, { requestMetadata: metadataOf('DescribeKey') });
  return errorNameOf(answer) === 'KeyNotFoundException' && answer.status === 404
    ? ok('key.unknown', told(answer))
    : problem('key.unknown', `answered ${told(answer)}`, 'the node’s log line of this request');
}

async function metadata(caller: XksCaller, key: string): Promise<Finding> {
  const about = { subject: key };
  const answer = await caller.call(`keys/${key}/metadata`, { requestMetadata: metadataOf('DescribeKey') });
  if (answer.status !== 200) return foreignAnswer('key.metadata', answer, undefined, key);
  const { keySpec, keyUsage, keyStatus } = answer.json as Record<string, unknown>;
  const usages = Array.isArray(keyUsage) ? keyUsage.filter((usage) => typeof usage === 'string') : [];
  const seen = [keySpec, usages.join(' and '), keyStatus].map(String).join(', ').slice(0, 200);
  const fit =
    keySpec === 'AES_256' &&
    keyStatus === 'ENABLED' &&
    ['ENCRYPT', 'DECRYPT'].every((usage) => usages.includes(usage));
  return fit
    ? ok('key.metadata', seen, about)
    : problem(
        'key.metadata',
        seen,
        keyStatus === 'ENABLED'
          ? 'use a CloudKey for encryption and decryption: KMS accepts no other'
          : 'holdfast cloud-key show tells the state; holdfast cloud-key enable, where it is disabled',
        about,
      );
}

export async function encrypt(
  caller: XksCaller,
  key: string,
  plaintext: Buffer,
  aad: Buffer,
  timeout?: number,
): Promise<Answer> {
  const body = {
    requestMetadata: metadataOf('Encrypt'),
    plaintext: plaintext.toString('base64'),
    encryptionAlgorithm: 'AES_GCM',
    additionalAuthenticatedData: aad.toString('base64'),
    ciphertextDataIntegrityValueAlgorithm: 'SHA_256',
  };
  return caller.call(`keys/${key}/encrypt`, body, timeout === undefined ? {} : { timeout });
}

export async function decrypt(
  caller: XksCaller,
  key: string,
  { aad, ciphertext, iv, tag, metadata }: Omit<Encrypted, 'plaintext'>,
  timeout?: number,
): Promise<Answer> {
  const body = {
    requestMetadata: metadataOf('Decrypt'),
    encryptionAlgorithm: 'AES_GCM',
    additionalAuthenticatedData: aad.toString('base64'),
    ciphertext: ciphertext.toString('base64'),
    initializationVector: iv.toString('base64'),
    authenticationTag: tag.toString('base64'),
    ...(metadata.length === 0 ? {} : { ciphertextMetadata: metadata.toString('base64') }),
  };
  return caller.call(`keys/${key}/decrypt`, body, timeout === undefined ? {} : { timeout });
}

/** The parts of an Encrypt's answer, or what is wrong with it. */
export function readEncrypted(answer: Answer, plaintext: Buffer, aad: Buffer): Encrypted | string {
  const bytes = (name: string) => Buffer.from(textField(answer, name) ?? '', 'base64');
  if (answer.status !== 200) return told(answer);
  const [ciphertext, iv, tag, metadata] = [
    bytes('ciphertext'),
    bytes('initializationVector'),
    bytes('authenticationTag'),
    bytes('ciphertextMetadata'),
  ];
  if (ciphertext.length !== plaintext.length) return 'the ciphertext is not as long as the plaintext';
  if (iv.length !== 12 && iv.length !== 16) return 'the initialization vector is not 12 or 16 bytes long';
  if (tag.length !== 16) return 'the authentication tag is not 16 bytes long';
  if (metadata.length > 20) return 'the ciphertext metadata is longer than 20 bytes';
  return { plaintext, aad, ciphertext, iv, tag, metadata };
}

/** XKS spec, Appendix C: over AAD ‖ metadata ‖ IV ‖ ciphertext ‖ tag. */
export function integrityValueOf({
  aad,
  metadata,
  iv,
  ciphertext,
  tag,
}: Omit<Encrypted, 'plaintext'>): string {
  return hash('sha256', Buffer.concat([aad, metadata, iv, ciphertext, tag]), 'base64');
}

function integrity(answer: Answer, encrypted: Encrypted, key: string): Finding {
  const about = { subject: key };
  const value = textField(answer, 'ciphertextDataIntegrityValue');
  if (value === undefined)
    return warning(
      'key.integrity',
      'none was answered',
      'Holdfast always answers one: is it another product?',
      about,
    );
  return value === integrityValueOf(encrypted)
    ? ok('key.integrity', 'computed again: the same', about)
    : problem(
        'key.integrity',
        'computed again: not the same',
        'bits change between token and network: memory, or something that rewrites answers; stop using this node',
        about,
      );
}

async function decryptsBack(caller: XksCaller, key: string, encrypted: Encrypted): Promise<Finding> {
  const about = { subject: key };
  const answer = await decrypt(caller, key, encrypted);
  if (answer.status !== 200) return foreignAnswer('key.decrypt', answer, undefined, key);
  const same = textField(answer, 'plaintext') === encrypted.plaintext.toString('base64');
  return same
    ? ok('key.decrypt', `the same bytes, ${Math.round(answer.took)} ms`, about)
    : problem(
        'key.decrypt',
        'not the bytes that were encrypted',
        'stop using this node, and report it',
        about,
      );
}

async function refusesTampered(caller: XksCaller, key: string, encrypted: Encrypted): Promise<Finding> {
  const wrong: string[] = [];
  for (const part of ['ciphertext', 'tag', 'aad', 'metadata'] as const) {
    const altered = Buffer.from(encrypted[part]);
    const first = altered[0];
    if (first === undefined) continue;
    altered[0] = first ^ 1;
    const answer = await decrypt(caller, key, { ...encrypted, [part]: altered });
    if (errorNameOf(answer) !== 'InvalidCiphertextException') wrong.push(`${part}: ${told(answer)}`);
  }
  const about = { subject: key };
  return wrong.length === 0
    ? ok('key.tampered', 'ciphertext, tag, AAD and metadata: InvalidCiphertextException each', about)
    : problem(
        'key.tampered',
        wrong.join('; '),
        'the node’s log lines of these requests have fault and call',
        about,
      );
}

async function takesLongest(caller: XksCaller, key: string): Promise<Finding> {
  const about = { subject: key };
  const [plaintext, aad] = [randomBytes(maxPlaintextLength), randomBytes(maxAadLength)];
  const answer = await encrypt(caller, key, plaintext, aad);
  const encrypted = readEncrypted(answer, plaintext, aad);
  if (typeof encrypted === 'string')
    return foreignAnswer('key.sizes', answer, answer.status === 200 ? encrypted : undefined, key);
  const back = await decrypt(caller, key, encrypted);
  return textField(back, 'plaintext') === plaintext.toString('base64')
    ? ok(
        'key.sizes',
        `encrypted and decrypted, ${Math.round(answer.took)} and ${Math.round(back.took)} ms`,
        about,
      )
    : foreignAnswer('key.sizes', back, undefined, key);
}
