import {
  CreateAccessKeyCommand,
  CreateRoleCommand,
  CreateUserCommand,
  ListAccessKeysCommand,
  PutRolePolicyCommand,
  PutUserPolicyCommand,
  UpdateAssumeRolePolicyCommand,
  type IAMClient,
} from '@aws-sdk/client-iam';
import type { SimulatedAccount, Simulator } from '../../simulator/simulator.ts';
import { minPolicy, type PermissionGroup, type PolicyDocument } from '../../src/cloud/aws/permissions.ts';
import { Secret } from '../../src/secret.ts';
import { clientsOf } from '../../testing/aws-vault.ts';
import { fresh } from '../../testing/vault.ts';

export interface TestUser {
  name: string;
  arn: string;
  accessKeyId: string;
  secretAccessKey: Secret;
}

const everything: PermissionGroup[] = ['key-stores', 'keys', 'principals', 'check', 'own-access-key'];

/** An AWS account of the simulator, with its root user's hands in IAM; what they did was long ago. */
export class TestAwsAccount {
  readonly account: SimulatedAccount;
  readonly #iam: Promise<IAMClient>;

  constructor(simulator: Simulator, id?: string) {
    this.account = simulator.account(id);
    const aws = clientsOf(simulator, { maxAttempts: 1 }).once({
      accountKey: '',
      partition: 'aws',
      region: 'us-east-1',
      fips: false,
      kind: 'access-key',
      accessKeyId: this.account.accessKeyId,
      secret: new Secret(this.account.secretAccessKey),
    });
    this.#iam = aws.iam().then((iam) => settling(simulator, iam));
  }

  get id(): string {
    return this.account.id;
  }

  async iam(): Promise<IAMClient> {
    return this.#iam;
  }

  /** A user with an access key and what the least policy allows, of these groups. */
  async user(
    groups: readonly PermissionGroup[] = everything,
    name: string = fresh('user'),
  ): Promise<TestUser> {
    const iam = await this.#iam;
    const { User } = await iam.send(new CreateUserCommand({ UserName: name, Path: '/holdfast/' }));
    const arn = User?.Arn ?? '';
    if (groups.length > 0)
      await this.allow(
        name,
        minPolicy(groups, { partition: 'aws', accountId: this.id, userArn: arn, roleArn: '' }),
      );
    return { name, arn, ...(await this.accessKey(name)) };
  }

  async allow(userName: string, policy: object): Promise<void> {
    const iam = await this.#iam;
    await iam.send(
      new PutUserPolicyCommand({
        UserName: userName,
        PolicyName: 'Holdfast',
        PolicyDocument: JSON.stringify(policy),
      }),
    );
  }

  async accessKey(userName: string): Promise<{ accessKeyId: string; secretAccessKey: Secret }> {
    const { AccessKey } = await (await this.#iam).send(new CreateAccessKeyCommand({ UserName: userName }));
    return {
      accessKeyId: AccessKey?.AccessKeyId ?? '',
      secretAccessKey: new Secret(AccessKey?.SecretAccessKey ?? ''),
    };
  }

  async accessKeyIds(userName: string): Promise<string[]> {
    const { AccessKeyMetadata = [] } = await (
      await this.#iam
    ).send(new ListAccessKeysCommand({ UserName: userName }));
    return AccessKeyMetadata.map(({ AccessKeyId }) => AccessKeyId ?? '');
  }

  /** A role that these may assume, and the least policy for it. */
  async role(trust: object, name: string = fresh('role')): Promise<string> {
    const iam = await this.#iam;
    const { Role } = await iam.send(
      new CreateRoleCommand({ RoleName: name, AssumeRolePolicyDocument: JSON.stringify(trust) }),
    );
    const roleArn = Role?.Arn ?? '';
    const policy = minPolicy(['key-stores', 'keys', 'principals', 'check'], {
      ...{ partition: 'aws', accountId: this.id, userArn: '' },
      roleArn,
    });
    await iam.send(
      new PutRolePolicyCommand({
        RoleName: name,
        PolicyName: 'Holdfast',
        PolicyDocument: JSON.stringify(policy),
      }),
    );
    return roleArn;
  }

  async trust(roleName: string, policy: PolicyDocument | object): Promise<void> {
    await (
      await this.#iam
    ).send(new UpdateAssumeRolePolicyCommand({ RoleName: roleName, PolicyDocument: JSON.stringify(policy) }));
  }
}

function settling(simulator: Simulator, iam: IAMClient): IAMClient {
  return new Proxy(iam, {
    get: (target, name) => {
      const value: unknown = Reflect.get(target, name, target);
      if (name !== 'send') return value;
      return async (...args: unknown[]) => {
        simulator.settle();
        const answer: unknown = await Reflect.apply(value as (...given: unknown[]) => unknown, target, args);
        simulator.settle();
        return answer;
      };
    },
  });
}
