import { AwsError } from '../aws/aws-error.ts';
import { KeyPolicyError } from '../aws/key-policy.ts';
import { TokenError } from '../token/faults.ts';
import type { KmsKeyProblem } from './kms-key-records.ts';
import { VaultError } from './vault-error.ts';

const second = 1_000;
const minute = 60 * second;
const hour = 60 * minute;

/** First and longest pause between tries, milliseconds; each is twice the one before. */
const pauses = {
  /** What may be over in a moment. */
  passing: { first: 5 * second, longest: 15 * minute },
  /** What somebody has to put right, here or in AWS; whoever did asks for a retry. */
  lasting: { first: 15 * minute, longest: 6 * hour },
} as const;

const passing = new Set(['throttled', 'unreachable', 'aws-trouble', 'token', 'internal', 'searching']);

/** What was just changed in IAM or made in KMS takes some seconds until all of AWS knows: so often that is waited for. */
const soonTries = 3;
const mayPass = new Set(['denied', 'invalid', 'not-found', 'credentials']);

/** When a try that failed for the `attempts`th time is repeated: with jitter, so that 2,000 keys do not come back at once. */
export function nextAttempt(
  fault: string,
  attempts: number,
  now: Date,
  random: () => number = Math.random,
): Date {
  const isSoon = passing.has(fault) || (mayPass.has(fault) && attempts <= soonTries);
  const { first, longest } = isSoon ? pauses.passing : pauses.lasting;
  const before = Math.max(attempts - 1 - (isSoon || !mayPass.has(fault) ? 0 : soonTries), 0);
  const pause = Math.min(first * 2 ** Math.min(before, 20), longest);
  return new Date(now.getTime() + Math.round(pause * (0.5 + random() / 2)));
}

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
  if (error instanceof TokenError)
    return {
      ...{ operation, fault: 'token', code: error.fault, message: `the token: ${error.message}`, at },
      wayOut: 'verify the connection to the token (holdfast token verify); it is tried again by itself',
    };
  return {
    ...{ operation, fault: 'internal', code: 'Internal', at },
    message: 'something went wrong that should not; the log of the node has more',
    wayOut: 'it is tried again by itself; if it lasts, report it with the log',
  };
}

/** Something that is not there yet; it goes on by itself once it is. */
export function waitingFor(code: string, message: string, wayOut: string, now: Date): KmsKeyProblem {
  return { operation: 'CreateKey', fault: 'waiting', code, message, wayOut, at: now.toISOString() };
}
