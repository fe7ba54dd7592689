import test, { type ExecutionContext } from 'ava';
import { createSoftHsmToken, type TokenFixture } from '../../testing/tokens.ts';
import { InProcessNode } from '../../testing/in-process-node.ts';
import type { ServedNode } from '../../testing/served-node.ts';
import { TestNode, type NodeOptions } from '../../testing/test-node.ts';
import type { KeySetAccess, XksClient, XksResponse } from '../../testing/xks-client.ts';

/** The one node of a test file, with a key set, a client of it and a key. */
export interface FileNode<N extends ServedNode> {
  node: N;
  fixture: TokenFixture;
  access: KeySetAccess;
  client: XksClient;
  key: string;
}

/** By what was asked for: the modules of a test file that ask for the same share it. */
const nodes = new Map<string, () => FileNode<InProcessNode>>();
const wholeNodes = new Map<string, () => FileNode<TestNode>>();

/**
 * The XKS side of a node in the process of the test file, from before the file's tests until after them; call the result
 * inside a test.
 */
export function useFileNode(
  options: Pick<NodeOptions, 'mutualTls' | 'xks'> = {},
): () => FileNode<InProcessNode> {
  return use(nodes, options, async (fixture) => {
    const node = await InProcessNode.start({ ...options, tokens: [{ fixture }] });
    return { node, ...(await first(node)) };
  });
}

/** The same with a whole node: for tests of several workers, of signals, and of what its processes do or say. */
export function useWholeNode(options: Omit<NodeOptions, 'tokens'> = {}): () => FileNode<TestNode> {
  return use(wholeNodes, options, async (fixture) => {
    const node = await TestNode.create({ ...options, tokens: [{ fixture }] });
    const made = await first(node);
    await node.serve();
    return { node, ...made };
  });
}

async function first(node: ServedNode): Promise<Pick<FileNode<ServedNode>, 'access' | 'key'>> {
  return node.withVault(async (vault) => {
    await vault.makeKeySet('first', { prefix: 'first' });
    return { access: await vault.issueCredential('first'), key: await vault.makeKey('first', 'key') };
  });
}

function use<N extends ServedNode>(
  known: Map<string, () => FileNode<N>>,
  options: object,
  start: (fixture: TokenFixture) => Promise<Pick<FileNode<N>, 'node' | 'access' | 'key'>>,
): () => FileNode<N> {
  const name = JSON.stringify(options);
  const there = known.get(name);
  if (there !== undefined) return there;
  let made: FileNode<N> | undefined;
  test.serial.before(async () => {
    const fixture = await createSoftHsmToken();
    const started = await start(fixture);
    made = { ...started, fixture, client: clientOf(started.node, started.access) };
  });
  test.after.always(async () => {
    made?.client.close();
    await made?.node.dispose();
    await made?.fixture.dispose();
  });
  const file = () => {
    if (made === undefined) throw new Error('the node of this file did not start');
    return made;
  };
  known.set(name, file);
  return file;
}

export function clientOf(
  node: ServedNode,
  access: KeySetAccess,
  options: { maxSockets?: number; certificate?: string; key?: string } = {},
): XksClient {
  return node.client(access, { maxSockets: 8, ...options });
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
