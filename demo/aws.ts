import { readFileSync } from 'node:fs';
import { Agent } from 'node:https';
import { IAMClient } from '@aws-sdk/client-iam';
import { KMSClient } from '@aws-sdk/client-kms';
import { S3Client } from '@aws-sdk/client-s3';
import { Simulator } from '../simulator/simulator.ts';
import { proxyName } from './node.ts';

/** Stands in for AWS: the simulator, and AWS's own clients that speak to it as the account's root user. */
export class AwsOfDemo {
  readonly url: string;
  readonly ca: string;
  readonly accountId: string;
  readonly iam: IAMClient;
  readonly kms: KMSClient;
  readonly s3: S3Client;
  readonly #simulator: Simulator;
  readonly #agent: Agent;

  private constructor(simulator: Simulator) {
    const { id, accessKeyId, secretAccessKey } = simulator.account('111122223333');
    this.#simulator = simulator;
    this.url = simulator.url;
    this.ca = simulator.ca;
    this.accountId = id;
    this.#agent = new Agent({ ca: simulator.ca, keepAlive: true });
    const common = {
      endpoint: simulator.url,
      region: 'eu-central-1',
      credentials: { accessKeyId, secretAccessKey },
      requestHandler: { httpsAgent: this.#agent },
    };
    this.iam = new IAMClient(common);
    this.kms = new KMSClient(common);
    this.s3 = new S3Client({ ...common, forcePathStyle: true });
  }

  /** `xksCa`: file with the CA of the proxy's certificate; `resolve`: where it is; `xksTimeoutMs`: how long KMS waits. */
  static async start(
    xksCa: string,
    resolve: Record<string, string>,
    xksTimeoutMs: number,
  ): Promise<AwsOfDemo> {
    return new AwsOfDemo(
      await Simulator.start({
        xksCa: readFileSync(xksCa, 'utf8'),
        resolve,
        // AWS takes about five minutes for these.
        time: { connectMs: 1_000, disconnectMs: 500, healthEveryMs: 5_000, xksTimeoutMs },
      }),
    );
  }

  async close(): Promise<void> {
    for (const client of [this.iam, this.kms, this.s3]) client.destroy();
    this.#agent.destroy();
    await this.#simulator.close();
  }
}

/** Where the proxy is, told once its port is known: the simulator looks it up at each connection. */
export function placeOfProxy(): { resolve: Record<string, string>; is: (port: number) => void } {
  const resolve: Record<string, string> = {};
  return { resolve, is: (port) => (resolve[proxyName] = `127.0.0.1:${port}`) };
}
