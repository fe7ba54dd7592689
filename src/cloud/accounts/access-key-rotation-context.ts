import type { AwsAccount } from '../aws/clients.ts';
import { whoIs } from '../aws/identity-check.ts';
import type { Act } from '../../evidence/trail.ts';
import type { AwsContext } from './context.ts';
import { keysOf } from './access-keys.ts';
import { accessOf, openKey, type OpenKey } from './sign-in.ts';
import type { CspAccountRecord } from './records.ts';
import { VaultError } from '../../vault/vault-error.ts';

export interface Rotation {
  context: AwsContext;
  act: Act;
  /** Milliseconds between tries of a new access key, which IAM needs some seconds to make known. */
  pauses: readonly number[];
  /** So long after its making, milliseconds, IAM knows whether an access key has been used. */
  usedToldAfter: number;
}

/**
 * An access key that an answer was lost of, or that somebody has made in the same minutes and uses: IAM tells hours late
 * that one was used ("last accessed information": within four hours, IAM User Guide). Until then it is not deleted.
 */
export class LostKeyError extends VaultError {
  readonly until: Date;

  constructor(accessKeyId: string, until: Date) {
    super(
      'conflict',
      `the answer was lost with which IAM made an access key, most likely ${accessKeyId}: nobody has its secret, and there is no room for another`,
      `nothing: it is deleted after ${until.toISOString()}, unless IAM says by then that somebody uses it; or delete it in IAM now, if nobody made it by hand, then rotate again`,
    );
    this.until = until;
  }
}

/** A rotation that has to wait for IAM: nothing went wrong. */
export class NotYetError extends Error {
  constructor() {
    super('AWS does not know the new access key everywhere yet');
    this.name = 'NotYetError';
  }
}

/** AWS as the IAM user who has this access key; of a role account as the user who assumes the role. */
export function userAccount(context: AwsContext, account: CspAccountRecord, key: OpenKey): AwsAccount {
  return context.aws.once(accessOf({ ...account, type: 'access-key' }, key, ''));
}

/** The IAM user whose access key it is. Throws VaultError `conflict` for the root user, whose keys nobody rotates. */
export async function userOf(aws: AwsAccount): Promise<string> {
  const { kind, name } = await whoIs(aws);
  if (kind === 'user') return name;
  throw new VaultError(
    'conflict',
    'only access keys of IAM users are rotated, and this is another’s',
    'give the CSP account an access key of an IAM user',
  );
}

/** What a step that succeeded leaves of the failures before it. */
export const noProblem = {
  access_key_rotation_problem: null,
  access_key_rotation_retry_at: null,
  access_key_rotation_failures: 0,
};

export async function openCurrent(context: AwsContext, account: CspAccountRecord): Promise<OpenKey> {
  const current = (await keysOf(context.store.db, account.id)).find(({ state }) => state === 'CURRENT');
  if (current === undefined)
    throw new VaultError(
      'conflict',
      'the CSP account has no access key',
      'give it one: holdfast csp-account edit',
    );
  return openKey(context, account, current);
}
