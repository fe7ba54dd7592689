import { ckrName } from '../faults.ts';

/** A C_ function that did not return CKR_OK; `rv` is undefined where pkcs11js refused before calling. */
export class CryptokiError extends Error {
  readonly call: string;
  readonly rv: number | undefined;
  /** What was asked for, where that helps to see why; without secrets. */
  readonly detail: string | undefined;

  constructor(call: string, rv: number | undefined, cause: unknown, detail?: string) {
    super(`${call} failed`, { cause });
    this.name = 'CryptokiError';
    this.call = call;
    this.rv = rv;
    this.detail = detail;
  }

  /** Such as `C_GetTokenInfo failed (CKR_TOKEN_NOT_RECOGNIZED)`. */
  get said(): string {
    return `${this.call} failed${this.rv === undefined ? '' : ` (${ckrName(this.rv)})`}`;
  }
}

let watcher: ((call: string) => void) | undefined;

/** Has `tell` told of each C_ function before it is called: of one that hangs nothing else is known. Gives who was before. */
export function watchCalls(tell: typeof watcher): typeof watcher {
  const before = watcher;
  watcher = tell;
  return before;
}

/** Runs one C_ function and names it in what it throws. */
export function attempt<T>(call: string, run: () => T, detail?: string): T {
  watcher?.(call);
  try {
    return run();
  } catch (error) {
    throw new CryptokiError(call, returnValue(error), error, detail);
  }
}

/** pkcs11js puts the number into `.code`, but for some functions only behind the colon of the message. */
function returnValue(error: unknown): number | undefined {
  if (!(error instanceof Error)) return undefined;
  const { code } = error as { code?: unknown };
  if (typeof code === 'number' && code !== 0) return code;
  const match = /^CKR_\w+:(\d+)/.exec(error.message);
  return match === null ? undefined : Number(match[1]);
}

/** The token host cannot start as configured; `problem` and `remediation` are for the operator, without secrets. */
export class StartError extends Error {
  readonly remediation: string;

  constructor(problem: string, remediation: string) {
    super(problem);
    this.name = 'StartError';
    this.remediation = remediation;
  }
}

/**
 * The module does not show the token that is meant. Another process may see it: SoftHSM 2.6 keeps for a whole process what it
 * read while another one's login was writing (ObjectFile.cpp), and then shows no token, or one that cannot be read.
 */
export class TokenMissedError extends StartError {
  override name = 'TokenMissedError';
}
