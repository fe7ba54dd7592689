import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { Agent } from 'node:https';
import path from 'node:path';
import {
  ConnectCustomKeyStoreCommand,
  CreateCustomKeyStoreCommand,
  CreateKeyCommand,
  KMSClient,
  type CreateCustomKeyStoreRequest,
  type CreateKeyRequest,
  type KeyMetadata,
  type KMSServiceException,
} from '@aws-sdk/client-kms';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import { Simulator, type SimulatorOptions } from '../../simulator/simulator.ts';
import { TestCa } from '../../testing/certificates.ts';
import { memoryDirectory } from '../../testing/memory-directory.ts';
import { XksStub } from './xks-stub.ts';

export const xksHost = 'xks.example.test';

const usual = { connectMs: 0, disconnectMs: 0, xksTimeoutMs: 5000 };

/** An AWS whose external key stores are at a scripted proxy, and clients of its KMS. */
export class KmsBench {
  readonly simulator: Simulator;
  readonly stub: XksStub;
  readonly ca: TestCa;
  readonly kms: KMSClient;
  readonly account: { id: string; accessKeyId: string; secretAccessKey: string };
  readonly #directory: string;
  readonly #clients: KMSClient[] = [];
  #count = 0;

  private constructor(directory: string, ca: TestCa, simulator: Simulator, stub: XksStub) {
    this.#directory = directory;
    this.ca = ca;
    this.simulator = simulator;
    this.stub = stub;
    this.account = simulator.account();
    this.kms = this.client(this.account);
  }

  /** Answers of the stub are waited for longer than AWS does, unless `time` says otherwise: tests share their machine. */
  static async open(options: SimulatorOptions = {}): Promise<KmsBench> {
    const directory = await mkdtemp(path.join(memoryDirectory(), 'holdfast-kms-'));
    const ca = await TestCa.create(directory);
    const stub = await XksStub.start(await ca.issue(xksHost, { dnsNames: [xksHost] }));
    const simulator = await Simulator.start({
      xksCa: readFileSync(ca.certificate, 'utf8'),
      ...options,
      resolve: { [xksHost]: stub.address, ...options.resolve },
      // The object that was given: tests change it.
      time: Object.assign(options.time ?? {}, { ...usual, ...options.time }),
    });
    return new KmsBench(directory, ca, simulator, stub);
  }

  /** A real SDK client that tries once. */
  client(
    credentials: { accessKeyId: string; secretAccessKey: string; sessionToken?: string },
    region = 'eu-west-1',
  ): KMSClient {
    const { url, ca } = this.simulator;
    const client = new KMSClient({
      region,
      endpoint: url,
      credentials,
      maxAttempts: 1,
      requestHandler: new NodeHttpHandler({ httpsAgent: new Agent({ ca, keepAlive: true }) }),
    });
    this.#clients.push(client);
    return client;
  }

  /** What CreateCustomKeyStore takes for a store at the stub, each time with another name and path. */
  storeRequest(changes: Partial<CreateCustomKeyStoreRequest> = {}): CreateCustomKeyStoreRequest {
    const number = ++this.#count;
    return {
      CustomKeyStoreName: `store ${number}`,
      CustomKeyStoreType: 'EXTERNAL_KEY_STORE',
      XksProxyConnectivity: 'PUBLIC_ENDPOINT',
      XksProxyUriEndpoint: `https://${xksHost}`,
      XksProxyUriPath: `/stub${number}/kms/xks/v1`,
      XksProxyAuthenticationCredential: this.stub.credential,
      ...changes,
    };
  }

  async makeStore(changes: Partial<CreateCustomKeyStoreRequest> = {}, kms = this.kms): Promise<string> {
    const made = await kms.send(new CreateCustomKeyStoreCommand(this.storeRequest(changes)));
    return made.CustomKeyStoreId ?? '';
  }

  async connect(CustomKeyStoreId: string, kms = this.kms): Promise<void> {
    await kms.send(new ConnectCustomKeyStoreCommand({ CustomKeyStoreId }));
    await this.simulator.kms.connected(CustomKeyStoreId);
  }

  async makeConnectedStore(): Promise<string> {
    const id = await this.makeStore();
    await this.connect(id);
    return id;
  }

  /** In an external key store, bound to another external key each time. */
  async makeKey(
    CustomKeyStoreId: string,
    changes: Partial<CreateKeyRequest> = {},
    kms = this.kms,
  ): Promise<KeyMetadata & { KeyId: string; Arn: string }> {
    const { KeyMetadata } = await kms.send(
      new CreateKeyCommand({
        Origin: 'EXTERNAL_KEY_STORE',
        CustomKeyStoreId,
        XksKeyId: `key-${++this.#count}`,
        ...changes,
      }),
    );
    return KeyMetadata as KeyMetadata & { KeyId: string; Arn: string };
  }

  async close(): Promise<void> {
    for (const client of this.#clients) client.destroy();
    await this.simulator.close();
    await this.stub.close();
    await rm(this.#directory, { recursive: true, force: true });
  }
}

/** The name of the exception that KMS answers with; fails if it answers well. */
export async function exceptionOf(call: Promise<unknown>): Promise<string> {
  return (await failureOf(call)).name;
}

export async function failureOf(call: Promise<unknown>): Promise<KMSServiceException> {
  try {
    await call;
  } catch (error) {
    return error as KMSServiceException;
  }
  throw new Error('the call succeeded');
}
