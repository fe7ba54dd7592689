import { AwsError } from '../aws/aws-error.ts';
import { notYetShown } from '../aws/presence.ts';
import { KeyPolicyError } from '../aws/key-policy.ts';
import { TokenError } from '../../token/faults.ts';
import { tokenWords } from '../../token/remediations.ts';
import type { KmsKeyProblem } from './records.ts';
import { VaultError } from '../../vault/vault-error.ts';

/** Whatever an attempt threw, as the KMS key record shows it. */
export function toKmsKeyProblem(error: unknown, operation: string, now: Date): KmsKeyProblem {
  const at = now.toISOString();
  if (error instanceof AwsError) {
    const { fault, code, message, remediation, since } = error;
    return {
      ...{ operation: error.operation, fault, code, message, remediation, at },
      ...(since === undefined ? {} : { since }),
    };
  }
  if (error instanceof VaultError)
    return {
      ...{ operation, fault: error.problem, code: error.problem, message: error.message, at },
      remediation: error.remediation ?? 'put it right, then holdfast kms-key retry',
    };
  if (error instanceof KeyPolicyError)
    return {
      ...{
        operation,
        fault: 'invalid',
        code: 'KeyPolicy',
        message: error.message,
        remediation: error.remediation,
        at,
      },
    };
  if (error instanceof TokenError) {
    const { problem, remediation } = tokenWords(error);
    return {
      ...{ operation, fault: 'token', code: error.fault, message: problem, at },
      remediation: `${remediation}; it is tried again by itself`,
    };
  }
  return {
    ...{ operation, fault: 'internal', code: 'Internal', at },
    message: 'something went wrong that should not; the log of the node has more',
    remediation: 'it is tried again by itself; if it lasts, report it with the log',
  };
}

/** AWS has a KMS key for the external key. */
export const keyInUse = 'XksKeyAlreadyInUseException';

/** Where no answer came, and AWS shows nothing that it made. */
export const answerLost = 'AnswerLost';

/**
 * So long, milliseconds, what AWS may have is only looked for: it shows within seconds as a rule, and a request for a KMS
 * key more is one that another waits for. What AWS said that it has is awaited longer. Then it is asked for again: it was
 * not done, or somebody has removed what was in the way.
 */
const lookedFor = { lost: 25_000, there: 60_000 };

/** Whether AWS has, or may have, what we asked for, does not show it yet, and was asked too lately to be asked again. */
export function isAwaited(last: KmsKeyProblem, now: Date, ...codes: string[]): boolean {
  if (last.fault !== 'settling' || !codes.includes(last.code)) return false;
  // A time in the future was written by a clock that stood wrong.
  const waited = Math.abs(now.getTime() - Date.parse(askedAt(last)));
  return waited < (last.code === answerLost ? lookedFor.lost : lookedFor.there);
}

function askedAt({ since, at }: KmsKeyProblem): string {
  return since ?? at;
}

/** What a request may have made, without an answer, is not shown: it may come, or may not have been made. */
export function notShownAfterLoss(operation: 'CreateKey' | 'CreateAlias', last: KmsKeyProblem): AwsError {
  return new AwsError('settling', answerLost, operation, {
    message: `no answer came to ${operation}, and AWS does not show that it did it, which may take seconds, sometimes minutes`,
    remediation: 'nothing: Holdfast looks again every few seconds, and repeats it where it was not done',
    since: askedAt(last),
  });
}

/** AWS said at `since`, or just now, that it has a KMS key for the external key, and shows none, or not all of it. */
export function keyNotShown(since: string | undefined): AwsError {
  return notYetShown(
    new AwsError('conflict', keyInUse, 'CreateKey', { message: 'it is in use', remediation: 'wait', since }),
  );
}

/** The error as it was told then. */
export function asTold(last: KmsKeyProblem): AwsError {
  const { code, message, remediation } = last;
  const operation = last.fault === 'searching' ? 'CreateKey' : last.operation;
  return new AwsError('settling', code, operation, { message, remediation, since: askedAt(last) });
}

/** Something that is not there yet; it goes on by itself once it is. */
export function waitingFor(code: string, message: string, remediation: string, now: Date): KmsKeyProblem {
  return { operation: 'CreateKey', fault: 'waiting', code, message, remediation, at: now.toISOString() };
}
