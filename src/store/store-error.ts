/**
 * Why the store cannot be used. `full`, `locked`, `read-only` and `not-permitted` may pass by themselves or by a hand at
 * the machine; the others are about the file: what stands in it, or that it is not there.
 */
export type StoreFault =
  | 'full'
  | 'locked'
  | 'read-only'
  | 'not-permitted'
  | 'io'
  | 'not-local'
  | 'missing'
  | 'gone'
  | 'not-a-store'
  | 'damaged'
  | 'moved'
  | 'older'
  | 'newer'
  | 'altered'
  | 'changed-back'
  | 'unreachable'
  | 'in-doubt'
  | 'went-back'
  | 'not-certain';

/** The store cannot be used; both texts are for the operator. `code` is SQLite's or the system's, where there is one. */
export class StoreError extends Error {
  readonly fault: StoreFault;
  readonly remediation: string;
  readonly code: string | undefined;

  constructor(fault: StoreFault, problem: string, remediation: string, cause?: unknown) {
    super(problem, cause === undefined ? undefined : { cause });
    this.name = 'StoreError';
    this.fault = fault;
    this.remediation = remediation;
    this.code = codeOf(cause);
  }

  /** Of an answer over HTTP: 507 where space is all that is missing. */
  get status(): 503 | 507 {
    return this.fault === 'full' ? 507 : 503;
  }
}

/** The code that SQLite or the system gave an error; undefined where it has none. */
export function codeOf(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  const { code } = error as { code?: unknown };
  return typeof code === 'string' ? code : undefined;
}
