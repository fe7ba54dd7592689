import type { STSClient } from '@aws-sdk/client-sts';
import { wallClock } from '../../clock.ts';
import { Secret } from '../../secret.ts';
import { AwsError, callAws } from './aws-error.ts';

/** What the SDK signs with. */
export interface Credentials {
  accessKeyId: string;
  secretAccessKey: string;
  sessionToken?: string;
  expiration?: Date;
}

/** An hour: the most there is where a role assumes a role (STS API reference, AssumeRole). */
const duration = 3600;
/** So long before its end a session is made anew, milliseconds: as early as the SDK asks for it. */
const usuallyEarly = 6 * 60_000;

interface Session {
  accessKeyId: string;
  secret: Secret;
  token: Secret;
  /** By a clock that nobody sets: a wrong one must not make a session look fresh, or old. */
  endsAt: number;
}

/** The session of an assumed role: made at the first need, and anew before it ends, by one request for all who wait. */
export class RoleSession {
  readonly #role: { roleArn: string; externalId: string; sessionName?: string };
  readonly #sts: () => Promise<STSClient>;
  readonly #early: number;
  #session: Session | undefined;
  #flight: Promise<Session> | undefined;

  constructor(
    role: { roleArn: string; externalId: string; sessionName?: string },
    sts: () => Promise<STSClient>,
    early = usuallyEarly,
  ) {
    this.#role = role;
    this.#sts = sts;
    this.#early = early;
  }

  /** Throws AwsError. A session that has still some time is used on where AWS gives no new one. */
  async credentials(): Promise<Credentials> {
    const left = (this.#session?.endsAt ?? 0) - performance.now();
    if (this.#session !== undefined && left > this.#early) return show(this.#session);
    this.#flight ??= this.#assume().finally(() => {
      this.#flight = undefined;
    });
    try {
      this.#session = await this.#flight;
    } catch (error) {
      if (this.#session === undefined || left < 30_000) throw error;
    }
    return show(this.#session);
  }

  async #assume(): Promise<Session> {
    const { AssumeRoleCommand } = await import('@aws-sdk/client-sts');
    const client = await this.#sts();
    const began = performance.now();
    const { Credentials: given } = await callAws('AssumeRole', async () =>
      client.send(
        new AssumeRoleCommand({
          RoleArn: this.#role.roleArn,
          RoleSessionName: this.#role.sessionName ?? 'holdfast',
          ExternalId: this.#role.externalId,
          DurationSeconds: duration,
        }),
      ),
    );
    const { AccessKeyId: accessKeyId, SecretAccessKey: secret, SessionToken: token } = given ?? {};
    if (accessKeyId === undefined || secret === undefined || token === undefined)
      throw new AwsError('aws-trouble', 'NoCredentials', 'AssumeRole', {
        message: 'AWS failed: AssumeRole answered without credentials',
        remediation: 'repeat',
      });
    return {
      accessKeyId,
      secret: new Secret(secret),
      token: new Secret(token),
      endsAt: began + duration * 1000,
    };
  }
}

function show({ accessKeyId, secret, token, endsAt }: Session): Credentials {
  return {
    accessKeyId,
    secretAccessKey: secret.reveal(),
    sessionToken: token.reveal(),
    expiration: new Date(wallClock().getTime() + endsAt - performance.now()),
  };
}
