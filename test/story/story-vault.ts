import type { Simulator } from '../../simulator/simulator.ts';
import type { AdminClient } from '../support/admin-client.ts';

/** Under this name AWS reaches the proxy. */
export const hostName = 'xks.example.test';
export const endpoint = `https://${hostName}`;

export interface AwsCredentials {
  accessKeyId: string;
  secretAccessKey: string;
}

// The tests look into it field by field.
// oxlint-disable-next-line typescript/no-explicit-any -- parsed JSON of unknown shape
type Shown = any;

/** A vault as its administrator works in it through the management API. */
export class StoryVault {
  readonly client: AdminClient;
  readonly id: string;
  /** The admin group that came with the vault. */
  readonly group: string;
  readonly #simulator: Simulator;

  private constructor(client: AdminClient, id: string, group: string, simulator: Simulator) {
    this.client = client;
    this.id = id;
    this.group = group;
    this.#simulator = simulator;
  }

  static async of(client: AdminClient, id: string, simulator: Simulator): Promise<StoryVault> {
    const { body } = await client.get(`/vaults/${id}/admin-groups`);
    return new StoryVault(client, id, (body as { items: { id: string }[] }).items[0]?.id ?? '', simulator);
  }

  async get(path: string): Promise<Shown> {
    return this.#ask('GET', path, async (whole) => this.client.get(whole));
  }

  async make(path: string, body: object): Promise<Shown> {
    return this.#ask('POST', path, async (whole) => this.client.post(whole, body));
  }

  /** Reads the record first, as a person does who changes what they have just looked at. */
  async act(method: 'POST' | 'PATCH' | 'DELETE', path: string, body?: object, record = path): Promise<Shown> {
    const root = `/vaults/${this.id}`;
    return this.#ask(method, path, async (whole) =>
      this.client.change(method, whole, body, `${root}${record}`),
    );
  }

  /** An act at `<record>/<verb>`. */
  async do(record: string, verb: string, body?: object): Promise<Shown> {
    return this.act('POST', `${record}/${verb}`, body, record);
  }

  /** A CSP account that signs in to AWS with this access key. */
  async cspAccount(name: string, { accessKeyId, secretAccessKey }: AwsCredentials): Promise<Shown> {
    return this.make('/csp-accounts', {
      ...{ name, adminGroupId: this.group, type: 'access-key', accessKeyId, secretAccessKey },
      defaultRegion: 'eu-central-1',
    });
  }

  async keySet(name: string, cspAccountId: string, more: object = {}): Promise<Shown> {
    return this.make('/key-sets', {
      ...{ name, cspAccountId, adminGroupId: this.group, token: 'token', pathPrefix: `${name}-prefix` },
      ...more,
    });
  }

  /** Has the external key store of a key set made and connected; `more` of the request's body. */
  async keyStore(keySetId: string, region: string, more: object = {}): Promise<Shown> {
    const path = `/key-sets/${keySetId}/external-key-stores`;
    const { id } = await this.make(path, { region, uriEndpoint: endpoint, connect: true, ...more });
    return this.settled(`${path}/${id}`);
  }

  /** An external key store once nothing is under way with it, as a look at AWS shows it. */
  async settled(path: string): Promise<Shown> {
    const { customKeyStoreId } = await this.get(path);
    for (;;) {
      await this.#simulator.kms.settled(customKeyStoreId);
      // Each look goes on with what is wanted: one that is FAILED is disconnected before it is connected.
      const store = await this.do(path, 'refresh');
      if (store.wanted === null && !(store.state as string).endsWith('ING')) return store;
    }
  }

  /** A CloudKey once its KMS key and alias are in AWS. */
  async cloudKey(keySetId: string, name: string, more: object = {}): Promise<Shown> {
    const { id } = await this.make('/cloud-keys', { keySetId, name, ...more });
    return this.withKmsKeys(`/cloud-keys/${id}`);
  }

  /** Holdfast makes KMS keys after it has answered: nothing here tells when. Throws what stands against it. */
  async withKmsKeys(cloudKey: string, count = 1): Promise<Shown> {
    for (;;) {
      const key = await this.get(cloudKey);
      const kmsKeys = key.kmsKeys as { step: string; problem: { fault: string } | null }[];
      if (kmsKeys.length === count && kmsKeys.every(({ step }) => step === 'DONE')) return key;
      const problem = kmsKeys.find((one) => one.problem !== null && one.problem.fault !== 'waiting');
      if (problem !== undefined) throw new Error(JSON.stringify(problem));
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  async #ask(
    method: string,
    path: string,
    send: (whole: string) => ReturnType<AdminClient['get']>,
  ): Promise<Shown> {
    const { status, body, text } = await send(`/vaults/${this.id}${path}`);
    if (status >= 300) throw new Error(`${method} ${path}: ${status} ${text}`);
    return body as unknown;
  }
}
