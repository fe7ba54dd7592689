import { makeAccountId, makeId, makeSecretAccessKey } from './ids.ts';
import type { Principal } from './principal.ts';

/** An AWS account and the access key of its root user. */
export interface SimulatedAccount {
  /** 12 digits. */
  readonly id: string;
  /** `aws`, `aws-cn`, `aws-us-gov` or `aws-eusc`. */
  readonly partition: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

/** What a signature is checked against. */
export interface Credential {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly partition: string;
  /** Of a temporary credential: must come with each request. */
  readonly sessionToken?: string;
  readonly expiresAt?: Date;
  readonly principal: Principal;
  /** Called for each request whose signature was right. */
  used?(service: string, region: string, at: Date): void;
}

/** Who has credentials and principals: IAM for users, STS for sessions. */
export interface PrincipalSource {
  /** Undefined also for an inactive key, and for one that the services do not know yet. */
  credential(accessKeyId: string): Credential | undefined;
  /** Whether policies may name this user, role or session. */
  exists(arn: string): boolean;
}

const ACCOUNT_ID = /^\d{12}$/;
const ROOT = /^arn:(aws|aws-cn|aws-us-gov|aws-eusc):iam::(\d{12}):root$/;

/** All accounts there are, and everyone who can sign. */
export class Accounts {
  readonly #accounts = new Map<string, SimulatedAccount>();
  readonly #byAccessKey = new Map<string, SimulatedAccount>();
  readonly #sources: PrincipalSource[] = [];

  addSource(source: PrincipalSource): void {
    this.#sources.push(source);
  }

  /** The account with this id, made if it is not there; without an id a new one. An access key that is given replaces its root user's. */
  account(id?: string, given: Partial<SimulatedAccount> = {}): SimulatedAccount {
    const wanted = id ?? makeAccountId();
    if (!ACCOUNT_ID.test(wanted)) throw new Error('An account id has 12 digits');
    const known = this.#accounts.get(wanted);
    if (known !== undefined && given.accessKeyId === undefined) return known;
    if (known !== undefined) this.#byAccessKey.delete(known.accessKeyId);
    const account = {
      id: wanted,
      partition: given.partition ?? known?.partition ?? 'aws',
      accessKeyId: given.accessKeyId ?? makeId('AKIA'),
      secretAccessKey: given.secretAccessKey ?? makeSecretAccessKey(),
    };
    this.#accounts.set(wanted, account);
    this.#byAccessKey.set(account.accessKeyId, account);
    return account;
  }

  all(): SimulatedAccount[] {
    return [...this.#accounts.values()];
  }

  find(id: string): SimulatedAccount | undefined {
    return this.#accounts.get(id);
  }

  credential(accessKeyId: string): Credential | undefined {
    const account = this.#byAccessKey.get(accessKeyId);
    if (account !== undefined) return { ...account, principal: rootOf(account) };
    for (const source of this.#sources) {
      const credential = source.credential(accessKeyId);
      if (credential !== undefined) return credential;
    }
    return undefined;
  }

  /** Whether a resource policy may name this in `Principal: {AWS: …}`: everyone, an account, or somebody who is there. */
  mayBeNamed(value: string): boolean {
    return value === '*' || (ACCOUNT_ID.test(value) ? this.#accounts.has(value) : this.exists(value));
  }

  /** Whether there is such a principal: key policies that name somebody who is not there are refused by AWS. */
  exists(arn: string): boolean {
    const root = ROOT.exec(arn);
    if (root?.[2] !== undefined) return this.#accounts.get(root[2])?.partition === root[1];
    return this.#sources.some((source) => source.exists(arn));
  }
}

function rootOf(account: SimulatedAccount): Principal {
  const arn = `arn:${account.partition}:iam::${account.id}:root`;
  return {
    kind: 'root',
    accountId: account.id,
    arn,
    policyArn: arn,
    id: account.id,
    name: '',
    accessKeyId: account.accessKeyId,
    policies: [],
    sessionPolicies: [],
  };
}
