import { copyFile, writeFile } from 'node:fs/promises';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import test from 'ava';
import type { DoctorOptions } from '../../src/doctor/options.ts';
import { Secret } from '../../src/secret.ts';
import { TestNode, type NodeOptions } from '../../testing/test-node.ts';
import { createSoftHsmToken, type TokenFixture } from '../../testing/tokens.ts';
import type { KeySetAccess } from '../../testing/xks-client.ts';

export const host = 'xks.example.test';

/** A node whose certificate is for a name such as AWS wants one, with a key set, a key and its console file. */
export interface Stage {
  node: TestNode;
  access: KeySetAccess;
  key: string;
  tls: { certificate: string; key: string };
  consoleFile: string;
  /** The doctor's, for this node, whole. */
  options: (changes?: Partial<DoctorOptions>) => DoctorOptions;
  /** Goes to another port than the node's. */
  at: (port: number, changes?: Partial<DoctorOptions>) => DoctorOptions;
}

/** Starts it before the file's tests and removes it after them; call the result inside a test. */
export function useStage(options: Omit<NodeOptions, 'tokens'> = {}): () => Stage {
  let made: Stage | undefined;
  let fixture: TokenFixture | undefined;
  test.serial.before(async () => {
    fixture = await createSoftHsmToken();
    const node = await TestNode.create({ ...options, tokens: [{ fixture }] });
    const access = await node.makeKeySet('first', { prefix: 'First' });
    const key = await node.makeKey('first', 'key');
    const tls = await node.ca.issue(host, { dnsNames: [host] });
    await copyFile(tls.certificate, node.tls.certificate);
    await copyFile(tls.key, node.tls.key);
    await node.serve();
    const consoleFile = path.join(node.directory, 'xks-proxy-config.json');
    await writeConsoleFile(consoleFile, access);
    const at: Stage['at'] = (port, changes = {}) => ({
      endpoint: { host, port: 443 },
      connect: { address: '127.0.0.1', port },
      credential: {
        uriPath: access.uriPath,
        accessKeyId: access.accessKeyId,
        secret: new Secret(access.secretAccessKey),
      },
      ca: readFileSync(node.ca.certificate, 'utf8'),
      timeout: 10_000,
      ...changes,
    });
    made = {
      node,
      access,
      key,
      tls,
      consoleFile,
      at,
      options: (changes) => at(node.port, changes),
    };
  });
  test.after.always(async () => {
    await made?.node.dispose();
    await fixture?.dispose();
  });
  return () => {
    if (made === undefined) throw new Error('the node of this file did not start');
    return made;
  };
}

export async function writeConsoleFile(file: string, access: KeySetAccess, mode = 0o600): Promise<void> {
  const text = JSON.stringify({
    XksProxyUriPath: access.uriPath,
    XksProxyAuthenticationCredential: {
      AccessKeyId: access.accessKeyId,
      RawSecretAccessKey: access.secretAccessKey,
    },
  });
  await writeFile(file, text, { mode });
}
