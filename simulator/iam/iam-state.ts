import type { Accounts } from '../accounts.ts';
import type { Consistency } from '../consistency.ts';
import { parsePolicy, type PolicyDocument } from '../policy.ts';
import { ServiceError } from '../service-error.ts';

/** Everything here is plain JSON, so that the state file takes it as it is; times are ISO texts. */
export interface IamUser {
  readonly path: string;
  readonly name: string;
  /** `AIDA…` */
  readonly id: string;
  readonly createdAt: string;
  readonly tags: readonly Tag[];
  readonly policies: InlinePolicy[];
  accessKeys: AccessKey[];
}

export interface IamRole {
  readonly path: string;
  readonly name: string;
  /** `AROA…` */
  readonly id: string;
  readonly createdAt: string;
  readonly tags: readonly Tag[];
  readonly policies: InlinePolicy[];
  readonly description: string | undefined;
  readonly maxSessionSeconds: number;
  /** As it was given. */
  trustPolicy: string;
  lastUsed?: { at: string; region: string };
}

export interface Tag {
  readonly Key: string;
  readonly Value: string;
}

export interface InlinePolicy {
  readonly name: string;
  text: string;
}

export interface AccessKey {
  readonly id: string;
  readonly secret: string;
  readonly createdAt: string;
  status: 'Active' | 'Inactive';
  /** IAM is eventually consistent: from then to then, by the clock by which changes spread, services do not know it. */
  readonly unknownFrom?: string;
  readonly knownFrom: string;
  /** `since`: of the first use, by the clock by which changes spread. */
  lastUsed?: { at: string; service: string; region: string; since?: string };
}

export interface IamAccount {
  readonly users: IamUser[];
  readonly roles: IamRole[];
}

/** Users and roles of all accounts. */
export class IamState {
  #accounts = new Map<string, IamAccount>();
  readonly #directory: Accounts;
  readonly #consistency: Consistency;

  constructor(directory: Accounts, consistency: Consistency) {
    this.#directory = directory;
    this.#consistency = consistency;
  }

  of(accountId: string): IamAccount {
    let account = this.#accounts.get(accountId);
    if (account === undefined) {
      account = { users: [], roles: [] };
      this.#accounts.set(accountId, account);
    }
    return account;
  }

  all(): [accountId: string, account: IamAccount][] {
    return [...this.#accounts];
  }

  /** Names are not distinguished by case. Throws NoSuchEntity. */
  user(accountId: string, name: string): IamUser {
    const found = this.of(accountId).users.find((user) => sameName(user.name, name));
    if (found === undefined || !this.sees(found))
      throw noSuchEntity(`The user with name ${name} cannot be found.`);
    return found;
  }

  role(accountId: string, name: string): IamRole {
    const found = this.of(accountId).roles.find((role) => sameName(role.name, name));
    if (found === undefined || !this.sees(found))
      throw noSuchEntity(`The role with name ${name} cannot be found.`);
    return found;
  }

  /** Whether whoever is asked knows of the user or role by now. */
  sees(owner: IamUser | IamRole): boolean {
    return this.#consistency.seen(`principal ${owner.id}`, owner) !== undefined;
  }

  /** Its inline policies as far as they are in force. */
  policiesOf({ id, policies }: IamUser | IamRole): readonly InlinePolicy[] {
    return this.#consistency.seen<readonly InlinePolicy[]>(`policies ${id}`, policies) ?? [];
  }

  /** As a list shows them. */
  accessKeysOf({ id, accessKeys }: IamUser): readonly AccessKey[] {
    return this.#consistency.seen<readonly AccessKey[]>(`access keys ${id}`, accessKeys) ?? [];
  }

  /** Before the user or role is made. */
  making({ id }: IamUser | IamRole): void {
    this.#consistency.changing(`principal ${id}`, undefined);
  }

  changingPolicies({ id, policies }: Pick<IamUser | IamRole, 'id' | 'policies'>): void {
    this.#consistency.changing(`policies ${id}`, policies);
  }

  changingAccessKeys({ id, accessKeys }: IamUser): void {
    this.#consistency.changing(`access keys ${id}`, accessKeys);
  }

  userArn(accountId: string, user: Pick<IamUser, 'path' | 'name'>): string {
    return `${this.#iam(accountId)}:user${user.path}${user.name}`;
  }

  roleArn(accountId: string, role: Pick<IamRole, 'path' | 'name'>): string {
    return `${this.#iam(accountId)}:role${role.path}${role.name}`;
  }

  /** The role of this ARN, in whatever account. */
  roleByArn(arn: string): { accountId: string; role: IamRole } | undefined {
    for (const [accountId, { roles }] of this.#accounts)
      for (const role of roles) if (this.roleArn(accountId, role) === arn) return { accountId, role };
    return undefined;
  }

  save(): unknown {
    return Object.fromEntries(this.#accounts);
  }

  load(saved: unknown): void {
    this.#accounts = new Map(Object.entries(saved as Record<string, IamAccount>));
  }

  #iam(accountId: string): string {
    return `arn:${this.#directory.find(accountId)?.partition ?? 'aws'}:iam::${accountId}`;
  }
}

export function sameName(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}

export function noSuchEntity(message: string): ServiceError {
  return new ServiceError('NoSuchEntity', 404, message);
}

export function documentsOf(policies: readonly InlinePolicy[]): PolicyDocument[] {
  return policies.map((policy) => parsePolicy(policy.text, 'identity'));
}
