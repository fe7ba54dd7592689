import { randomBytes } from 'node:crypto';
import type { House } from '../house.ts';
import { makeId, makeSecretAccessKey } from '../ids.ts';
import { parsePolicy, PolicyError } from '../policy.ts';
import { commonError } from '../protocol.ts';
import { ServiceError } from '../service-error.ts';
import type { Reply, Service, SimulatedCall } from '../service.ts';
import type { IamState } from './iam-state.ts';
import type { SimulatedIam } from './iam.ts';
import { FORMS, Parameters } from './parameters.ts';
import { sessionArn, Sessions, type Session } from './sessions.ts';
import { isUserSession, UserSessions } from './user-sessions.ts';

/** What the simulator does of STS's API of 2011-06-15: GetCallerIdentity, AssumeRole and GetSessionToken. */
export class SimulatedSts implements Service {
  readonly name = 'sts';
  readonly #house: House;
  readonly #iam: IamState;
  readonly #sessions: Sessions;
  readonly #userSessions: UserSessions;

  constructor(house: House, iam: SimulatedIam) {
    this.#house = house;
    this.#iam = iam.state;
    this.#sessions = new Sessions(iam.state);
    house.accounts.addSource(this.#sessions);
    this.#userSessions = new UserSessions(house.accounts);
    house.accounts.addSource(this.#userSessions);
  }

  async handle(call: SimulatedCall): Promise<Reply> {
    if (call.action === 'GetCallerIdentity') return { output: callerIdentity(call) };
    if (call.action === 'AssumeRole') return { output: this.#assumeRole(call) };
    if (call.action === 'GetSessionToken') return { output: this.#sessionToken(call) };
    throw commonError('sts', 'not-done', `The simulator does not do ${call.action} of STS`);
  }

  save(): unknown {
    return { roles: this.#sessions.save(), users: this.#userSessions.save() };
  }

  load(saved: unknown): void {
    // A state file of before has the sessions of roles alone.
    const { roles, users } = Array.isArray(saved)
      ? { roles: saved as unknown, users: [] }
      : (saved as { roles: unknown; users: unknown });
    this.#sessions.load(roles);
    this.#userSessions.load(users);
  }

  /** Needs no permission; of 15 minutes to 36 hours, 12 unless told, and of the root user an hour at the most. */
  #sessionToken(call: SimulatedCall): Record<string, unknown> {
    const parameters = new Parameters(call.input);
    for (const name of ['SerialNumber', 'TokenCode'])
      if (parameters.has(name))
        throw commonError('sts', 'not-done', `The simulator does not do ${name} of GetSessionToken`);
    if (call.principal.kind === 'assumed-role' || isUserSession(call.principal))
      throw commonError('sts', 'denied', 'Cannot call GetSessionToken with session credentials');
    const given = parameters.integer('DurationSeconds', 900, 129_600) ?? 43_200;
    const seconds = call.principal.kind === 'root' ? Math.min(given, 3600) : given;
    const expiresAt = new Date(call.at.getTime() + seconds * 1000);
    const session = this.#userSessions.make(call.principal.accessKeyId, expiresAt);
    this.#house.changed();
    call.trail.requestParameters = { durationSeconds: seconds };
    call.trail.responseElements = {
      credentials: { accessKeyId: session.accessKeyId, expiration: session.expiresAt },
    };
    return {
      Credentials: {
        AccessKeyId: session.accessKeyId,
        SecretAccessKey: session.secretAccessKey,
        SessionToken: session.sessionToken,
        Expiration: expiresAt,
      },
    };
  }

  #assumeRole(call: SimulatedCall): Record<string, unknown> {
    const parameters = new Parameters(call.input);
    const input = readInput(parameters, call);
    call.trail.requestParameters = {
      ...{ roleArn: input.roleArn, roleSessionName: input.name, durationSeconds: input.seconds },
      externalId: input.externalId,
    };
    if (call.principal.kind === 'root')
      throw commonError('sts', 'denied', 'Roles may not be assumed by root accounts.');
    const { accountId, role } = this.#authorize(call, input);
    if (input.seconds > role.maxSessionSeconds)
      throw new ServiceError(
        'ValidationError',
        400,
        'The requested DurationSeconds exceeds the MaxSessionDuration set for this role.',
      );
    const session: Session = {
      accessKeyId: makeId('ASIA'),
      secretAccessKey: makeSecretAccessKey(),
      sessionToken: randomBytes(192).toString('base64'),
      ...{ roleArn: input.roleArn, roleId: role.id, name: input.name, policy: input.policy },
      issuedAt: call.at.toISOString(),
      expiresAt: new Date(call.at.getTime() + input.seconds * 1000).toISOString(),
    };
    this.#sessions.add(session, call.at);
    this.#house.changed();
    const assumed = {
      AssumedRoleId: `${role.id}:${input.name}`,
      Arn: sessionArn(call.partition, accountId, role.name, input.name),
    };
    call.trail.responseElements = {
      credentials: { accessKeyId: session.accessKeyId, expiration: session.expiresAt },
      assumedRoleUser: { assumedRoleId: assumed.AssumedRoleId, arn: assumed.Arn },
    };
    return {
      Credentials: {
        AccessKeyId: session.accessKeyId,
        SecretAccessKey: session.secretAccessKey,
        SessionToken: session.sessionToken,
        Expiration: new Date(session.expiresAt),
      },
      AssumedRoleUser: assumed,
      ...(input.policy === undefined
        ? {}
        : { PackedPolicySize: Math.ceil((input.policy.length / 2048) * 100) }),
    };
  }

  /** A role that is not there is refused as one that may not be assumed: nobody learns which roles an account has. */
  #authorize(call: SimulatedCall, input: Input): NonNullable<ReturnType<IamState['roleByArn']>> {
    const found = this.#iam.roleByArn(input.roleArn);
    call.authorize('sts:AssumeRole', input.roleArn, {
      resourcePolicyIs: 'required',
      ...(found === undefined ? {} : { resourcePolicy: parsePolicy(found.role.trustPolicy, 'trust') }),
      context: { 'sts:ExternalId': input.externalId, 'sts:RoleSessionName': input.name },
    });
    if (found === undefined) throw new Error('A role that is not there was let through');
    return found;
  }
}

interface Input {
  readonly roleArn: string;
  readonly name: string;
  readonly externalId: string | undefined;
  readonly seconds: number;
  readonly policy: string | undefined;
}

function readInput(parameters: Parameters, call: SimulatedCall): Input {
  for (const name of [
    'PolicyArns',
    'Tags',
    'TransitiveTagKeys',
    'SerialNumber',
    'TokenCode',
    'SourceIdentity',
  ])
    if (parameters.has(name))
      throw commonError('sts', 'not-done', `The simulator does not do ${name} of AssumeRole`);
  const seconds = parameters.integer('DurationSeconds', 900, 43_200) ?? 3600;
  if (call.principal.kind === 'assumed-role' && seconds > 3600)
    throw new ServiceError(
      'ValidationError',
      400,
      'The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining',
    );
  const policy = parameters.optional('Policy', { max: 2048 });
  try {
    if (policy !== undefined) parsePolicy(policy, 'identity');
  } catch (error) {
    if (!(error instanceof PolicyError)) throw error;
    throw new ServiceError('MalformedPolicyDocument', 400, error.message);
  }
  return {
    roleArn: parameters.required('RoleArn', FORMS.arn),
    name: parameters.required('RoleSessionName', { min: 2, max: 64, pattern: /^[\w+=,.@-]*$/ }),
    externalId: parameters.optional('ExternalId', { min: 2, max: 1224, pattern: /^[\w+=,.@:/-]*$/ }),
    ...{ seconds, policy },
  };
}

/** Needs no permission. */
function callerIdentity(call: SimulatedCall): Record<string, unknown> {
  return { UserId: call.principal.id, Account: call.accountId, Arn: call.principal.arn };
}
