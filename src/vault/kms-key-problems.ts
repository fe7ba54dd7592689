import { AwsError } from '../aws/aws-error.ts';
import { KeyPolicyError } from '../aws/key-policy.ts';
import { TokenError } from '../token/faults.ts';
import { tokenWords } from '../token/ways-out.ts';
import type { KmsKeyProblem } from './kms-key-records.ts';
import { VaultError } from './vault-error.ts';

/** Whatever an attempt threw, as the pointer shows it. */
export function toKmsKeyProblem(error: unknown, operation: string, now: Date): KmsKeyProblem {
  const at = now.toISOString();
  if (error instanceof AwsError) {
    const { fault, code, message, wayOut } = error;
    return { operation: error.operation, fault, code, message, wayOut, at };
  }
  if (error instanceof VaultError)
    return {
      ...{ operation, fault: error.problem, code: error.problem, message: error.message, at },
      wayOut: error.wayOut ?? 'put it right, then holdfast kms-key retry',
    };
  if (error instanceof KeyPolicyError)
    return {
      ...{ operation, fault: 'invalid', code: 'KeyPolicy', message: error.message, wayOut: error.wayOut, at },
    };
  if (error instanceof TokenError) {
    const { problem, wayOut } = tokenWords(error);
    return {
      ...{ operation, fault: 'token', code: error.fault, message: problem, at },
      wayOut: `${wayOut}; it is tried again by itself`,
    };
  }
  return {
    ...{ operation, fault: 'internal', code: 'Internal', at },
    message: 'something went wrong that should not; the log of the node has more',
    wayOut: 'it is tried again by itself; if it lasts, report it with the log',
  };
}

/**
 * So many looks lie between two requests for what AWS has and does not show, ten to thirty seconds: what was made shows within
 * seconds as a rule, and a request for a KMS key more is one that another waits for.
 */
const looksBetween = 5;

/**
 * AWS said with this code that it has what we asked for, and does not show it yet: it is looked for, since requests that
 * make something are few. From time to time it is asked for again: somebody may have removed what was in the way.
 */
export function isAwaited(last: KmsKeyProblem | null, ...codes: string[]): last is KmsKeyProblem {
  return last?.fault === 'settling' && codes.includes(last.code) && (last.times ?? 0) % looksBetween !== 0;
}

/** Where no answer came, and AWS shows nothing that it made. */
export const answerLost = 'AnswerLost';

/** What a request may have made, without an answer, is not shown: it may come, or may not have been made. */
export function notShownAfterLoss(operation: 'CreateKey' | 'CreateAlias'): AwsError {
  return new AwsError('settling', answerLost, operation, {
    message: `no answer came to ${operation}, and AWS does not show that it did it, which may take seconds, sometimes minutes`,
    wayOut: 'nothing: Holdfast looks again every few seconds, and repeats it where it was not done',
  });
}

/** The error as it was told then. */
export function asTold({ operation, code, message, wayOut }: KmsKeyProblem): AwsError {
  return new AwsError('settling', code, operation, { message, wayOut });
}

/** Something that is not there yet; it goes on by itself once it is. */
export function waitingFor(code: string, message: string, wayOut: string, now: Date): KmsKeyProblem {
  return { operation: 'CreateKey', fault: 'waiting', code, message, wayOut, at: now.toISOString() };
}
