import { appendFile, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Simulator } from '../../simulator/simulator.ts';
import { startAws } from '../../testing/simulated-aws.ts';
import { TestNode, type TestToken } from '../../testing/test-node.ts';

export interface NodeWithAws {
  node: TestNode;
  simulator: Simulator;
  /** What a command line is given to work with both, beside AWS's access key. */
  env: Record<string, string>;
}

export interface NodeWithAwsOptions {
  tokens: TestToken[];
  /** Under which AWS finds the node. */
  hostNames: readonly [string, ...string[]];
  /** More lines of the [aws] table. */
  aws?: string;
  /** In the node's environment, once AWS is there. */
  environment?: (simulator: Simulator) => Promise<Record<string, string>>;
  /** What is to be disposed of, in the order in which it was made. */
  dispose: (() => Promise<unknown>)[];
}

/** A whole node whose AWS is the simulator, which finds the node under its public names. */
export async function nodeWithAws({
  tokens,
  hostNames,
  aws = '',
  environment = async () => ({}),
  dispose,
}: NodeWithAwsOptions): Promise<NodeWithAws> {
  const node = await TestNode.create({ tokens, admin: true, hostNames: [...hostNames, 'localhost'] });
  dispose.push(async () => node.dispose());
  const resolve: Record<string, string> = {};
  const { simulator } = await startAws({
    kind: 'people type within minutes what is typed here within milliseconds',
    resolve,
    xksCa: await readFile(node.ca.certificate, 'utf8'),
    // AWS waits longer than its 250 ms for a proxy that shares its machine with other tests.
    time: { connectMs: 0, disconnectMs: 0, xksTimeoutMs: 30_000 },
  });
  dispose.push(async () => simulator.close());
  const { url } = simulator;
  await writeFile(path.join(node.directory, 'aws-ca.pem'), simulator.ca);
  await appendFile(
    node.config,
    `\n[aws]\nca = "aws-ca.pem"\n${aws}\n[aws.endpoints]\nkms = "${url}"\niam = "${url}"\nsts = "${url}"\n`,
  );
  await node.serve(await environment(simulator));
  for (const name of hostNames) resolve[name] = `127.0.0.1:${node.port}`;
  const env = {
    HOLDFAST_ENDPOINT: node.admin.endpoint,
    HOLDFAST_CA: node.admin.ca,
    ...{ AWS_CA_BUNDLE: path.join(node.directory, 'aws-ca.pem'), AWS_EC2_METADATA_DISABLED: 'true' },
  };
  return { node, simulator, env };
}
