import { z } from 'zod';
import { AwsError } from '../aws/aws-error.ts';
import { KeyPolicyError } from '../aws/key-policy.ts';
import { TokenError } from '../../token/faults.ts';
import { tokenWords } from '../../token/remediations.ts';
import { VaultError } from '../../vault/vault-error.ts';

/* Why what is wanted in AWS is not there yet, in one form for all: as records keep it and the API shows it. */

const form = z.object({
  /** AWS's operation, or one of ours. */
  operation: z.string().default(''),
  /** An AwsFault; `token`, `internal`, `waiting`, `searching`; a kind of VaultError. */
  fault: z.string().default('conflict'),
  /** AWS's name for it, or one of ours. */
  code: z.string(),
  message: z.string(),
  remediation: z.string().default(''),
  /** When, ISO 8601. */
  at: z.string().default(''),
  /** How often in a row. */
  times: z.number().default(1),
  /** Since when it lasts, where that matters. */
  since: z.string().optional(),
  /** What is in the way in AWS. */
  keyArn: z.string().optional(),
});

export type Problem = z.infer<typeof form>;

/** As a record keeps it; also as versions before this one wrote it. */
export function readProblem(text: string | null): Problem | null {
  return text === null ? null : form.parse(JSON.parse(text));
}

export interface ProblemWords {
  /** Of a VaultError that has none. */
  remediation: string;
  /** Of a VaultError; its kind where this is undefined. */
  code?: string;
}

/** Whatever stood against it, in words. Never what is no error of AWS's, the token's or a value's: that the log has. */
export function toProblem(error: unknown, operation: string, now: Date, words: ProblemWords): Problem {
  const at = now.toISOString();
  const times = 1;
  if (error instanceof AwsError) {
    const { fault, code, message, remediation, since, keyArn } = error;
    return {
      ...{ operation: error.operation, fault, code, message, remediation, at, times },
      ...(since === undefined ? {} : { since }),
      ...(keyArn === undefined ? {} : { keyArn }),
    };
  }
  if (error instanceof VaultError)
    return {
      ...{ operation, fault: error.problem, code: words.code ?? error.problem, message: error.message },
      ...{ remediation: error.remediation ?? words.remediation, at, times },
    };
  if (error instanceof KeyPolicyError) {
    const { message, remediation } = error;
    return { operation, fault: 'invalid', code: 'KeyPolicy', message, remediation, at, times };
  }
  if (error instanceof TokenError) {
    const { problem, remediation } = tokenWords(error);
    return {
      ...{ operation, fault: 'token', code: error.fault, message: problem, at, times },
      remediation: `${remediation}; it is retried automatically`,
    };
  }
  return {
    ...{ operation, fault: 'internal', code: 'Internal', at, times },
    message: 'something went wrong that should not; the log of the node has more',
    remediation: 'it is retried automatically; if it lasts, report it with the log',
  };
}
