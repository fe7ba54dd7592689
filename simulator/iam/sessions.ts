import type { Credential, PrincipalSource } from '../accounts.ts';
import { parsePolicy } from '../policy.ts';
import { documentsOf, type IamState } from './iam-state.ts';

/** A role's session, as AssumeRole makes it. Plain JSON. */
export interface Session {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken: string;
  readonly roleArn: string;
  readonly roleId: string;
  readonly name: string;
  readonly issuedAt: string;
  readonly expiresAt: string;
  readonly policy: string | undefined;
}

/** Sessions that have expired are kept this long, so that their callers learn that and not "unknown key". */
const KEPT_AFTER_MS = 24 * 60 * 60 * 1000;
const MAX_SESSIONS = 100_000;

/** Temporary credentials. They are as good as their role is at each moment. */
export class Sessions implements PrincipalSource {
  #sessions = new Map<string, Session>();
  readonly #iam: IamState;

  constructor(iam: IamState) {
    this.#iam = iam;
  }

  add(session: Session, now: Date): void {
    if (this.#sessions.size >= MAX_SESSIONS)
      for (const [id, { expiresAt }] of this.#sessions)
        if (Date.parse(expiresAt) + KEPT_AFTER_MS < now.getTime()) this.#sessions.delete(id);
    this.#sessions.set(session.accessKeyId, session);
  }

  credential(accessKeyId: string): Credential | undefined {
    const session = this.#sessions.get(accessKeyId);
    const found = session === undefined ? undefined : this.#iam.roleByArn(session.roleArn);
    if (session === undefined || found === undefined || found.role.id !== session.roleId) return undefined;
    const { accountId, role } = found;
    const partition = session.roleArn.split(':')[1] ?? 'aws';
    return {
      ...{ accessKeyId, secretAccessKey: session.secretAccessKey, partition },
      sessionToken: session.sessionToken,
      expiresAt: new Date(session.expiresAt),
      principal: {
        ...{ kind: 'assumed-role', accountId, accessKeyId, name: role.name, policyArn: session.roleArn },
        arn: sessionArn(partition, accountId, role.name, session.name),
        id: `${role.id}:${session.name}`,
        session: {
          name: session.name,
          roleId: role.id,
          issuedAt: new Date(session.issuedAt),
          expiresAt: new Date(session.expiresAt),
        },
        policies: documentsOf(this.#iam.policiesOf(role)),
        sessionPolicies: session.policy === undefined ? [] : [parsePolicy(session.policy, 'identity')],
      },
      used: (_service, region, at) => {
        role.lastUsed = { at: at.toISOString(), region };
      },
    };
  }

  /** Policies may name a session of any name, if its role is there. */
  exists(arn: string): boolean {
    const match = /^arn:([a-z-]+):sts::(\d{12}):assumed-role\/([^/]+)\/[^/]+$/.exec(arn);
    const roles = match?.[2] === undefined ? [] : this.#iam.of(match[2]).roles;
    return roles.some((role) => role.name === match?.[3]);
  }

  save(): unknown {
    return [...this.#sessions.values()];
  }

  load(saved: unknown): void {
    this.#sessions = new Map((saved as Session[]).map((session) => [session.accessKeyId, session]));
  }
}

/** Without the role's path. */
export function sessionArn(partition: string, accountId: string, role: string, session: string): string {
  return `arn:${partition}:sts::${accountId}:assumed-role/${role}/${session}`;
}
