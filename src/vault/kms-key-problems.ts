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

/** Something that is not there yet; it goes on by itself once it is. */
export function waitingFor(code: string, message: string, wayOut: string, now: Date): KmsKeyProblem {
  return { operation: 'CreateKey', fault: 'waiting', code, message, wayOut, at: now.toISOString() };
}
