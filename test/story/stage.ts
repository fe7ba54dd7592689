import { appendFile, writeFile } from 'node:fs/promises';
import { readFileSync } from 'node:fs';
import { Agent } from 'node:https';
import path from 'node:path';
import {
  CreateAccessKeyCommand,
  CreateUserCommand,
  IAMClient,
  PutUserPolicyCommand,
} from '@aws-sdk/client-iam';
import { KMSClient } from '@aws-sdk/client-kms';
import { S3Client } from '@aws-sdk/client-s3';
import type { Simulator, SimulatorOptions } from '../../simulator/simulator.ts';
import type { AdminClient } from '../support/admin-client.ts';
import { startAws, type AwsTimes } from '../../testing/simulated-aws.ts';
import { TestNode, type NodeOptions } from '../../testing/test-node.ts';
import { createSoftHsmToken, type TokenFixture } from '../../testing/tokens.ts';
import { addUser, made } from '../admin/two-vaults.ts';
import { hostName, StoryVault, type AwsCredentials } from './story-vault.ts';

/** Somebody of an AWS account. */
export interface Principal extends AwsCredentials {
  arn: string;
}

export interface StoryOptions {
  simulator?: Omit<SimulatorOptions, 'resolve' | 'xksCa' | 'random'>;
  node?: Omit<NodeOptions, 'tokens' | 'admin' | 'hostNames'>;
  /** More tables of the configuration. */
  config?: string;
  /** Of the management API; the kernel's choice unless told. */
  adminPort?: number;
}

/** A whole node, an AWS that reaches it and that it reaches, and AWS's own clients. */
export class Story {
  readonly node: TestNode;
  /** The token of the node. */
  readonly token: TokenFixture;
  readonly simulator: Simulator;
  /** Where AWS finds host names, `host:port`; may be changed. */
  readonly resolve: Record<string, string>;
  /** How long AWS takes for what; may be changed. */
  readonly time: AwsTimes;
  readonly #agent: Agent;
  readonly #clients: { destroy: () => void }[] = [];
  readonly #closeAws: () => Promise<void>;
  readonly #dispose: () => Promise<void>;

  private constructor(
    node: TestNode,
    token: TokenFixture,
    simulator: Simulator,
    aws: { resolve: Record<string, string>; time: AwsTimes; close: () => Promise<void> },
    dispose: () => Promise<void>,
  ) {
    this.node = node;
    this.token = token;
    this.simulator = simulator;
    this.resolve = aws.resolve;
    this.time = aws.time;
    this.#closeAws = aws.close;
    this.#agent = new Agent({ ca: simulator.ca, keepAlive: true });
    this.#dispose = dispose;
  }

  /**
   * AWS connects and disconnects at once, and waits 30 s for the proxy where it would wait 250 ms: the machine of the
   * tests may be busy.
   */
  static async open({
    simulator: simulated = {},
    node: more = {},
    config = '',
    adminPort = 0,
  }: StoryOptions = {}): Promise<Story> {
    const fixture = await createSoftHsmToken();
    const resolve: Record<string, string> = {};
    const time = {
      connectMs: 0,
      disconnectMs: 0,
      xksTimeoutMs: 30_000,
      ...simulated.time,
    };
    const started: (() => Promise<unknown>)[] = [async () => fixture.dispose()];
    const dispose = async () => {
      for (const end of started.toReversed()) await end();
    };
    try {
      const node = await TestNode.create({
        ...more,
        tokens: [{ fixture }],
        hostNames: [hostName],
        admin: { port: adminPort, sign_ins_per_minute: 100_000, requests_per_minute: 1_000_000 },
      });
      started.push(async () => node.dispose());
      const { simulator } = await startAws({
        kind: 'people do within minutes what is done here within milliseconds',
        ...simulated,
        resolve,
        xksCa: readFileSync(node.ca.certificate, 'utf8'),
        time,
      });
      let closing: Promise<void> | undefined;
      const closeAws = async () => (closing ??= simulator.close());
      started.push(closeAws);
      const { url } = simulator;
      await writeFile(path.join(node.directory, 'aws-ca.pem'), simulator.ca);
      await appendFile(
        node.config,
        `\n[aws]\nendpoints = { kms = "${url}", iam = "${url}", sts = "${url}" }\nca = "aws-ca.pem"\n${config}`,
      );
      await node.serve();
      resolve[hostName] = `127.0.0.1:${node.port}`;
      return new Story(node, fixture, simulator, { resolve, time, close: closeAws }, dispose);
    } catch (error) {
      await dispose();
      throw error;
    }
  }

  /** A vault whose administrator has signed in. */
  async vault(name: string): Promise<StoryVault> {
    const boss = await addUser(this.node, '', `boss-of-${name}`, 'appliance-admin');
    const administrator = { username: 'ada', name: 'Ada Lovelace', email: 'ada@example.com' };
    const { id } = await made(boss, '/vaults', { name, administrator });
    boss.close();
    return this.vaultOf(await addUser(this.node, id, 'grace', 'vault-admin'), id);
  }

  async vaultOf(client: AdminClient, id: string): Promise<StoryVault> {
    return StoryVault.of(client, id, this.simulator);
  }

  kms(credentials: AwsCredentials, region = 'eu-central-1'): KMSClient {
    return this.#keep(new KMSClient(this.settings(credentials, region)));
  }

  s3(credentials: AwsCredentials, region = 'eu-central-1'): S3Client {
    return this.#keep(new S3Client({ ...this.settings(credentials, region), forcePathStyle: true }));
  }

  iam(credentials: AwsCredentials): IAMClient {
    return this.#keep(new IAMClient(this.settings(credentials, 'us-east-1')));
  }

  /** What an SDK client needs to speak to this AWS. One attempt: what is refused shows at once. */
  settings({ accessKeyId, secretAccessKey }: AwsCredentials, region: string) {
    return {
      ...{ region, endpoint: this.simulator.url, maxAttempts: 1 },
      credentials: { accessKeyId, secretAccessKey },
      requestHandler: { httpsAgent: this.#agent },
    };
  }

  /** A user of an AWS account with an access key and these allowed actions. */
  async user(
    root: AwsCredentials,
    UserName: string,
    allowed: Record<string, string[]> = {},
  ): Promise<Principal> {
    const iam = this.iam(root);
    const { User } = await iam.send(new CreateUserCommand({ UserName }));
    const Statement = Object.entries(allowed).map(([Resource, Action]) => ({
      Effect: 'Allow',
      Action,
      Resource,
    }));
    if (Statement.length > 0)
      await iam.send(
        new PutUserPolicyCommand({
          UserName,
          PolicyName: 'story',
          PolicyDocument: JSON.stringify({ Version: '2012-10-17', Statement }),
        }),
      );
    const { AccessKey } = await iam.send(new CreateAccessKeyCommand({ UserName }));
    return {
      arn: User?.Arn ?? '',
      accessKeyId: AccessKey?.AccessKeyId ?? '',
      secretAccessKey: AccessKey?.SecretAccessKey ?? '',
    };
  }

  /** Ends node and AWS; the files of both are there until it is disposed of. */
  async stop(): Promise<void> {
    await this.node.stop();
    await this.#closeAws();
  }

  async dispose(): Promise<void> {
    for (const client of this.#clients) client.destroy();
    this.#agent.destroy();
    await this.#dispose();
  }

  #keep<T extends { destroy: () => void }>(client: T): T {
    this.#clients.push(client);
    return client;
  }
}
