import path from 'node:path';
import { NodeVault } from '../testing/node-vault.ts';
import { TestNode } from '../testing/test-node.ts';
import { createSoftHsmToken, type TokenFixture } from '../testing/tokens.ts';
import { insertVault } from '../testing/vault.ts';
import { encryptBody, XksClient, type KeySetAccess, type SignedRequest } from '../testing/xks-client.ts';
import { mainScript, Server } from './processes.ts';

interface ServedKey {
  access: KeySetAccess;
  /** External key id. */
  key: string;
}

/** A node with so many vaults, each with one key set, one credential and its CloudKeys; and serving. */
export class Populated {
  readonly server: Server;
  readonly #node: TestNode;
  readonly #fixture: TokenFixture;
  readonly #keys: readonly ServedKey[];

  private constructor(node: TestNode, fixture: TokenFixture, server: Server, keys: readonly ServedKey[]) {
    this.#node = node;
    this.#fixture = fixture;
    this.server = server;
    this.#keys = keys;
  }

  static async start(vaults: number, keysOfVault: number): Promise<Populated> {
    const fixture = await createSoftHsmToken();
    const node = await TestNode.create({
      tokens: [{ fixture, settings: { hosts: 2 } }],
      workers: 2,
      realTimes: true,
    });
    const keys: ServedKey[] = [];
    await node.withVault(async ({ vaultContext }) => {
      for (let v = 0; v < vaults; v++) {
        const { id } = await insertVault(vaultContext.store, `vault-${v}`);
        const vault = new NodeVault(vaultContext, id);
        const name = `of-vault-${v}`;
        await vault.makeKeySet(name, { prefix: name });
        const access = await vault.issueCredential(name);
        for (let k = 0; k < keysOfVault; k++)
          keys.push({ access, key: await vault.makeKey(name, `key-${k}`) });
      }
    });
    const words = [mainScript, '--config', node.config, 'serve'];
    const server = await Server.start('holdfast serve', words, path.join(node.directory, 'serve.log'));
    return new Populated(node, fixture, server, keys);
  }

  /** One signed encrypt with CDIV for each key. */
  async requests(): Promise<SignedRequest[]> {
    const clients = new Map<KeySetAccess, XksClient>();
    const requests: SignedRequest[] = [];
    for (const { access, key } of this.#keys) {
      const client =
        clients.get(access) ?? new XksClient(this.server.port, access, { ca: this.#node.ca.certificate });
      clients.set(access, client);
      const body = encryptBody(Buffer.alloc(32, 7), { aad: Buffer.alloc(60, 3), cdiv: true });
      requests.push(await client.sign(`${access.uriPath}/keys/${key}/encrypt`, body));
    }
    for (const client of clients.values()) client.close();
    return requests;
  }

  async stop(): Promise<void> {
    await this.server.stop();
    await this.#node.dispose();
    await this.#fixture.dispose();
  }
}
