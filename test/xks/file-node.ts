import test, { type ExecutionContext } from 'ava';
import { createSoftHsmToken, type TokenFixture } from '../support/tokens.ts';
import { TestNode, type NodeOptions } from '../support/test-node.ts';
import { PatientClient, type KeySetAccess, type XksClient, type XksResponse } from '../support/xks-client.ts';

/** The one node of a test file, with a key set, a client of it and a key. */
export interface FileNode {
  node: TestNode;
  fixture: TokenFixture;
  access: KeySetAccess;
  client: XksClient;
  key: string;
}

/** Starts it before the file's tests and removes it after them; call the result inside a test. */
export function useFileNode(options: Omit<NodeOptions, 'tokens'> = {}): () => FileNode {
  let made: FileNode | undefined;
  test.serial.before(async () => {
    const fixture = await createSoftHsmToken();
    const node = await TestNode.create({ ...options, tokens: [{ fixture }] });
    const access = await node.makeKeySet('first', { prefix: 'first' });
    const key = await node.makeKey('first', 'key');
    await node.serve();
    made = { node, fixture, access, key, client: patientClient(node, access) };
  });
  test.after.always(async () => {
    made?.client.close();
    await made?.node.dispose();
    await made?.fixture.dispose();
  });
  return () => {
    if (made === undefined) throw new Error('the node of this file did not start');
    return made;
  };
}

export function patientClient(
  node: TestNode,
  access: KeySetAccess,
  options: { maxSockets?: number; certificate?: string; key?: string } = {},
): XksClient {
  return new PatientClient(node.port, access, { maxSockets: 8, ...options, ca: node.ca.certificate });
}

/** The answer is this error of the spec, in full. */
export function assertError(
  t: ExecutionContext,
  response: Pick<XksResponse, 'status' | 'text' | 'body'>,
  status: number,
  errorName: string,
  errorMessage: string,
): void {
  t.is(response.status, status, response.text);
  t.deepEqual(response.body, { errorName, errorMessage });
}

export const invalidCiphertext = [
  400,
  'InvalidCiphertextException',
  'The ciphertext, initialization vector, authentication tag, metadata or additional authenticated data is not what this key produced.',
] as const;
export const authenticationFailed = [
  401,
  'AuthenticationFailedException',
  'The request could not be authenticated.',
] as const;
export const keyNotFound = [
  404,
  'KeyNotFoundException',
  'The external key is not found in this key store.',
] as const;
export const invalidPath = [
  404,
  'InvalidUriPathException',
  'The URI path is not one of this XKS proxy.',
] as const;
export const disabled = [400, 'InvalidStateException', 'The external key is disabled.'] as const;
export const malformed = [400, 'ValidationException', 'The request is not well-formed HTTP.'] as const;

export function base64(data: Uint8Array | string): string {
  return Buffer.from(data as Uint8Array).toString('base64');
}
