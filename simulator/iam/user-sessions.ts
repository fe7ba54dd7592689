import { randomBytes } from 'node:crypto';
import type { Accounts, Credential, PrincipalSource } from '../accounts.ts';
import { makeId, makeSecretAccessKey } from '../ids.ts';

/** What GetSessionToken makes: temporary credentials of the user, or root user, who asks. Plain JSON. */
export interface UserSession {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken: string;
  /** The long-term access key that asked: the session is as good as it is at each moment. */
  readonly of: string;
  readonly expiresAt: string;
}

const maxSessions = 10_000;

export class UserSessions implements PrincipalSource {
  #sessions = new Map<string, UserSession>();
  readonly #accounts: Accounts;

  constructor(accounts: Accounts) {
    this.#accounts = accounts;
  }

  make(of: string, expiresAt: Date): UserSession {
    const session: UserSession = {
      accessKeyId: makeId('ASIA'),
      secretAccessKey: makeSecretAccessKey(),
      sessionToken: randomBytes(192).toString('base64'),
      ...{ of, expiresAt: expiresAt.toISOString() },
    };
    const [oldest] = this.#sessions.keys();
    if (this.#sessions.size >= maxSessions && oldest !== undefined) this.#sessions.delete(oldest);
    this.#sessions.set(session.accessKeyId, session);
    return session;
  }

  credential(accessKeyId: string): Credential | undefined {
    const session = this.#sessions.get(accessKeyId);
    const of = session === undefined ? undefined : this.#accounts.credential(session.of);
    if (session === undefined || of === undefined) return undefined;
    return {
      ...{ accessKeyId, secretAccessKey: session.secretAccessKey, partition: of.partition },
      sessionToken: session.sessionToken,
      expiresAt: new Date(session.expiresAt),
      principal: { ...of.principal, accessKeyId },
      used: (service, region, at) => of.used?.(service, region, at),
    };
  }

  /** Policies cannot name such a session: it is the user. */
  exists(): boolean {
    return false;
  }

  save(): unknown {
    return [...this.#sessions.values()];
  }

  load(saved: unknown): void {
    this.#sessions = new Map((saved as UserSession[]).map((session) => [session.accessKeyId, session]));
  }
}

/** Without MFA they may call nothing of IAM, and of STS only these two (STS API reference, GetSessionToken). */
export function isUserSession({ kind, accessKeyId }: { kind: string; accessKeyId: string }): boolean {
  return kind !== 'assumed-role' && accessKeyId.startsWith('ASIA');
}
