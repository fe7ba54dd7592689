import { BusyError } from '../fair-queue.ts';
import { CsrfError, SignInRefusedError } from '../identity/identity-error.ts';
import { StoreError } from '../store/store-error.ts';
import { TokenError } from '../token/faults.ts';
import { tokenWords } from '../token/remediations.ts';
import { NameError } from '../vault/names.ts';
import { VaultError, type VaultProblem } from '../vault/vault-error.ts';
import { AwsError } from '../cloud/aws/aws-error.ts';
import { IdempotencyConflictError } from '../evidence/trail.ts';

/** Kinds of problems (RFC 9457): `type` is `urn:holdfast:problem:<kind>`. */
export const problemKinds = {
  'bad-request': [400, 'The request cannot be read'],
  invalid: [422, 'A value is not allowed'],
  unauthenticated: [401, 'Sign in first'],
  'sign-in-refused': [401, 'The sign-in was refused'],
  'second-factor-required': [403, 'A second factor is required first'],
  'password-change-required': [403, 'The password must be changed first'],
  'csrf-token-required': [403, 'The CSRF token is missing or wrong'],
  forbidden: [403, 'Not allowed'],
  'not-found': [404, 'Not found'],
  'method-not-allowed': [405, 'The method is not allowed here'],
  'not-acceptable': [406, 'The response is JSON only'],
  'request-timeout': [408, 'The request did not arrive in time'],
  conflict: [409, 'Conflict with the current state'],
  'precondition-failed': [412, 'The record has changed in the meantime'],
  'too-large': [413, 'The request is too large'],
  'unsupported-media-type': [415, 'The body must be application/json'],
  'expectation-failed': [417, 'The Expect header cannot be satisfied'],
  'idempotency-key-reused': [422, 'The Idempotency-Key was used for another request'],
  'precondition-required': [428, 'If-Match is required'],
  'too-many-requests': [429, 'Too many requests'],
  'head-too-large': [431, 'The request header is too large'],
  internal: [500, 'Internal server error'],
  'not-implemented': [501, 'The transfer coding is not supported'],
  aws: [502, 'AWS refused or cannot be reached'],
  'aws-busy': [503, 'AWS is throttling requests'],
  'token-unavailable': [503, 'The token is unavailable'],
  'store-unavailable': [503, 'The database is unavailable'],
  'store-not-certain': [503, 'It is done, and not certain on the standby yet'],
  'store-in-doubt': [503, 'It may have been done'],
  'store-went-back': [503, 'The database has gone back in time'],
  'not-in-force': [503, 'It is done, and not in force on every node yet'],
  'store-full': [507, 'The disk of the database is full'],
} as const satisfies Record<string, readonly [number, string]>;

export type ProblemKind = keyof typeof problemKinds;

/** One wrong value: where it is (JSON pointer, or the name of a parameter) and what is wrong. Never the value itself. */
export interface FieldProblem {
  where: string;
  detail: string;
}

export interface ProblemDetails {
  remediation?: string | undefined;
  fields?: readonly FieldProblem[];
  /** Seconds. */
  retryAfter?: number;
  /** Someone reached for what is another vault's: it is answered as if it were not there, and stands in the trail. */
  beyond?: boolean;
  /** For the log alone. */
  cause?: unknown;
}

/** What a client is told when a request is refused (RFC 9457). */
export class Problem extends Error {
  readonly kind: ProblemKind;
  readonly status: number;
  readonly remediation: string | undefined;
  readonly fields: readonly FieldProblem[];
  readonly retryAfter: number | undefined;
  readonly beyond: boolean;

  constructor(
    kind: ProblemKind,
    detail: string,
    { remediation, fields, retryAfter, beyond, cause }: ProblemDetails = {},
  ) {
    super(detail, { cause });
    this.name = 'Problem';
    this.kind = kind;
    this.status = problemKinds[kind][0];
    this.remediation = remediation;
    this.fields = fields ?? [];
    this.retryAfter = retryAfter;
    this.beyond = beyond === true;
  }

  /** The body, `application/problem+json`. */
  toBody(requestId: string): Record<string, unknown> {
    return {
      type: `urn:holdfast:problem:${this.kind}`,
      title: problemKinds[this.kind][1],
      status: this.status,
      detail: this.message,
      instance: `urn:holdfast:request:${requestId}`,
      ...(this.remediation === undefined ? {} : { remediation: this.remediation }),
      ...(this.fields.length === 0 ? {} : { fields: this.fields }),
    };
  }
}

const vaultProblems: Record<VaultProblem, ProblemKind> = {
  'not-found': 'not-found',
  conflict: 'conflict',
  invalid: 'invalid',
  precondition: 'precondition-failed',
  forbidden: 'forbidden',
};

/** Kinds that leave an act uncertain, by what is told of it in a metric. */
export const uncertainKinds: Partial<Record<ProblemKind, 'not-certain' | 'in-doubt'>> = {
  'store-not-certain': 'not-certain',
  'store-in-doubt': 'in-doubt',
};

/** Of faults that leave nothing done it is `store-unavailable`. */
const storeProblems: Partial<Record<StoreError['fault'], ProblemKind>> = {
  full: 'store-full',
  'went-back': 'store-went-back',
  'not-certain': 'store-not-certain',
  'in-doubt': 'store-in-doubt',
};

/**
 * Whatever was thrown, as a problem. What is no error of the caller's says nothing of itself. `isBegun`: a transaction of the act was
 * committed before.
 */
export function toProblem(error: unknown, isBegun = false): Problem {
  if (error instanceof Problem) return error;
  if (error instanceof VaultError)
    return new Problem(vaultProblems[error.problem], error.message, { remediation: error.remediation });
  if (error instanceof SignInRefusedError) return new Problem('sign-in-refused', error.message);
  if (error instanceof CsrfError) return new Problem('csrf-token-required', error.message);
  if (error instanceof BusyError)
    return new Problem('too-many-requests', error.message, { retryAfter: error.retryAfter });
  if (error instanceof NameError) return new Problem('invalid', error.message);
  if (error instanceof IdempotencyConflictError)
    return new Problem('conflict', error.message, { remediation: 'repeat the request with the same key' });
  if (error instanceof TokenError) {
    const { problem, remediation } = tokenWords(error);
    return new Problem('token-unavailable', problem, { remediation, cause: error });
  }
  if (error instanceof StoreError) return ofStore(error, isBegun);
  if (error instanceof AwsError)
    return new Problem(error.fault === 'throttled' ? 'aws-busy' : 'aws', error.message, {
      remediation: error.remediation,
      ...(error.fault === 'throttled' ? { retryAfter: 60 } : {}),
      cause: error,
    });
  return new Problem('internal', 'an internal error occurred; the log has more under this request id', {
    cause: error,
  });
}

/** Of an act of several transactions, or one whose result could not be read any more, `store-unavailable` would say that nothing is done. */
function ofStore(error: StoreError, isBegun: boolean): Problem {
  const kind = storeProblems[error.fault] ?? 'store-unavailable';
  if (!isBegun || uncertainKinds[kind] !== undefined)
    return new Problem(kind, error.message, { remediation: error.remediation, cause: error });
  return new Problem(
    'store-in-doubt',
    `it was done, at least in part, when the database failed: ${error.message}`,
    { remediation: 'look whether it is done, and repeat it if not', cause: error },
  );
}
